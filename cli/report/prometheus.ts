import { z } from "zod";
import { Refusal, UsageError } from "../failures.ts";

/** A query may read a month. */
const TIMEOUT_MS = 60_000;

const sample = z.tuple([z.number(), z.string()]);
const vector = z.object({
  resultType: z.literal("vector"),
  result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: sample })),
});
const matrix = z.object({
  resultType: z.literal("matrix"),
  result: z.array(z.object({ metric: z.record(z.string(), z.string()), values: z.array(sample) })),
});
const failure = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value then. */
  readonly values: readonly (readonly [time: number, value: number])[];
}

/**
 * Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics). What stands before the host of its URL is sent as
 * Basic authentication, PROMETHEUS_TOKEN as a bearer token.
 */
export class Prometheus {
  /** Its URL without credentials. */
  readonly place: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(given: string, env: NodeJS.ProcessEnv) {
    if (!URL.canParse(given))
      throw new UsageError("--prometheus is no URL; write e.g. http://localhost:9090");
    const url = new URL(given);
    const [user, password] = [url.username, url.password].map(decodeURIComponent);
    const token = env["PROMETHEUS_TOKEN"] ?? "";
    const basic = Buffer.from(`${user ?? ""}:${password ?? ""}`).toString("base64");
    this.#headers =
      token !== ""
        ? { authorization: `Bearer ${token}` }
        : url.username === ""
          ? {}
          : { authorization: `Basic ${basic}` };
    this.place = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  }

  /** The value of every series at a time. */
  async at(query: string, time: Date): Promise<Series[]> {
    const data = await this.#ask("query", { query, time: String(time.getTime() / 1000) });
    const { success, data: read } = vector.safeParse(data);
    if (!success) throw new Refusal(`${this.place} did not answer with a vector to ${query}`);
    return read.result.map(({ metric, value }) => ({ labels: metric, values: [numbers(value)] }));
  }

  /** Every series from a time to another. @param step seconds */
  async between(query: string, from: Date, to: Date, step: number): Promise<Series[]> {
    const data = await this.#ask("query_range", {
      query,
      start: String(from.getTime() / 1000),
      end: String(to.getTime() / 1000),
      step: String(step),
    });
    const { success, data: read } = matrix.safeParse(data);
    if (!success) throw new Refusal(`${this.place} did not answer with a matrix to ${query}`);
    return read.result.map(({ metric, values }) => ({ labels: metric, values: values.map(numbers) }));
  }

  async #ask(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    let answer: unknown;
    try {
      const response = await fetch(`${this.place}/api/v1/${path}`, {
        method: "POST",
        headers: this.#headers,
        body: new URLSearchParams(parameters),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      answer = await response.json();
    } catch (error) {
      const { cause, message } = error as Error;
      throw new Refusal(`${this.place} does not answer as Prometheus does: ${causeOf(cause) ?? message}`);
    }
    const failed = failure.safeParse(answer);
    if (failed.success) throw new Refusal(`${this.place}: ${failed.data.errorType}: ${failed.data.error}`);
    return (answer as { readonly data?: unknown }).data;
  }
}

const numbers = ([time, value]: z.output<typeof sample>) => [time, Number(value)] as const;

/** What fetch hides behind "fetch failed". */
const causeOf = (cause: unknown): string | undefined => {
  const { code, message } = (cause ?? {}) as { readonly code?: string; readonly message?: string };
  return message === "" ? code : message;
};
