import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { ObjectStore } from "../../ops/storage.ts";
import { arrivalsPrefix } from "../../registry/naming.ts";

const note = z.object({ tenants: z.array(z.string()) });

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
  #keys: readonly string[] = [];

  constructor(bucket: ObjectStore, cell: string) {
    this.#bucket = bucket;
    this.#prefix = arrivalsPrefix(cell);
    this.#own = `${this.#prefix}${randomUUID()}.json`;
  }

  /** Ids; none where nothing is noted. */
  async read(): Promise<readonly string[]> {
    this.#keys = await this.#bucket.list(this.#prefix);
    const texts = await Promise.all(this.#keys.map((key) => this.#bucket.read(key)));
    return texts.flatMap((text) => note.parse(JSON.parse(text.toString("utf8"))).tenants);
  }

  /** Notes these tenants in place of those that were read, or written before; none forgets them. */
  async write(tenants: readonly string[]): Promise<void> {
    if (tenants.length > 0) await this.#bucket.replace(this.#own, { tenants });
    const replaced = this.#keys.filter((key) => tenants.length === 0 || key !== this.#own);
    await Promise.all(replaced.map((key) => this.#bucket.forget(key)));
    this.#keys = tenants.length > 0 ? [this.#own] : [];
  }
}
