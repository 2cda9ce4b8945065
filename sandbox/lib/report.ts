/** Progress for people: one line a step, what it took, and a moving line while it lasts. */
export interface Report {
  /** Runs a step and prints how it ended and its seconds. The step may rename itself through its result. */
  step<T>(title: string, action: (note: (text: string) => void) => Promise<T>): Promise<T>;
  readonly info: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** What a report writes to. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Seconds as people read them: `0.4 s`, `12.3 s`, `3 min 12 s`. */
export function seconds(milliseconds: number): string {
  const value = milliseconds / 1000;
  if (value < 100) return `${value.toFixed(1)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

const TIME_COLUMN = 64;

/** Aligns the time of a step in one column. */
export const withTime = (text: string, milliseconds: number): string =>
  `${text.padEnd(TIME_COLUMN)} ${seconds(milliseconds).padStart(8)}`;

/** Colour is for terminals whose user has not declined it. */
export const usesColour = (terminal: Terminal, env: NodeJS.ProcessEnv): boolean =>
  terminal.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";

/** A report on a terminal or a plain stream; long steps without a terminal say so every ten seconds. */
export function terminalReport(out: Terminal, env: NodeJS.ProcessEnv): Report {
  const colour = usesColour(out, env);
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const live = out.isTTY === true && env.TERM !== "dumb";
  const running = new Map<symbol, { title: string; note: string; started: number }>();

  const clear = (): void => {
    if (live) out.write("\r\u001b[K");
  };
  const line = (text: string): void => {
    clear();
    out.write(`${text}\n`);
  };
  const draw = (): void => {
    if (!live || running.size === 0) return;
    const now = Date.now();
    const text = [...running.values()]
      .map(
        (item) => `${item.title}${item.note === "" ? "" : ` (${item.note})`} ${seconds(now - item.started)}`,
      )
      .join(" · ");
    out.write(`\r\u001b[K${paint(2, `… ${text}`.slice(0, (out.columns ?? 80) - 1))}`);
  };

  return {
    async step(title, action) {
      const key = Symbol(title);
      const entry = { title, note: "", started: Date.now() };
      running.set(key, entry);
      draw();
      const timer = setInterval(
        () => {
          if (live) draw();
          else
            line(
              `… ${title}${entry.note === "" ? "" : ` (${entry.note})`} ${seconds(Date.now() - entry.started)}`,
            );
        },
        live ? 250 : 10_000,
      );
      try {
        const result = await action((note) => {
          entry.note = note;
        });
        line(
          `${paint(32, "✓")} ${withTime(title + (entry.note === "" ? "" : ` (${entry.note})`), Date.now() - entry.started)}`,
        );
        return result;
      } catch (error) {
        line(`${paint(31, "✗")} ${withTime(title, Date.now() - entry.started)}`);
        throw error;
      } finally {
        clearInterval(timer);
        running.delete(key);
        draw();
      }
    },
    info: line,
    warn: (text) => {
      line(`${paint(33, "!")} ${text}`);
    },
  };
}

/** A report that only passes lines on, for tests and programs. */
export const plainReport = (log: (line: string) => void): Report => ({
  async step(title, action) {
    const started = Date.now();
    let note = "";
    const result = await action((text) => {
      note = text;
    });
    log(withTime(title + (note === "" ? "" : ` (${note})`), Date.now() - started));
    return result;
  },
  info: log,
  warn: log,
});
