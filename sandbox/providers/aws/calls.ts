import { randomBytes } from "node:crypto";
import type { Value } from "../base/wire.ts";

export const text = (value: Value | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Runs a call of an AWS service; a failure becomes one sentence that says what it was about. */
export async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    throw new Error(`cannot ${what}: ${code ?? `${name}: ${message}`}`, { cause: error });
  }
}

/** The answer of a call; undefined where the service says that there is no such thing. */
export async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const { name, $metadata } = error as Error & {
      readonly $metadata?: { readonly httpStatusCode?: number };
    };
    if ($metadata?.httpStatusCode === 404 || /^NoSuch|NotFound/.test(name)) return undefined;
    throw error;
  }
}

/** A name as the vendor makes one where the program gives none. */
export const autoname = (logicalName: string): string =>
  `${logicalName}-${randomBytes(4).toString("hex").slice(1)}`;
