// Runs a program of this project on a fresh machine: `node scripts/run.mjs <script> [args…]`.
// Plain JavaScript for any Node since 16, because it is what finds a Node that can run the rest:
// it installs the npm dependencies if they are missing or stale and, where this Node is older than
// package.json's "engines", takes the pinned Node from the npm registry into the cache.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants, homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A failure the user can mend: printed without a stack trace. @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** @param {string} version e.g. "v24.21.0" @param {string} minimum e.g. "22.18" */
function atLeast(version, minimum) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = minimum.split(".").map(Number);
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

/** Runs npm to its end, its output kept for the error message. @param {string[]} args @param {string} cwd @param {string} what */
function npm(args, cwd, what) {
  const result = spawnSync("npm", args, { cwd, encoding: "utf8", shell: process.platform === "win32" });
  if (result.status === 0) return;
  const output = (result.stderr ?? result.error?.message ?? "")
    .split("\n")
    .filter((line) => !line.startsWith("npm warn"))
    .slice(0, 12);
  fail(
    `${what} failed (npm ${args.join(" ")}):\n${output.join("\n").trim()}\nCheck the registry and the network, then run the command again.`,
  );
}

/** `npm ci` unless the installed tree is that of the present lockfile. */
function installDependencies() {
  const stamp = join(root, "node_modules", ".installed-lockfile");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("Installing npm dependencies (once)…\n");
  npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], root, "Installing the dependencies");
  writeFileSync(stamp, wanted);
}

/** The cache of tools, outside the checkout and shared by all of them. */
function cacheFolder() {
  return (
    process.env.WAREHOUSE_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "warehouse-tenants")
  );
}

/** The folder that holds a supported `node`. */
function supportedNode() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const minimum = engines.node.replace(/^>=/, "");
  if (atLeast(process.version, minimum)) return dirname(process.execPath);

  const source = join(root, "sandbox", "toolchain", "node");
  const { optionalDependencies } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const packageName = `node-${process.platform}-${process.arch}`;
  const version = optionalDependencies[packageName];
  if (version === undefined) {
    fail(
      `Node ${process.version} is too old and npm has no pinned Node for ${process.platform}-${process.arch}.\nInstall Node ${minimum} or newer and run the command again.`,
    );
  }
  const folder = join(cacheFolder(), `node-${version}`);
  const bin = join(folder, "node_modules", packageName, "bin");
  if (!existsSync(join(bin, "node"))) {
    process.stderr.write(
      `Node ${process.version} is older than ${minimum}: installing Node ${version} from npm (once)…\n`,
    );
    const staging = `${folder}.${process.pid}`;
    mkdirSync(staging, { recursive: true });
    cpSync(source, staging, { recursive: true });
    npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], staging, `Installing Node ${version}`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(staging, folder);
  }
  return bin;
}

const [script = fail("usage: node scripts/run.mjs <script> [args…]"), ...args] = process.argv.slice(2);

installDependencies();
const bin = supportedNode();
const child = spawn(join(bin, "node"), [resolve(root, script), ...args], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` },
});
// The terminal sends Ctrl-C to the child too: wait for how it ends. Other signals are passed on.
process.on("SIGINT", () => undefined);
for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"]))
  process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
