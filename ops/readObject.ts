import type { z } from "zod";
import { OpsFailure } from "./failure.ts";
import type { ObjectStore } from "./storage.ts";

/**
 * A JSON object of the bucket, checked.
 * @param what it is, for the message
 * @throws OpsFailure "verification" where it is something else
 */
export async function readObject<T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
  what: string,
): Promise<T> {
  const { success, data } = schema.safeParse(parse((await store.read(key)).toString("utf8")));
  if (success) return data;
  throw new OpsFailure("verification", `${key} is no ${what}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
