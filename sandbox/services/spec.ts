/** A server the supervisor is asked to run. */
export interface ServerSpec {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: string;
  /** How to ask it to end; it is killed when that takes longer than `stopSeconds`. */
  readonly stopSignal: "TERM" | "INT";
  readonly stopSeconds: number;
  /** Another user to run as; PostgreSQL refuses to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** What the supervisor knows of a server. */
export interface ServerState {
  readonly name: string;
  readonly running: boolean;
  /** Process of the server itself, where known. */
  readonly pid?: number;
  /** ISO times. */
  readonly startedAt: string;
  readonly exitedAt?: string;
  /** How it ended: `exit code 1`, `SIGKILL`. */
  readonly ending?: string;
}

export type Request =
  | { readonly op: "status" }
  | { readonly op: "start"; readonly spec: ServerSpec }
  | { readonly op: "stop"; readonly name: string }
  | { readonly op: "shutdown" }
  /** The connection is the owner: when it closes, the supervisor stops everything. */
  | { readonly op: "hold" };

export type Reply =
  | { readonly ok: true; readonly servers: readonly ServerState[] }
  | { readonly ok: false; readonly error: string };
