import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type Layout, projectRoot } from "../layout.ts";
import { readJson, writeAtomic, writeIfChanged } from "../lib/files.ts";
import { isExecutable, run, which } from "../lib/run.ts";
import { type PluginName, plugins } from "../versions.ts";
import type { Found, ToolchainContext } from "./context.ts";

/** Where the engine's plugins come from. */
export interface PluginChoice {
  readonly providers: "vendor" | "stand-in";
  readonly languageHost: "vendor" | "stand-in";
}

const names = Object.keys(plugins) as readonly PluginName[];
const folderName = (name: PluginName): string => `resource-${name}-v${plugins[name]}`;
const INSTALL_MS = 5 * 60_000;

/** A plugin folder that holds every provider in the version of its SDK. */
function completeFolder(context: ToolchainContext): string | undefined {
  const home = context.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
  return [join(home, "plugins"), join(context.cache, "pulumi-plugins", "plugins")].find((folder) =>
    names.every((name) => isExecutable(join(folder, folderName(name), `pulumi-resource-${name}`))),
  );
}

/** Downloads the vendor's plugins; undefined where they cannot be had. */
async function downloadPlugins(
  context: ToolchainContext,
  engine: Found,
  note: (text: string) => void,
): Promise<string | undefined> {
  if (!(await context.network.reaches("get.pulumi.com"))) return undefined;
  const home = join(context.cache, "pulumi-plugins");
  const env = { ...context.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  for (const name of names) {
    note(`downloading the ${name} plugin`);
    const { code } = await run(
      join(engine.bin, "pulumi"),
      ["plugin", "install", "resource", name, `v${plugins[name]}`],
      { env, timeoutMs: INSTALL_MS },
    );
    if (code !== 0) return undefined;
  }
  return completeFolder(context);
}

const launcher = (script: string): string =>
  `#!/bin/sh\n# Written by the sandbox: starts the project's stand-in for the vendor's plugin.\nexec '${process.execPath}' '${script}' "$@"\n`;

/** Puts a launcher where the engine looks for installed plugins: on PATH it would be used with a warning. */
function placeStandIn(paths: Layout, folder: string, program: string, script: string): void {
  const file = join(paths.pulumiHome, "plugins", folder, program);
  writeIfChanged(file, launcher(join(projectRoot, "sandbox", script)), 0o755);
}

/**
 * Makes the engine's plugins available in the sandbox: the vendor's where they are present or downloadable,
 * else the project's stand-ins. The choice is kept for the life of the sandbox, so that its state is written
 * by one kind of provider.
 */
export async function providePlugins(
  context: ToolchainContext,
  paths: Layout,
  engine: Found,
  note: (text: string) => void,
): Promise<PluginChoice> {
  const file = join(paths.root, "plugins.json");
  const kept = readJson(file) as Partial<PluginChoice> | undefined;
  const folder = join(paths.pulumiHome, "plugins");
  let providers = kept?.providers;
  if (providers === undefined || (providers === "vendor" && !existsSync(folder))) {
    const vendors = completeFolder(context) ?? (await downloadPlugins(context, engine, note));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(paths.pulumiHome, { recursive: true });
    if (vendors !== undefined) symlinkSync(vendors, folder);
    providers = vendors === undefined ? "stand-in" : "vendor";
  }
  if (providers === "stand-in") {
    for (const name of names) {
      placeStandIn(paths, folderName(name), `pulumi-resource-${name}`, join("providers", `${name}.ts`));
    }
  }
  mkdirSync(paths.bin, { recursive: true });
  const host = "pulumi-language-nodejs";
  const elsewhere = (context.env.PATH ?? "").split(delimiter).filter((part) => part !== paths.bin);
  const vendorHost =
    isExecutable(join(engine.bin, host)) || which(host, elsewhere.join(delimiter)) !== undefined;
  const script = join("language-host", "main.ts");
  if (!vendorHost && providers === "stand-in")
    placeStandIn(paths, `language-nodejs-v${engine.version}`, host, script);
  // The vendor's folder is shared with others: what is only ours goes on PATH instead.
  const onPath = join(paths.bin, host);
  if (!vendorHost && providers === "vendor")
    writeIfChanged(onPath, launcher(join(projectRoot, "sandbox", script)), 0o755);
  else rmSync(onPath, { force: true });
  const choice: PluginChoice = { providers, languageHost: vendorHost ? "vendor" : "stand-in" };
  writeAtomic(file, `${JSON.stringify(choice)}\n`);
  return choice;
}
