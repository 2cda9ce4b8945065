import pg from "pg";
import type { Props, Value } from "../base/wire.ts";

/** Provider arguments, completed from libpq's environment. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  /** The database administrative statements run in. */
  readonly database: string;
  readonly sslmode: string;
  readonly connectTimeout: number;
  /** Connections at a time to one database. */
  readonly maxConnections: number;
}

/** A connection that runs statements; rows come as plain objects. */
export interface Connection {
  query<Row extends object = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>;
}

const text = (value: Value | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
const number = (value: Value | undefined): number | undefined => {
  const parsed = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : undefined;
};

export function serverConfig(config: Props, env: NodeJS.ProcessEnv = process.env): ServerConfig {
  return {
    host: text(config.host) ?? env.PGHOST ?? "localhost",
    port: number(config.port) ?? number(env.PGPORT) ?? 5432,
    user: text(config.username) ?? env.PGUSER ?? "postgres",
    password: text(config.password) ?? env.PGPASSWORD,
    database: text(config.database) ?? env.PGDATABASE ?? "postgres",
    sslmode: text(config.sslmode) ?? text(config.sslMode) ?? env.PGSSLMODE ?? "prefer",
    connectTimeout: number(config.connectTimeout) ?? 180,
    maxConnections: number(config.maxConnections) ?? 20,
  };
}

function ssl(mode: string): pg.ClientConfig["ssl"] {
  if (mode === "disable") return false;
  return { rejectUnauthorized: mode.startsWith("verify") };
}

/** What the server says of a failed statement. The statement itself is left out: it may hold secrets. */
function explain(error: unknown): Error & { readonly code?: string } {
  const { message, code, detail, hint } = error as Readonly<Record<string, string | undefined>>;
  // Several refused addresses come as one error with a code and no message.
  const main = message === undefined || message === "" ? (code ?? String(error)) : message;
  const more = [detail, hint].filter((part) => part !== undefined && part !== "");
  const parts = [main, ...more.map((part) => (part ?? "").replace(/\.$/, "").replaceAll("\n", ", "))];
  return Object.assign(new Error(parts.join("; ")), code === undefined ? {} : { code });
}

/**
 * One PostgreSQL server. Every unit of work has a connection of its own that is closed with it, as the vendor's:
 * an idle one would stand in the way of DROP DATABASE.
 */
export class Server {
  readonly config: ServerConfig;
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #open = new Map<string, number>();

  constructor(config: ServerConfig) {
    this.config = config;
  }

  /** Runs work on a connection to a database. Default: the provider's. */
  async connected<T>(database: string | undefined, work: (connection: Connection) => Promise<T>): Promise<T> {
    const name = database ?? this.config.database;
    await this.#enter(name);
    try {
      const client = await this.#connect(name, this.config.sslmode);
      try {
        return await work({
          query: async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
            try {
              return (await client.query<Row>(sql, [...values])).rows;
            } catch (error) {
              throw explain(error);
            }
          },
        });
      } finally {
        await client.end();
      }
    } finally {
      this.#leave(name);
    }
  }

  /** Runs work in a transaction, which is rolled back when the work fails. */
  transaction<T>(database: string | undefined, work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.connected(database, async (connection) => {
      await connection.query("BEGIN");
      try {
        const result = await work(connection);
        await connection.query("COMMIT");
        return result;
      } catch (error) {
        // The connection may be what failed; then there is nothing left to roll back.
        await connection.query("ROLLBACK").catch(() => undefined);
        throw error;
      }
    });
  }

  async #connect(database: string, sslmode: string): Promise<pg.Client> {
    const { host, port, user, password, connectTimeout } = this.config;
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database,
      ssl: ssl(sslmode),
      connectionTimeoutMillis: connectTimeout * 1000,
      application_name: "pulumi-resource-postgresql",
    });
    // A connection that breaks between statements must not end the process; the next statement reports it.
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      const refusal = explain(error);
      if (sslmode === "prefer" && refusal.message.includes("does not support SSL")) {
        return this.#connect(database, "disable");
      }
      const reason = refusal.code === "ECONNREFUSED" ? "connection refused" : refusal.message;
      throw new Error(`cannot connect to PostgreSQL at ${host}:${port}/${database} as ${user}: ${reason}`, {
        cause: refusal,
      });
    }
  }

  async #enter(database: string): Promise<void> {
    const open = this.#open.get(database) ?? 0;
    if (open < this.config.maxConnections) {
      this.#open.set(database, open + 1);
      return;
    }
    const queue = this.#waiting.get(database) ?? [];
    this.#waiting.set(database, queue);
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  #leave(database: string): void {
    const next = this.#waiting.get(database)?.shift();
    // The place passes straight to whoever waits; otherwise it is free.
    if (next === undefined) this.#open.set(database, (this.#open.get(database) ?? 1) - 1);
    else next();
  }
}
