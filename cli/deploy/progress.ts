import { paint, table, type Io, type Tone } from "../io.ts";
import { NOTHING_DONE, type CellRun, type Done } from "./engine.ts";
import type { CellEnding } from "./cells.ts";

/** What is told while cells are run. */
export interface Progress {
  begin(run: CellRun): void;
  step(run: CellRun, done: Done): void;
  end(ending: CellEnding): void;
  close(): void;
}

const REFRESH_MILLISECONDS = 250;

/** On a terminal one line a cell that changes in place; else a line when a cell begins and one when it ends. */
export function progressOf(
  io: Pick<Io, "err" | "live" | "color">,
  command: "up" | "preview",
  runs: readonly CellRun[],
): Progress {
  const { live } = io;
  if (live === undefined)
    return {
      begin: (run) => {
        io.err(`${run.cell}: ${command}${scopeText(run)}`);
      },
      step: () => undefined,
      end: (ending) => {
        io.err(`${ending.run.cell}: ${endText(command, ending)}`);
      },
      close: () => undefined,
    };
  const states = new Map<string, { readonly tone: Tone; readonly text: string }>(
    runs.map((run) => [run.stack, { tone: "dim", text: "waits" }]),
  );
  const active = new Map<string, { readonly run: CellRun; readonly begun: number; done: Done }>();
  const draw = (): void => {
    for (const { run, begun, done } of active.values())
      states.set(run.stack, {
        tone: "dim",
        text: `${command}${scopeText(run)}, ${[doneText(done), secondsText((performance.now() - begun) / 1000)].filter(Boolean).join(", ")}`,
      });
    const lines = table(runs.map((run) => [run.cell, states.get(run.stack)?.text ?? ""]));
    live(lines.map((line, index) => paint(io, states.get(runs[index]?.stack ?? "")?.tone ?? "dim", line)));
  };
  const timer = setInterval(draw, REFRESH_MILLISECONDS);
  return {
    begin: (run) => {
      active.set(run.stack, { run, begun: performance.now(), done: NOTHING_DONE });
    },
    step: (run, done) => {
      const found = active.get(run.stack);
      if (found !== undefined) found.done = done;
    },
    end: (ending) => {
      active.delete(ending.run.stack);
      states.set(ending.run.stack, {
        tone: ending.result === "done" ? "green" : "red",
        text: endText(command, ending),
      });
    },
    close: () => {
      clearInterval(timer);
      draw();
    },
  };
}

const scopeText = ({ limitedTo }: CellRun): string => {
  if (limitedTo === undefined) return "";
  const [first = ""] = limitedTo;
  return limitedTo.length === 1 ? ` of ${first}` : ` of ${limitedTo.length} tenants`;
};

function endText(command: "up" | "preview", { result, done, seconds }: CellEnding): string {
  const what = command === "up" ? doneText(done) || "nothing changed" : "previewed";
  return `${result === "done" ? "" : `${result}, `}${what}, ${secondsText(seconds)}`;
}

/** `3 created, 1 updated`; empty for nothing. */
export const doneText = (done: Done): string =>
  (Object.keys(done) as (keyof Done)[])
    .filter((kind) => done[kind] > 0)
    .map((kind) => `${done[kind]} ${kind}`)
    .join(", ");

export const secondsText = (seconds: number): string =>
  seconds < 60 ? `${seconds.toFixed(0)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
