import { z } from "zod";
import { databaseEnvironment, databaseLogin } from "../environment.ts";
import { pullFiles, purgeFiles, pushFiles, verifyFiles } from "../move/files.ts";
import { move, MOVE_STEPS } from "../move/move.ts";
import { readRecord, SIDES } from "../move/record.ts";
import { Storage } from "../storage.ts";
import { command, type Command } from "./command.ts";
import {
  filesEnvironment,
  filesFolder,
  sharedEnvironment,
  tenantEnvironment,
  tenantOf,
} from "./environment.ts";

export const moveCommand = command(
  "Takes a tenant's rows to another database, or checks or deletes them there.",
  databaseEnvironment.extend({
    ...tenantEnvironment.shape,
    ...sharedEnvironment.shape,
    MOVE_STEP: z.enum(MOVE_STEPS).describe("what is done"),
    MOVE_FROM: z.enum(SIDES).describe("placement that the tenant leaves"),
    MOVE_TO: z.enum(SIDES).describe("placement that it moves to"),
    MOVE_CHECKSUM: z.string().default("").describe("checksum that the registry records, for the step open"),
  }),
  async (env, { log }) => {
    const request = {
      ...tenantOf(env),
      step: env.MOVE_STEP,
      from: env.MOVE_FROM,
      to: env.MOVE_TO,
      checksum: env.MOVE_CHECKSUM,
      login: databaseLogin(env),
      sharedDatabase: env.SHARED_DATABASE,
    };
    await move(request, new Storage(env.BACKUP_BUCKET), log);
    return undefined;
  },
);

const files = (summary: string, act: typeof pushFiles): Command =>
  command(summary, filesEnvironment, async (env, { log }) => {
    const request = { ...tenantOf(env), folder: filesFolder(env) };
    await act(request, new Storage(env.BACKUP_BUCKET), log);
    return undefined;
  });

export const filesPush = files("Sends the files of a tenant that moves to the bucket.", pushFiles);
export const filesPull = files("Makes a volume hold exactly the files that were sent.", pullFiles);
export const filesPurge = files(
  "Deletes a tenant's files from a volume that others share.",
  (request, _, log) => purgeFiles(request, log),
);

export const filesVerify = command(
  "Makes sure that a volume holds exactly the files that were sent, unless the target is open already.",
  filesEnvironment.extend({ MOVE_TO: z.enum(SIDES).optional().describe("placement that the move leads to") }),
  async (env, { log }) => {
    const store = new Storage(env.BACKUP_BUCKET);
    const request = { ...tenantOf(env), folder: filesFolder(env) };
    if ((await readRecord(store, request.prefix)).opened === env.MOVE_TO) log("the target is open already");
    else await verifyFiles(request, store, log);
    return undefined;
  },
);
