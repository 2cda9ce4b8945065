import { join } from "node:path";
import { withNamedPipe } from "../lib/pipe.ts";
import { type Report, seconds, usesColour } from "../lib/report.ts";
import { table } from "../lib/table.ts";
import type { Layout } from "../layout.ts";
import { bringUp, type Platform, withSandboxLock } from "../platform.ts";
import { announcesStep, ensureStack, heal, quiet, runPulumi } from "../stack.ts";
import { changeOf, type Step, tenantSeconds } from "./eventLog.ts";
import { podsText, tenantRows } from "./tenants.ts";

/** Environment of pulumi: the user's, with the sandbox's on top. */
export const pulumiEnvironment = (platform: Platform): Record<string, string | undefined> => ({
  ...process.env,
  ...platform.env,
  // Needed for --event-log, from which the seconds of each tenant come.
  PULUMI_DEBUG_COMMANDS: "true",
});

/** `up`: the platform, then the program on it. */
export function up(paths: Layout, report: Report, deploy: boolean): Promise<number> {
  const started = Date.now();
  return withSandboxLock(paths, "sandbox up", report, async () => {
    const platform = await bringUp(paths, report, {});
    if (platform.plugins.providers === "stand-in") {
      report.info(
        "  The vendor's provider plugins are not within reach: the project's stand-ins do their work.",
      );
    }
    const env = pulumiEnvironment(platform);
    await report.step("stack", async () => {
      await ensureStack(paths, platform.ports, env);
      await heal(paths, env, report.info);
    });
    if (!deploy) {
      report.info(
        `\nThe platform runs (${seconds(Date.now() - started)}). For pulumi, kubectl and psql:\n  ${evalLine}`,
      );
      return 0;
    }
    report.info("  pulumi up");
    const begun = Date.now();
    const events = join(paths.run, "events");
    const steps: Step[] = [];
    const onEvent = (line: string): void => {
      const step = changeOf(line);
      if (step !== undefined) steps.push(step);
    };
    const colour = usesColour(process.stdout, process.env) ? "always" : "never";
    const options = [
      "--yes",
      "--skip-preview",
      "--suppress-outputs",
      "--suppress-permalink=true",
      "--suppress-progress",
    ];
    const args = ["up", ...options, ...quiet, "--color", colour, "--event-log", events];
    const code = await withNamedPipe(events, onEvent, () =>
      runPulumi(paths, env, args, (line) => {
        if (!announcesStep(line)) console.log(line);
      }),
    );
    if (code !== 0) {
      report.info(
        `\npulumi up failed; see above. Mend it and run \`npm run sandbox\` again: it goes on where this ended.`,
      );
      return code;
    }
    report.info(`  pulumi up took ${seconds(Date.now() - begun)}`);
    await closing(paths, env, report, steps);
    report.info(`\nDone in ${seconds(Date.now() - started)}.`);
    return 0;
  });
}

const evalLine = 'eval "$(npm run --silent sandbox env)"';

async function closing(
  paths: Layout,
  env: Readonly<Record<string, string | undefined>>,
  report: Report,
  steps: readonly Step[],
): Promise<void> {
  const rows = await tenantRows(paths, env);
  const spent = tenantSeconds(
    steps,
    rows.map(({ tenant }) => tenant),
  );
  report.info("");
  report.info(
    table(
      ["tenant", "plan", "host", "pods", "database", "seconds"],
      rows.map(({ tenant, plan, host, pods, database }) => {
        const took = spent.get(tenant);
        return [
          tenant,
          plan,
          host,
          podsText(pods),
          database,
          took === undefined ? "unchanged" : String(took),
        ];
      }),
    ),
  );
  const first = rows[0]?.tenant ?? "acme";
  report.info(`
Next:
  edit tenants/tenants.yaml, then       npm run sandbox -- preview --diff   and   npm run sandbox
  back up a tenant now                  npm run sandbox trigger ${first} backup
  pulumi, kubectl and psql on it        ${evalLine}
  what runs; stop; delete               npm run sandbox status | stop | destroy`);
}

/** `preview`: what an update would change; pulumi's own options are passed on. */
export function preview(paths: Layout, report: Report, args: readonly string[]): Promise<number> {
  return withSandboxLock(paths, "sandbox preview", report, async () => {
    const platform = await bringUp(paths, report, {});
    const env = pulumiEnvironment(platform);
    await ensureStack(paths, platform.ports, env);
    return runPulumi(paths, env, ["preview", ...quiet, ...args]);
  });
}
