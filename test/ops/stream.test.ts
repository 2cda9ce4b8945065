import { PassThrough, Readable, Writable } from "node:stream";
import { tee } from "../../ops/backup/stream.ts";

/** Takes a chunk each turn of the event loop, so that whoever writes must wait. */
const slow = (): { taker: Writable; taken: () => number } => {
  let bytes = 0;
  const taker = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      setImmediate(done);
    },
  });
  return { taker, taken: () => bytes };
};
const chunks = (count: number): Readable =>
  Readable.from(Array.from({ length: count }, () => Buffer.alloc(10)));

describe("a stream to two takers", () => {
  it("waits for both and leaves no listener behind", async () => {
    const [first, second] = [slow(), slow()];
    let most = 0;
    const count = setInterval(() => {
      most = Math.max(most, first.taker.listenerCount("close"), second.taker.listenerCount("close"));
    }, 1);
    const passed = await tee(chunks(2_000), first.taker, second.taker);
    clearInterval(count);
    expect([passed.bytes, first.taken(), second.taken()]).toEqual([20_000, 20_000, 20_000]);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(4);
  });

  it("goes on without a taker that ends early", async () => {
    const second = slow();
    const first = new PassThrough({ highWaterMark: 1 });
    setImmediate(() => first.destroy());
    const passed = await tee(chunks(100), first, second.taker);
    expect([passed.bytes, second.taken()]).toEqual([1_000, 1_000]);
  });

  it("does not end the first where it is not proven", async () => {
    const first = slow();
    const refused = tee(chunks(3), first.taker, slow().taker, () => Promise.reject(new Error("half a dump")));
    await expect(refused).rejects.toThrow("half a dump");
    expect(first.taker.writableEnded).toBe(false);
  });
});
