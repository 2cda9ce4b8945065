import type { DiffResult } from "./diff.ts";
import type { Props } from "./wire.ts";

/** The engine's log, for the resource at hand. Secrets of the request are struck out of every message. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  /** A passing status on the resource's line, e.g. progress of a roll-out; an empty one clears it. */
  status(message: string): void;
}

/** What a handler is given with every call. */
export interface Operation<Client> {
  readonly client: Client;
  readonly urn: string;
  /** Type token, e.g. `kubernetes:core/v1:Secret`. */
  readonly type: string;
  /** Logical name of the resource. */
  readonly name: string;
  readonly preview: boolean;
  /** Seconds the program's customTimeouts allow; undefined where it sets none. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}
export interface Checked {
  readonly inputs: Props;
  readonly failures?: readonly CheckFailure[];
}
export interface Created {
  readonly id: string;
  readonly state: Props;
}
export interface ReadResult extends Created {
  readonly inputs: Props;
}

/** One type of resource, on plain values: secrets are unwrapped on the way in and wrapped on the way out. */
export interface Handler<Client> {
  /** Paths of the outputs that are secret whatever the inputs were. */
  readonly secrets?: (state: Props) => readonly (readonly string[])[];
  /** Validates and completes inputs. They may hold unknowns. */
  check?(op: Operation<Client>, news: Props, olds: Props | undefined): Checked | Promise<Checked>;
  diff(
    op: Operation<Client>,
    id: string,
    olds: { readonly inputs: Props; readonly state: Props },
    news: Props,
  ): DiffResult | Promise<DiffResult>;
  /** In a preview returns what can be foretold; the base leaves out the id. */
  create(op: Operation<Client>, inputs: Props): Promise<Created>;
  /** The live resource, or undefined when it is gone. `inputs` is undefined on import. */
  read(
    op: Operation<Client>,
    id: string,
    olds: { readonly inputs: Props | undefined; readonly state: Props },
  ): Promise<ReadResult | undefined>;
  update?(
    op: Operation<Client>,
    id: string,
    olds: { readonly inputs: Props; readonly state: Props },
    news: Props,
  ): Promise<Props>;
  delete(op: Operation<Client>, id: string, state: Props): Promise<void>;
}

/** A whole plugin. */
export interface ProviderSpec<Client> {
  /** Package name as in type tokens: `kubernetes`. */
  readonly name: string;
  /** Version of the npm SDK it stands in for. */
  readonly version: string;
  configure(config: Props): Client | Promise<Client>;
  /** Configuration whose change moves every resource elsewhere, so that they are replaced. Default: none. */
  readonly replaceOnConfig?: readonly string[];
  /** The handler of a type token; undefined for types this plugin does not know. */
  handler(type: string): Handler<Client> | undefined;
}

/** The resource exists but is not as it should be: the engine records it, and the next update goes on from it. */
export class IncompleteError extends Error {
  readonly id: string;
  readonly state: Props;

  constructor(id: string, state: Props, message: string) {
    super(message);
    this.id = id;
    this.state = state;
  }
}
