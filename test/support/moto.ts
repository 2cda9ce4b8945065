import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { awsEnvironment } from "../../sandbox/environment.ts";
import { tail } from "../../sandbox/lib/files.ts";
import { freePorts } from "../../sandbox/lib/ports.ts";
import { terminalReport } from "../../sandbox/lib/report.ts";
import { startGuarded } from "../../sandbox/services/guard.ts";
import { accepts } from "../../sandbox/services/ready.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { obtainMoto } from "../../sandbox/toolchain/moto.ts";
import { createBucket } from "./bucket.ts";

const START_SECONDS = 60;

/** An S3 endpoint of its own on a free loopback port, with the sandbox's versioned backup bucket. */
export interface MotoServer {
  readonly port: number;
  /** What the AWS SDK needs to find it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts moto's server, without the journal that the sandbox keeps. */
export async function startMoto(): Promise<MotoServer> {
  const root = mkdtempSync(join(tmpdir(), "warehouse-moto-"));
  const silent = { write: () => true };
  const moto = await obtainMoto(toolchainContext(process.env, terminalReport(silent, {})));
  const [port = 0] = await freePorts(1);
  const logFile = join(root, "moto.log");
  const log = openSync(logFile, "a");
  const guarded = startGuarded({
    argv: [moto.python, "-m", "moto.server", "--port", String(port)],
    env: { PATH: process.env["PATH"], HOME: root, PYTHONPATH: moto.packages },
    cwd: root,
    stdout: log,
    stderr: log,
    stopSignal: "TERM",
    stopSeconds: 3,
  });
  closeSync(log);
  const exited = once(guarded.process, "exit");
  const stop = async (): Promise<void> => {
    guarded.release();
    await exited;
    rmSync(root, { recursive: true, force: true });
  };
  for (let tenths = 0; !(await accepts(port)); tenths += 1) {
    if (tenths > START_SECONDS * 10 || guarded.process.exitCode !== null) {
      const said = tail(logFile);
      await stop();
      throw new Error(`moto did not start:\n${said}`);
    }
    await sleep(100);
  }
  const env = awsEnvironment({ aws: port });
  await createBucket(env["AWS_ENDPOINT_URL"] ?? "");
  return { port, env, stop };
}
