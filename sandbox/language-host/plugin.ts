import type { ServerWritableStream } from "@grpc/grpc-js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A policy pack that the engine wants to run. */
export interface PackRun {
  /** Folder with its PulumiPolicy.yaml. */
  readonly folder: string;
  readonly pwd: string;
  /** What the engine passes on: its own address. */
  readonly args: readonly string[];
  /** Variables as name=value; the engine gives all of them. */
  readonly env: readonly string[];
}

/** Starts a policy pack with the runner of the SDK that is installed for it. */
export function startPack({ folder, pwd, args, env }: PackRun): ChildProcess {
  const script = createRequire(join(folder, "package.json")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  return spawn(process.execPath, [script, ...args, folder], {
    cwd: pwd,
    env: Object.fromEntries(
      env.map((each) => {
        const at = each.indexOf("=");
        return [each.slice(0, at), each.slice(at + 1)];
      }),
    ),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Serves `RunPlugin` for policy packs until the engine ends the call: what the pack prints goes to the engine as it comes. */
export function runPlugin(call: ServerWritableStream<pb.RunPluginRequest, pb.RunPluginResponse>): void {
  const { request } = call;
  const send = (fill: (response: pb.RunPluginResponse) => void): void => {
    const response = new pb.RunPluginResponse();
    fill(response);
    call.write(response);
  };
  if (request.getKind() !== "analyzer") {
    call.emit("error", { code: 12, details: "of plugins, this language host runs policy packs only" });
    return;
  }
  const child = startPack({
    folder: request.getInfo()?.getProgramDirectory() ?? request.getPwd(),
    pwd: request.getPwd(),
    args: request.getArgsList(),
    env: request.getEnvList(),
  });
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  child.stdout?.on("data", (chunk: Buffer) => {
    send((response) => response.setStdout(new Uint8Array(chunk)));
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    send((response) => response.setStderr(new Uint8Array(chunk)));
  });
  child.on("error", (error) => call.emit("error", { code: 2, details: error.message }));
  child.on("close", (code) => {
    process.removeListener("exit", stop);
    send((response) => {
      response.setExitcode(code ?? 1);
    });
    call.end();
  });
  call.on("cancelled", stop);
  process.once("exit", stop);
}
