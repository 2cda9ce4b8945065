import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { descendants } from "../../test/support/processes.ts";

/** What a command took. */
export interface Measured {
  readonly seconds: number;
  readonly code: number;
  readonly stdout: string;
  /** Peak resident memory of the largest process of a kind, MiB. */
  readonly peaks: Readonly<Record<"program" | "engine", number>>;
}

const LOOK_MILLISECONDS = 200;

/** Runs a command to its end, and looks at the memory of the program and the engine that it starts. */
export function measure(
  [name = "", ...args]: readonly string[],
  place: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(name, args, { ...place, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => stdout.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => stderr.push(chunk));
    const peaks = { program: 0, engine: 0 };
    const look = setInterval(() => {
      for (const pid of descendants(child.pid ?? 0)) notePeak(pid, peaks);
    }, LOOK_MILLISECONDS);
    child.once("error", reject);
    child.once("close", (code) => {
      clearInterval(look);
      const seconds = (performance.now() - begun) / 1000;
      // `kubectl diff` ends with 1 where it finds a difference.
      if (code === 0 || (code === 1 && args.includes("diff")))
        resolve({ seconds, code, stdout: stdout.join(""), peaks });
      else
        reject(
          new Error(
            `${name} ${args.join(" ")} ended with ${code ?? "a signal"}:\n${[...stdout, ...stderr].join("").slice(-3000)}`,
          ),
        );
    });
  });
}

function notePeak(pid: number, peaks: { program: number; engine: number }): void {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    const kind = command.includes("@pulumi/pulumi/cmd/run")
      ? "program"
      : /(?:^|\/)pulumi\0/.test(command)
        ? "engine"
        : undefined;
    if (kind === undefined) return;
    const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    peaks[kind] = Math.max(peaks[kind], Math.round(peak / 1024));
  } catch {
    // It has ended.
  }
}
