import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { ObjectStore } from "../../ops/storage.ts";
import { arrivalsPrefix } from "../../registry/naming.ts";
import { parseJson } from "../../review/preview.ts";
import { Refusal } from "../failures.ts";

const noted = z.object({ id: z.string(), plan: z.string() });
const note = z.object({ tenants: z.array(noted) });

/** A tenant whom a run was to bring, and the plan that it was to have. */
export type Noted = z.output<typeof noted>;

/** What the runs of a cell have noted. */
export interface Notes {
  readonly tenants: readonly Noted[];
  /** The objects that say so. */
  readonly keys: readonly string[];
}

/**
 * The tenants of whom a run of a cell may have made something that the state does not know. The run notes them in the
 * bucket before it begins, and forgets them once the state is written: what is noted is of runs that were killed, or are
 * under way.
 */
export class ArrivalsNote {
  readonly #bucket: ObjectStore;
  readonly #prefix: string;
  /** Each run has a note of its own. */
  readonly #own: string;

  constructor(bucket: ObjectStore, cell: string) {
    this.#bucket = bucket;
    this.#prefix = arrivalsPrefix(cell);
    this.#own = `${this.#prefix}${randomUUID()}.json`;
  }

  /** Those of all runs, each tenant once. */
  async read(): Promise<Notes> {
    const keys = await this.#bucket.list(this.#prefix);
    const tenants = (await Promise.all(keys.map((key) => this.#tenantsOf(key)))).flat();
    return { keys, tenants: [...new Map(tenants.map((tenant) => [tenant.id, tenant])).values()] };
  }

  async #tenantsOf(key: string): Promise<readonly Noted[]> {
    let text: string;
    try {
      text = (await this.#bucket.read(key)).toString("utf8");
    } catch (error) {
      // Its run may have ended just now.
      if ((await this.#bucket.size(key)) === undefined) return [];
      throw error;
    }
    const { success, data } = note.safeParse(parseJson(text));
    if (!success) throw new Refusal(`${key} in the bucket is no note of a run; look into it, and delete it`);
    return data.tenants;
  }

  /** Notes these tenants for this run, in place of what is said elsewhere. */
  async write(tenants: readonly Noted[], inPlaceOf: readonly string[] = []): Promise<void> {
    if (tenants.length > 0) await this.#bucket.replace(this.#own, { tenants });
    const replaced = inPlaceOf.filter((key) => key !== this.#own);
    await Promise.all(replaced.map((key) => this.#bucket.forget(key)));
  }

  /** Forgets what this run has noted. */
  async forget(): Promise<void> {
    await this.#bucket.forget(this.#own);
  }
}
