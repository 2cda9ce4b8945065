/** A failure the user can mend. The command prints its message alone, without a stack trace. */
export class SandboxError extends Error {
  override readonly name = "SandboxError";
  /** Exit code of the command: 1 for failures, 2 for wrong usage. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const field = (error: unknown, name: string): string | undefined => {
  // Not `instanceof Error`: Node's own errors are of another realm inside test runners.
  const value: unknown =
    typeof error === "object" && error !== null
      ? (error as Readonly<Record<string, unknown>>)[name]
      : undefined;
  return typeof value === "string" ? value : undefined;
};

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => field(error, "message") ?? String(error);

/** The `code` of a system error, e.g. `ENOENT`. */
export const codeOf = (error: unknown): string | undefined => field(error, "code");
