const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z /;
const FAILURE = /^failed(?: \(\d+\))?: (.*)$/;

/** Minutes and seconds: 1:05. */
const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds) % 60).padStart(2, "0")}`;

/** What a program says, with the time since it began in place of its stamps; and what it said at its end. */
export class Transcript {
  readonly #say: (line: string) => void;
  readonly #begun = performance.now();
  #result: Readonly<Record<string, unknown>> | undefined;
  #failure: string | undefined;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** The last line that was a JSON object. */
  get result(): Readonly<Record<string, unknown>> | undefined {
    return this.#result;
  }

  /** Why the program failed, as it said last. */
  get failure(): string | undefined {
    return this.#failure;
  }

  tell(line: string): void {
    const text = line.replace(STAMP, "");
    const isStamped = text.length < line.length;
    const result = jsonObject(text);
    if (result !== undefined) {
      this.#result = result;
      return;
    }
    this.#failure = FAILURE.exec(text)?.[1] ?? this.#failure;
    // What has more than one line, as a table has, stays as it is.
    this.#say(isStamped ? `${clock((performance.now() - this.#begun) / 1000)}  ${text}` : text);
  }

  stillRunning(): void {
    this.#say(`${clock((performance.now() - this.#begun) / 1000)}  …`);
  }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
