import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { OpsFailure } from "../../ops/failure.ts";
import type { Keeping, ObjectStore } from "../../ops/storage.ts";

/** A bucket in a folder, for tests that look at what is in it or damage it; the real one is tried by the e2e tests. */
export class FolderStore implements ObjectStore {
  readonly #held = new Set<string>();
  readonly #folder = mkdtempSync(join(tmpdir(), "warehouse-store-"));
  /** Uploads of more bytes fail, as when the connection is cut. */
  failAfter = Number.POSITIVE_INFINITY;

  /** The file of an object. */
  path(key: string): string {
    return join(this.#folder, key);
  }

  /** Every key, sorted. */
  keys(): string[] {
    return readdirSync(this.#folder, { recursive: true, encoding: "utf8" })
      .filter((name) => statSync(this.path(name)).isFile())
      .sort();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  async put(key: string, sha256: string, object: Parameters<ObjectStore["put"]>[2]): Promise<void> {
    const body = object.Body;
    await this.upload(key, body instanceof Readable ? body : Readable.from([body]));
    const found = createHash("sha256")
      .update(await readFile(this.path(key)))
      .digest("base64");
    if (found !== sha256) throw new OpsFailure("storage", `${key}: BadDigest`);
  }

  /** Keys of the objects under legal hold, sorted. */
  get held(): string[] {
    return [...this.#held].sort();
  }

  async upload(key: string, body: Readable, { held = false }: Partial<Keeping> = {}): Promise<void> {
    if (held) this.#held.add(key);
    mkdirSync(dirname(this.path(key)), { recursive: true });
    let bytes = 0;
    const limit = this.failAfter;
    await pipeline(
      body,
      async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          bytes += chunk.length;
          if (bytes > limit) throw new OpsFailure("storage", `${key}: the connection was cut`);
          yield chunk;
        }
      },
      createWriteStream(this.path(key)),
    );
  }

  async requireSize(key: string, bytes: number): Promise<void> {
    const found = (await this.size(key)) ?? 0;
    if (found !== bytes)
      throw new OpsFailure("verification", `${key} has ${found} bytes in the bucket, ${bytes} were sent`);
  }

  size(key: string): Promise<number | undefined> {
    return Promise.resolve(existsSync(this.path(key)) ? statSync(this.path(key)).size : undefined);
  }

  stream(key: string): Promise<Readable> {
    return existsSync(this.path(key))
      ? Promise.resolve(createReadStream(this.path(key)))
      : Promise.reject(new OpsFailure("storageDenied", `${key}: NoSuchKey`));
  }

  read(key: string): Promise<Buffer> {
    return this.stream(key).then(() => readFile(this.path(key)));
  }

  create(key: string, value: object, { held = false }: Partial<Keeping> = {}): Promise<void> {
    if (held) this.#held.add(key);
    if (existsSync(this.path(key)))
      return Promise.reject(new OpsFailure("storage", `${key}: PreconditionFailed`));
    mkdirSync(dirname(this.path(key)), { recursive: true });
    writeFileSync(this.path(key), JSON.stringify(value));
    return Promise.resolve();
  }

  hold(prefix: string, on: boolean): Promise<number> {
    const keys = this.keys().filter((key) => key.startsWith(prefix));
    for (const key of keys) {
      if (on) this.#held.add(key);
      else this.#held.delete(key);
    }
    return Promise.resolve(keys.length);
  }

  forget(key: string): Promise<void> {
    rmSync(this.path(key), { force: true });
    return Promise.resolve();
  }

  replace(key: string, value: object): Promise<void> {
    mkdirSync(dirname(this.path(key)), { recursive: true });
    writeFileSync(this.path(key), JSON.stringify(value));
    return Promise.resolve();
  }

  folders(prefix: string): Promise<string[]> {
    const below = this.keys()
      .filter((key) => key.startsWith(prefix) && key.includes("/", prefix.length))
      .map((key) => key.slice(0, key.indexOf("/", prefix.length) + 1));
    return Promise.resolve([...new Set(below)].sort());
  }

  eraseAll(prefix: string): ReturnType<ObjectStore["eraseAll"]> {
    const keys = this.keys().filter((key) => key.startsWith(prefix));
    const bytes = keys.reduce((sum, key) => sum + statSync(this.path(key)).size, 0);
    for (const key of keys) rmSync(this.path(key));
    return Promise.resolve({ erased: keys.length, bytes, locked: [] });
  }

  list(prefix: string): Promise<string[]> {
    return Promise.resolve(this.keys().filter((key) => key.startsWith(prefix)));
  }
}
