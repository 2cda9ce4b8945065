import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { namespaceName } from "../../registry/naming.ts";
import type { Layout } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { readFrom } from "../lib/files.ts";

/** A container's log of a namespace, newest last. */
interface PodLog {
  readonly pod: string;
  readonly container: string;
  readonly file: string;
  readonly modified: number;
}

/** The logs of a namespace's pods; of one workload, whose name pods' names start with, if it is given. */
export function podLogs(paths: Layout, namespace: string, workload: string | undefined): PodLog[] {
  const folder = join(paths.logs, "pods", namespace);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => {
      const [pod = "", container = ""] = name.replace(/\.log$/, "").split("_");
      const file = join(folder, name);
      return { pod, container, file, modified: statSync(file).mtimeMs };
    })
    .filter(
      ({ pod, container }) => workload === undefined || pod.includes(workload) || container === workload,
    )
    .sort((left, right) => left.modified - right.modified);
}

/** `logs`: prints them, and with `follow` what is appended and what is new, until interrupted. */
export async function logs(
  paths: Layout,
  tenant: string,
  workload: string | undefined,
  follow: boolean,
): Promise<number> {
  let shown: string | undefined;
  const offsets = new Map<string, number>();
  for (;;) {
    const present = podLogs(paths, namespaceName(tenant), workload);
    if (present.length === 0 && !follow) {
      const what =
        workload === undefined ? `the tenant "${tenant}"` : `"${workload}" of the tenant "${tenant}"`;
      throw new SandboxError(
        `There is no output of ${what}. Only operations (backup, …) run as processes here; run one with: npm run sandbox trigger ${tenant} backup`,
      );
    }
    for (const { pod, container, file } of present) {
      const from = offsets.get(file) ?? 0;
      const text = readFrom(file, from);
      if (text.length === 0) continue;
      if (shown !== file) console.log(`--- ${pod} ${container}`);
      shown = file;
      process.stdout.write(text);
      offsets.set(file, from + text.length);
    }
    if (!follow) return 0;
    await sleep(300);
  }
}
