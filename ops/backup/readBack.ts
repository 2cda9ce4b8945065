import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { OpsFailure } from "../failure.ts";
import type { Sink } from "../program.ts";
import type { ObjectStore } from "../storage.ts";
import { tee } from "./stream.ts";

/** An object as a manifest has it. */
export interface Recorded {
  readonly key: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Takes everything and keeps nothing. */
export const nowhere = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });

/**
 * Gives an object of a backup to a program, to its end, and makes sure that it is what was backed up.
 * @param unpack whether the program gets it decompressed
 * @param failure what it means that the program fails, by what it said
 * @throws OpsFailure "verification" where it is something else
 */
export async function readBack(
  store: ObjectStore,
  { key, bytes, sha256 }: Recorded,
  program: Sink,
  unpack: boolean,
  failure: (stderr: string) => OpsFailure,
): Promise<void> {
  const source = await store.stream(key).catch((error: unknown): never => {
    program.kill();
    throw error;
  });
  const passed = await tee(source, unpack ? unpacked(program) : program.stdin, nowhere()).catch(
    (error: unknown): never => {
      program.kill();
      throw error;
    },
  );
  const { code, stderr } = await program.ended;
  if (passed.sha256 !== sha256 || passed.bytes !== bytes) {
    throw new OpsFailure("verification", `${key} is not what was backed up: its checksum is another`);
  }
  if (code !== 0) throw failure(stderr);
}

function unpacked(program: Sink): Writable {
  const unpack = createZstdDecompress();
  pipeline(unpack, program.stdin).catch(() => {
    program.kill();
  });
  return unpack;
}
