import { createHash } from "node:crypto";
import type { Readable, Writable } from "node:stream";

/** What went through. */
export interface Passed {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Chunks as they come; one that is asked for and does not come ends it.
 * @param ms the longest wait for one
 * @param failure what it means that the stream failed
 */
export async function* arriving(
  body: Readable,
  ms: number,
  failure: (error: unknown) => Error,
): AsyncGenerator<Buffer> {
  const silent = (): void => {
    body.destroy(new Error(`nothing came for ${ms / 1000} s`));
  };
  let timer = setTimeout(silent, ms);
  try {
    for await (const chunk of body) {
      clearTimeout(timer);
      yield chunk as Buffer;
      timer = setTimeout(silent, ms);
    }
  } catch (error) {
    throw failure(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Sends a stream to two takers at once, at the pace of the slower, and measures it: nothing is kept but what is under
 * way. A taker that ends early is told nothing more; its own exit says why.
 * @param proven called when the second has it all: if it fails, the first never learns of an end
 * @returns what went through, once both have it all
 */
export async function tee(
  source: AsyncIterable<unknown>,
  first: Writable,
  second: Writable,
  proven: () => Promise<void> = () => Promise.resolve(),
): Promise<Passed> {
  const hash = createHash("sha256");
  let bytes = 0;
  const gone = new Set<Writable>();
  for (const taker of [first, second]) {
    taker.once("error", () => gone.add(taker));
    taker.once("close", () => gone.add(taker));
  }
  const give = async (taker: Writable, chunk: Buffer): Promise<void> => {
    if (!gone.has(taker) && !taker.write(chunk)) await readyAgain(taker);
  };
  for await (const part of source) {
    const chunk = part as Buffer;
    hash.update(chunk);
    bytes += chunk.length;
    await Promise.all([give(first, chunk), give(second, chunk)]);
  }
  if (!gone.has(second)) second.end();
  await proven();
  if (!gone.has(first)) first.end();
  return { bytes, sha256: hash.digest("hex") };
}

/** Waits until a taker takes more, or nothing any more. No listener stays: there is a wait for nearly every chunk. */
const readyAgain = (taker: Writable): Promise<void> =>
  new Promise((resolve) => {
    const events = ["drain", "close", "error"];
    const ready = (): void => {
      for (const event of events) taker.off(event, ready);
      resolve();
    };
    for (const event of events) taker.on(event, ready);
  });
