import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backupJobOf, OPERATIONS } from "../../registry/naming.ts";
import { stackConfig } from "../../sandbox/stackConfig.ts";
import { keyOf, type Call, type Objects, type Plan } from "../support/fakeKubectl.ts";
import { PROJECT } from "../support/registry.ts";
import { inProject, type Project } from "./support.ts";

export interface FakeCluster extends Project {
  readonly env: NodeJS.ProcessEnv;
  readonly calls: () => readonly Call[];
  /** Objects that there are now, by `kind/namespace/name`. */
  readonly objects: () => Objects;
  readonly put: (object: {
    readonly kind: string;
    readonly metadata: { name: string; namespace: string };
  }) => void;
}

export const PASSWORD = "the-platform's-password";

/** The manifest of a backup, as the operations program prints it. */
export const MANIFEST = {
  ...{ id: "acme-20260101T020304Z", kind: "scheduled", tenantId: "acme" },
  source: { scope: "database", snapshotAt: "2026-01-01T02:03:04.000Z" },
  database: {
    bytes: 3_000_000,
    tables: [
      { name: "items", rows: 40 },
      { name: "orders", rows: 2 },
    ],
  },
  files: { bytes: 80, count: 7 },
} as const;

const cronJob = (namespace: string, name: string) => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name, namespace, uid: `uid-of-${name}` },
  spec: {
    jobTemplate: {
      metadata: { labels: { customer: "acme" } },
      spec: {
        backoffLimit: 3,
        template: {
          spec: {
            restartPolicy: "Never",
            containers: [
              {
                name,
                args: ["backup"],
                env: [{ name: "BACKUP_BUCKET", value: "b" }],
                volumeMounts: [{ name: "uploads", mountPath: "/uploads", readOnly: true }],
              },
            ],
          },
        },
      },
    },
  },
});

/** Runs a test with a project whose cluster is a file, reached by a kubectl that plays a plan. */
export const onCluster = (plan: Plan, test: (cluster: FakeCluster) => Promise<void>): Promise<void> =>
  inProject(
    async (project) => {
      const folder = join(project.dir, "cluster");
      const bin = join(folder, "bin");
      mkdirSync(bin, { recursive: true });
      const script = join(PROJECT, "test/support/fakeKubectl.ts");
      writeFileSync(
        join(bin, "kubectl"),
        `#!/bin/sh\nexec '${process.execPath}' '${script}' '${folder}' "$@"\n`,
        { mode: 0o755 },
      );
      const file = join(folder, "objects.json");
      const objects = (): Objects => JSON.parse(readFileSync(file, "utf8")) as Objects;
      const put: FakeCluster["put"] = (object) => {
        const key = keyOf(object.kind, object.metadata.namespace, object.metadata.name);
        writeFileSync(file, JSON.stringify({ ...objects(), [key]: object }));
      };
      writeFileSync(file, "{}");
      writeFileSync(join(folder, "calls.jsonl"), "");
      writeFileSync(join(folder, "plan.json"), JSON.stringify(plan));
      const backups = backupJobOf({ id: "acme", plan: "enterprise", placement: "silo" }, "");
      put(cronJob(backups.namespace, backups.name));
      put(cronJob(OPERATIONS.namespace, OPERATIONS.restore));
      put(cronJob(OPERATIONS.namespace, OPERATIONS.drills));
      const path = `${bin}:${process.env["PATH"] ?? ""}`;
      const env = { ...process.env, PATH: path, PGPASSWORD: PASSWORD, PULUMI_STACK: "sandbox" };
      await test({
        ...project,
        tenant: (args, answer, more) => project.tenant(args, answer, { env, ...more }),
        env,
        objects,
        put,
        calls: () =>
          readFileSync(join(folder, "calls.jsonl"), "utf8")
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line) as Call),
      });
    },
    { "Pulumi.prod.yaml": stackConfig({ postgres: 5432, aws: 4566 }) },
  );
