import { join } from "node:path";
import { messageOf, SandboxError } from "../lib/errors.ts";
import { isExecutable, run, which } from "../lib/run.ts";
import { cached } from "./cache.ts";
import type { ToolchainContext } from "./context.ts";
import { download, platform } from "./download.ts";

/** The vendor's release. Any from 2.40 on checks the rules alike. */
const VERSION = "3.5.0";

/** Prometheus, and promtool, which checks its rules and makes its data. */
export interface PrometheusTools {
  readonly prometheus: string;
  readonly promtool: string;
}

const PROGRAMS = ["prometheus", "promtool"] as const;

/** Both programs: the machine's, the vendor's, else those of Debian's package `prometheus`. */
export async function obtainPrometheus(context: ToolchainContext): Promise<PrometheusTools> {
  const [prometheus, promtool] = PROGRAMS.map((name) => which(name, context.env.PATH));
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const folder = await cached(
    context,
    `prometheus-${VERSION}`,
    (there) => PROGRAMS.every((name) => isExecutable(join(there, name))),
    async (staging) => {
      if (await context.network.reaches("github.com")) {
        try {
          await fromVendor(staging);
          return;
        } catch (error) {
          context.report.info(`  prometheus: no download (${messageOf(error)}); taking Debian's`);
        }
      }
      await fromDebian(staging, context.env);
    },
  );
  return { prometheus: join(folder, "prometheus"), promtool: join(folder, "promtool") };
}

async function fromVendor(staging: string): Promise<void> {
  const base = `https://github.com/prometheus/prometheus/releases/download/v${VERSION}`;
  const name = `prometheus-${VERSION}.${platform.os}-${platform.arch}`;
  const archive = join(staging, "prometheus.tar.gz");
  await download(`${base}/${name}.tar.gz`, `${base}/sha256sums.txt`, archive);
  await must("tar", [
    "-xzf",
    archive,
    "-C",
    staging,
    "--strip-components=1",
    ...PROGRAMS.map((program) => `${name}/${program}`),
  ]);
  await must("rm", [archive]);
}

/** Unpacked, not installed: no server starts, and no right of root is needed. apt checks the package's signature. */
async function fromDebian(staging: string, env: NodeJS.ProcessEnv): Promise<void> {
  const unpack =
    "apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb package && mv package/usr/bin/prometheus package/usr/bin/promtool . && rm -r package prometheus_*.deb";
  await must("sh", ["-c", unpack], { cwd: staging, env });
}

async function must(
  command: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<void> {
  const { code, stderr } = await run(command, args, options);
  if (code !== 0)
    throw new SandboxError(
      `Prometheus could not be obtained (${stderr.trim()}); put prometheus and promtool on PATH`,
    );
}
