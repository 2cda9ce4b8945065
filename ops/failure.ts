/**
 * Exit codes of the operations program. The CronJob's podFailurePolicy retries 20 and 41 and gives up at once on the
 * others, which no second try can mend.
 */
export const EXIT = {
  configuration: 10,
  database: 20,
  permission: 22,
  disk: 30,
  storageDenied: 40,
  storage: 41,
  verification: 50,
} as const;

/** A failure with its exit code; the message names no secret. */
export class OpsFailure extends Error {
  readonly kind: keyof typeof EXIT;
  readonly exitCode: number;
  /** What was done all the same, of commands that go on after a failure. */
  readonly result: object | undefined;

  constructor(kind: keyof typeof EXIT, message: string, result?: object) {
    super(message);
    this.name = "OpsFailure";
    this.kind = kind;
    this.exitCode = EXIT[kind];
    this.result = result;
  }
}

/** What a full disk of this machine means; undefined for other errors. */
export function diskFailure(error: unknown): OpsFailure | undefined {
  const { code = "", message } = error as { readonly code?: string; readonly message: string };
  return /^(ENOSPC|EDQUOT|EROFS)$/.test(code) ? new OpsFailure("disk", message) : undefined;
}
