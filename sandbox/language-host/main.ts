#!/usr/bin/env node
/**
 * Stand-in for the vendor's `pulumi-language-nodejs`: runs Node programs for the engine. It serves what the
 * engine calls for a program; code generation and the like are the vendor's.
 */
import * as grpc from "@grpc/grpc-js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import { spawn } from "node:child_process";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { exitWithParent } from "../providers/base/serve.ts";
import { sdkVersion } from "../providers/base/version.ts";
import { installedPackages, requiredPlugins } from "./packages.ts";
import { runPlugin } from "./plugin.ts";
import { runProgram } from "./program.ts";

const cancel = new AbortController();
let engine = process.argv[2] ?? "";

type Handler<Request, Response> = (request: Request) => Response | Promise<Response>;

const unary =
  <Request, Response>(handle: Handler<Request, Response>) =>
  (call: grpc.ServerUnaryCall<Request, Response>, reply: grpc.sendUnaryData<Response>): void => {
    const answer = async (): Promise<Response> => handle(call.request);
    answer().then(
      (response) => {
        reply(null, response);
      },
      (error: unknown) => {
        const details = error instanceof Error ? error.message : String(error);
        reply({ code: grpc.status.UNKNOWN, details });
      },
    );
  };

const folderOf = (info: pb.ProgramInfo | undefined): string => info?.getProgramDirectory() ?? process.cwd();

async function run(request: pb.RunRequest): Promise<pb.RunResponse> {
  const info = request.getInfo();
  const entryPoint = info?.getEntryPoint() ?? request.getProgram();
  const { error, bail } = await runProgram(
    {
      monitor: request.getMonitorAddress(),
      engine,
      project: request.getProject(),
      stack: request.getStack(),
      organization: request.getOrganization(),
      pwd: request.getPwd(),
      dryRun: request.getDryrun(),
      parallel: request.getParallel(),
      folder: folderOf(info),
      entryPoint: entryPoint === "" ? "." : entryPoint,
      args: request.getArgsList(),
      config: Object.fromEntries(request.getConfigMap().getEntryList()),
      secretKeys: request.getConfigsecretkeysList(),
      options: info?.getOptions()?.toJavaScript() ?? {},
    },
    cancel.signal,
  );
  const response = new pb.RunResponse();
  response.setError(error);
  response.setBail(bail);
  return response;
}

const plugins = (folder: string): pluginPb.PluginDependency[] =>
  requiredPlugins(folder).map(({ name, version, server }) => {
    const plugin = new pluginPb.PluginDependency();
    plugin.setKind("resource");
    plugin.setName(name);
    plugin.setVersion(`v${version}`);
    if (server !== undefined) plugin.setServer(server);
    return plugin;
  });

/** Installs the program's packages by its lockfile, reporting npm's output as it comes. */
function install(
  call: grpc.ServerWritableStream<pb.InstallDependenciesRequest, pb.InstallDependenciesResponse>,
): void {
  const npm = spawn("npm", ["install", "--no-audit", "--no-fund"], {
    cwd: call.request.getDirectory(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const forward = (chunk: Buffer): void => {
    const response = new pb.InstallDependenciesResponse();
    response.setStdout(new Uint8Array(chunk));
    call.write(response);
  };
  npm.stdout.on("data", forward);
  npm.stderr.on("data", forward);
  npm.on("error", (error) =>
    call.emit("error", { code: grpc.status.UNKNOWN, details: `cannot run npm: ${error.message}` }),
  );
  npm.on("close", (code) => {
    if (code === 0) call.end();
    else
      call.emit("error", {
        code: grpc.status.UNKNOWN,
        details: `npm install failed with code ${String(code)}`,
      });
  });
}

const implementation: grpc.UntypedServiceImplementation = {
  handshake: unary((request: pb.LanguageHandshakeRequest) => {
    engine = request.getEngineAddress();
    return new pb.LanguageHandshakeResponse();
  }),
  getPluginInfo: unary(() => {
    const info = new pluginPb.PluginInfo();
    info.setVersion(sdkVersion("@pulumi/pulumi"));
    return info;
  }),
  about: unary(() => {
    const response = new pb.AboutResponse();
    response.setExecutable(process.execPath);
    response.setVersion(process.version);
    return response;
  }),
  getRequiredPlugins: unary((request: pb.GetRequiredPluginsRequest) => {
    const response = new pb.GetRequiredPluginsResponse();
    response.setPluginsList(plugins(folderOf(request.getInfo())));
    return response;
  }),
  getRequiredPackages: unary((request: pb.GetRequiredPackagesRequest) => {
    const response = new pb.GetRequiredPackagesResponse();
    response.setPackagesList(
      plugins(folderOf(request.getInfo())).map((plugin) => {
        const dependency = new pluginPb.PackageDependency();
        dependency.setKind(plugin.getKind());
        dependency.setName(plugin.getName());
        dependency.setVersion(plugin.getVersion());
        dependency.setServer(plugin.getServer());
        return dependency;
      }),
    );
    return response;
  }),
  getProgramDependencies: unary((request: pb.GetProgramDependenciesRequest) => {
    const response = new pb.GetProgramDependenciesResponse();
    response.setDependenciesList(
      installedPackages(folderOf(request.getInfo())).map(({ name, version }) => {
        const dependency = new pb.DependencyInfo();
        dependency.setName(name);
        dependency.setVersion(version);
        return dependency;
      }),
    );
    return response;
  }),
  runtimeOptionsPrompts: unary(() => new pb.RuntimeOptionsResponse()),
  installDependencies: install,
  run: unary(run),
  runPlugin,
  cancel: unary(() => {
    cancel.abort();
    return new empty.Empty();
  }),
};

const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
server.addService(languageGrpc.LanguageRuntimeService, implementation);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) {
    process.stderr.write(`pulumi-language-nodejs: cannot listen on 127.0.0.1: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(`${String(port)}\n`);
});
// The exit handler of a run ends its program.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
exitWithParent();
