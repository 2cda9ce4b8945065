import { OPERATIONS } from "../../registry/naming.ts";
import type { Plan } from "../support/fakeKubectl.ts";
import { MANIFEST, onCluster, PASSWORD, type FakeCluster } from "./jobSupport.ts";

jest.setTimeout(60_000);

const DONE: Plan = {
  jobs: {
    backup: { log: ["dumping warehouse_acme: 2 tables, 42 rows", JSON.stringify(MANIFEST)] },
    describe: { log: ["the newest backup is meant", JSON.stringify(MANIFEST)] },
    restore: { log: ["acme is as it was", JSON.stringify(MANIFEST)] },
    "files-restore": { log: ["7 files are restored"] },
    drill: { log: ['{"backupId":"acme-20260101T020304Z","seconds":1.5}'] },
  },
};
const planned = (jobs: Plan["jobs"], refusals: Plan["refusals"] = {}): Plan => ({
  jobs: { ...DONE.jobs, ...jobs },
  refusals,
});

const jobs = (cluster: FakeCluster): string[] =>
  Object.keys(cluster.objects()).filter((key) => key.startsWith("job/"));
const secrets = (cluster: FakeCluster): string[] =>
  Object.keys(cluster.objects()).filter((key) => key.startsWith("secret/"));
interface Made {
  readonly kind: string;
  readonly metadata: object;
  readonly spec: object;
}

/** What was created of a kind, in turn. */
const made = (cluster: FakeCluster, kind: string): Made[] =>
  cluster
    .calls()
    .filter(({ argv }) => argv.includes("create"))
    .map(({ stdin }) => JSON.parse(stdin) as Made)
    .filter((object) => object.kind === kind);

describe("tenant backup", () => {
  it("runs a Job by the pattern of the tenant's backups, and tells what it says", () =>
    onCluster(DONE, async (cluster) => {
      const { code, out, err } = await cluster.tenant(["backup", "acme"]);
      expect(err).toEqual([]);
      expect(code).toBe(0);
      expect(out).toEqual([
        expect.stringMatching(/^backup of acme: customer-acme\/backup-acme-x\d+$/),
        expect.stringMatching(/^0:0\d {2}dumping warehouse_acme: 2 tables, 42 rows$/),
        expect.stringMatching(/^backup of acme: done in [\d.]+ s$/),
      ]);
      expect(made(cluster, "Job")).toEqual([
        {
          apiVersion: "batch/v1",
          kind: "Job",
          metadata: {
            generateName: "backup-acme-",
            namespace: "customer-acme",
            labels: { customer: "acme" },
            annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
            ownerReferences: [
              {
                apiVersion: "batch/v1",
                kind: "CronJob",
                name: "warehouse-backup",
                uid: "uid-of-warehouse-backup",
              },
            ],
          },
          spec: {
            backoffLimit: 3,
            ttlSecondsAfterFinished: 86_400,
            template: {
              spec: {
                restartPolicy: "Never",
                containers: [
                  {
                    name: "warehouse-backup",
                    args: ["backup", "--json"],
                    env: [
                      { name: "BACKUP_BUCKET", value: "b" },
                      { name: "BACKUP_KIND", value: "manual" },
                    ],
                    volumeMounts: [{ name: "uploads", mountPath: "/uploads", readOnly: true }],
                  },
                ],
              },
            },
          },
        },
      ]);
      expect(new Set(cluster.calls().map(({ argv }) => argv.slice(0, 2).join(" ")))).toEqual(
        new Set(["--context sandbox"]),
      );
    }));

  it("reads another server where one was recovered to a point in time", () =>
    onCluster(DONE, async (cluster) => {
      const from = ["--from", "recovered.internal:5433"];
      expect((await cluster.tenant(["backup", "acme", ...from])).code).toBe(0);
      const [job] = made(cluster, "Job") as unknown as [
        { spec: { template: { spec: { containers: [{ env: object[] }] } } } },
      ];
      expect(job.spec.template.spec.containers[0].env).toEqual(
        expect.arrayContaining([
          { name: "DATABASE_HOST", value: "recovered.internal" },
          { name: "DATABASE_PORT", value: "5433" },
        ]),
      );
      const { code, err } = await cluster.tenant(["backup", "acme", "--from", "recovered.internal"]);
      expect(code).toBe(2);
      expect(err.join("\n")).toContain("write the server as host:port, e.g. recovered.internal:5432");
    }));

  it("prints one document for programs, and everything else on standard error", () =>
    onCluster(DONE, async ({ tenant }) => {
      const { code, out, err } = await tenant(["backup", "acme", "--json"]);
      expect(code).toBe(0);
      expect(JSON.parse(out.join("\n"))).toEqual({
        tenantId: "acme",
        operation: "backup",
        job: { namespace: "customer-acme", name: expect.stringMatching(/^backup-acme-/) as string },
        state: "succeeded",
        exitCode: 0,
        reason: null,
        tries: 1,
        result: MANIFEST,
        seconds: expect.any(Number) as number,
      });
      expect(err).toHaveLength(3);
    }));

  it.each([20, 50])("ends with the operation's exit code %i and its reason", (exitCode) =>
    onCluster(
      planned({ backup: { log: [`failed (${exitCode}): the reason`], exitCode } }),
      async ({ tenant }) => {
        const { code, err } = await tenant(["backup", "acme"]);
        expect(err).toEqual([`backup of acme failed (exit ${exitCode}): the reason`]);
        expect(code).toBe(exitCode);
      },
    ),
  );

  it("prints the Job's name and waits for nothing with --no-wait", () =>
    onCluster(planned({ backup: { hangs: true } }), async (cluster) => {
      const { code, out, err } = await cluster.tenant(["backup", "acme", "--no-wait"]);
      expect(code).toBe(0);
      const [name = ""] = out;
      expect(jobs(cluster)).toEqual([`job/${name}`]);
      expect(err).toEqual([
        `backup of acme is started: kubectl --context sandbox logs --follow -n customer-acme job/${name.split("/")[1] ?? ""}`,
      ]);
    }));

  it.each([
    [
      "a quota",
      { warning: "exceeded quota: tenant-quota, requested: pods=1" },
      "exceeded quota: tenant-quota, requested: pods=1",
    ],
    [
      "an image that cannot be pulled",
      { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } },
      "ImagePullBackOff: Back-off pulling image",
    ],
  ])("says why no pod starts because of %s, and takes the Job away", (_, play, reason) =>
    onCluster(planned({ backup: play }), async (cluster) => {
      const { code, out, err } = await cluster.tenant(["backup", "acme", "--timeout", "2s"]);
      expect(code).toBe(1);
      expect(out).toContain(`waiting: ${reason}`);
      expect(err).toEqual([`backup of acme: not done after 2 s: ${reason}; nothing ran, the Job is deleted`]);
      expect(jobs(cluster)).toEqual([]);
    }),
  );

  it("leaves a Job that runs when the time is over, and says how to follow it", () =>
    onCluster(planned({ backup: { log: ["dumping"], hangs: true } }), async (cluster) => {
      const { code, err } = await cluster.tenant(["backup", "acme", "--timeout", "3s"]);
      expect(code).toBe(1);
      expect(err).toEqual([
        expect.stringMatching(
          /^backup of acme: not done after 3 s; the Job goes on: kubectl --context sandbox logs --follow -n customer-acme job\/backup-acme-x\d+$/,
        ),
      ]);
      expect(jobs(cluster)).toHaveLength(1);
    }));

  it.each([
    [["backup", "acm"], 1, 'no tenant "acm" in the registry; did you mean "acme"?'],
    [["backup", "acme", "--stack", "none"], 1, "there is no Pulumi.none.yaml; name another --stack"],
    [
      ["backup", "beta"],
      1,
      'the cluster of prod (context "sandbox") has no CronJob customer-beta/warehouse-backup; `pulumi up --stack prod` makes it',
    ],
    [["restore", "acme"], 2, "this needs a confirmation: --yes gives it"],
    [
      ["restore", "acme", "--yes", "--no-wait"],
      2,
      "--no-wait needs --only: files are restored after the database",
    ],
    [["drill"], 2, "name a tenant, or --all"],
    [["drill", "acme", "--all"], 2, "name a tenant, or --all"],
  ])("refuses %j", (args, expected, message) =>
    onCluster(DONE, async (cluster) => {
      const { code, err } = await cluster.tenant(args);
      expect([code, ...err]).toEqual([expected, message]);
      expect(jobs(cluster)).toEqual([]);
    }),
  );

  it("needs a stack that is complete, and one alone", () =>
    onCluster(DONE, async ({ tenant, read, write }) => {
      write(read("Pulumi.prod.yaml"), "Pulumi.staging.yaml");
      expect((await tenant(["backup", "acme"])).err).toEqual(["name the --stack: prod, staging"]);
      for (const file of ["Pulumi.prod.yaml", "Pulumi.staging.yaml"])
        write(read(file).replace("context: sandbox", 'context: "<fill in: the context>"'), file);
      expect((await tenant(["backup", "acme"])).err).toEqual([
        "no Pulumi.<stack>.yaml is complete; with --stack the command says what is missing",
      ]);
      const { err } = await tenant(["backup", "acme", "--stack", "prod"]);
      expect(err.join("\n")).toContain("warehouse:kubernetes.context: is still to be filled in: the context");
    }));

  it("says what to do where there is no kubectl", () =>
    onCluster(DONE, async ({ tenant, dir }) => {
      const { code, err } = await tenant(["backup", "acme"], undefined, {
        env: { PATH: dir, PULUMI_STACK: "sandbox" },
      });
      expect([code, ...err]).toEqual([
        1,
        'kubectl is not on PATH; install it (https://kubernetes.io/docs/tasks/tools/), or take the sandbox\'s: eval "$(npm run --silent sandbox env)"',
      ]);
    }));
});

describe("tenant restore", () => {
  const RESTORE = `job/${OPERATIONS.namespace}/warehouse-restore-acme`;

  it("shows which backup is meant and what is kept, and restores that one after the id was typed", () =>
    onCluster(DONE, async (cluster) => {
      const asked: string[] = [];
      const { code, out, err } = await cluster.tenant(["restore", "acme", "--at", "2026-01-01"], undefined, {
        env: cluster.env,
        askFor: (question) => {
          asked.push(question);
          return Promise.resolve("acme");
        },
      });
      expect(err).toEqual([]);
      expect(code).toBe(0);
      expect(asked).toEqual(["Type acme to restore it:"]);
      const from = out.indexOf("restore of acme, database and files:");
      expect(out.slice(from, from + 7)).toEqual([
        "restore of acme, database and files:",
        "  backup     acme-20260101T020304Z (scheduled)",
        expect.stringMatching(
          /^ {2}data of {4}2026-01-01T02:03:04.000Z, \d+ \w+ ago: what came later is replaced$/,
        ),
        "  database   2 tables, 42 rows, 3Mi",
        "  files      7 files, 1Mi",
        "  kept       the present database, closed, as warehouse_acme__o<day> for 7 days, and a backup of it (pre-restore)",
        "  meanwhile  sessions are ended once, for a moment",
      ]);
      const [describe, restore, files] = made(cluster, "Job").map(({ spec }) => JSON.stringify(spec));
      expect(describe).toContain('{"name":"RESTORE_AT","value":"2026-01-01T00:00:00Z"}');
      expect(restore).toContain('{"name":"RESTORE_ID","value":"acme-20260101T020304Z"}');
      expect(restore).toContain('{"name":"BACKUP_PREFIX","value":"customers/acme/"}');
      expect(files).toContain('{"name":"RESTORE_ID","value":"acme-20260101T020304Z"}');
      expect(files).toContain('"readOnly":false');
      expect(secrets(cluster)).toEqual([]);
    }));

  it("gives the password to the one Job, on standard input alone, before it starts", () =>
    onCluster(DONE, async (cluster) => {
      expect((await cluster.tenant(["restore", "acme", "--yes", "--only", "database"])).code).toBe(0);
      const job = made(cluster, "Job")[1];
      expect(job?.spec).toMatchObject({ suspend: true });
      const [secret] = made(cluster, "Secret");
      expect(secret).toMatchObject({
        metadata: {
          namespace: OPERATIONS.namespace,
          ownerReferences: [
            {
              apiVersion: "batch/v1",
              kind: "Job",
              name: "warehouse-restore-acme",
              uid: cluster.objects()[RESTORE]?.metadata.uid,
            },
          ],
        },
        stringData: { password: PASSWORD },
      });
      const steps = cluster.calls().flatMap(({ argv, stdin }) => {
        if (stdin.includes('"kind":"Secret"')) return ["secret"];
        if (stdin.includes("warehouse-restore-acme")) return ["job"];
        if (argv.includes("patch")) return ["start"];
        return argv.includes("delete") ? ["take back"] : [];
      });
      expect(steps).toEqual(["job", "secret", "start", "take back"]);
      for (const { argv } of cluster.calls()) expect(argv.join(" ")).not.toContain(PASSWORD);
    }));

  it("takes the password back where the restore fails, and leaves the files alone", () =>
    onCluster(
      planned({ restore: { log: ["failed (50): another checksum"], exitCode: 50 } }),
      async (cluster) => {
        const { code, err } = await cluster.tenant(["restore", "acme", "--yes"]);
        expect(code).toBe(50);
        expect(err).toEqual([
          "restore of acme, database failed (exit 50): another checksum",
          "not begun: files; when the database is restored: npx tenant restore acme --backup acme-20260101T020304Z --only files",
        ]);
        expect(secrets(cluster)).toEqual([]);
        expect(made(cluster, "Job")).toHaveLength(2);
      },
    ));

  it("takes the password back when it is interrupted; the restore goes on", () =>
    onCluster(planned({ restore: { log: ["restoring"], hangs: true } }), async (cluster) => {
      let interrupt = (): void => undefined;
      const { code, err } = await cluster.tenant(["restore", "acme", "--yes"], undefined, {
        env: cluster.env,
        onInterrupt: (action) => {
          interrupt = action;
          return () => undefined;
        },
        out: (line) => {
          if (line.endsWith("restoring")) interrupt();
        },
      });
      expect(code).toBe(130);
      expect(err[0]).toBe(
        `restore of acme, database: interrupted; the Job goes on: kubectl --context sandbox logs --follow -n ${OPERATIONS.namespace} job/warehouse-restore-acme`,
      );
      expect(secrets(cluster)).toEqual([]);
      expect(jobs(cluster)).toContain(RESTORE);
    }));

  it("leaves no Job behind that cannot get its password, and repeats no secret", () =>
    onCluster(planned({}, { Secret: `denied: {"password":"${PASSWORD}"}` }), async (cluster) => {
      const { code, err } = await cluster.tenant(["restore", "acme", "--yes"]);
      expect(code).toBe(1);
      expect(err).toEqual([
        'kubectl, context "sandbox": Error from server (Forbidden): denied: {"password":"…"}',
      ]);
      expect(jobs(cluster)).not.toContain(RESTORE);
    }));

  const present = (more: object) => ({
    kind: "Job",
    metadata: {
      name: "warehouse-restore-acme",
      namespace: OPERATIONS.namespace,
      uid: "uid-of-another",
      creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    },
    spec: { template: { spec: { containers: [{ args: ["restore"] }] } } },
    ...more,
  });

  it("refuses a second restore of a tenant while one is under way", () =>
    onCluster(DONE, async (cluster) => {
      const job = present({});
      cluster.put(job);
      const { code, err } = await cluster.tenant(["restore", "acme", "--yes"]);
      expect([code, ...err]).toEqual([
        1,
        `acme is being restored already, since ${job.metadata.creationTimestamp}; kubectl --context sandbox logs --follow -n ${OPERATIONS.namespace} job/warehouse-restore-acme`,
      ]);
      expect(made(cluster, "Job")).toEqual([]);
    }));

  it("replaces one that has ended", () =>
    onCluster(DONE, async (cluster) => {
      cluster.put(present({ status: { conditions: [{ type: "Complete", status: "True" }] }, ended: true }));
      expect((await cluster.tenant(["restore", "acme", "--yes"])).code).toBe(0);
      expect(cluster.objects()[RESTORE]?.metadata.uid).not.toBe("uid-of-another");
    }));

  it("restores nothing where another word was typed", () =>
    onCluster(DONE, async (cluster) => {
      const { code, err } = await cluster.tenant(["restore", "acme"], undefined, {
        env: cluster.env,
        askFor: () => Promise.resolve("yes"),
      });
      expect([code, ...err]).toEqual([1, "nothing was restored"]);
      expect(made(cluster, "Job")).toHaveLength(1);
    }));

  it("ends as the search for the backup does", () =>
    onCluster(
      planned({ describe: { log: ["failed (50): acme has no such backup"], exitCode: 50 } }),
      async ({ tenant }) => {
        const { code, err } = await tenant(["restore", "acme", "--yes"]);
        expect([code, ...err]).toEqual([
          50,
          "looking for the backup of acme failed (exit 50): acme has no such backup",
        ]);
      },
    ));

  it("says where to get the password from", () =>
    onCluster(DONE, async ({ tenant, env }) => {
      const { code, err } = await tenant(["restore", "acme", "--yes"], undefined, {
        env: { ...env, PGPASSWORD: "" },
      });
      expect([code, ...err]).toEqual([
        1,
        "a restore takes the password of the platform's database role: set PGPASSWORD, or see that `pulumi config get warehouse:databasePassword --stack prod` prints it",
      ]);
    }));

  it("returns once the Job has begun with --no-wait, without its password", () =>
    onCluster(planned({ restore: { hangs: true } }), async (cluster) => {
      const args = ["restore", "acme", "--yes", "--only", "database", "--no-wait"];
      const { code, out } = await cluster.tenant(args);
      expect(code).toBe(0);
      expect(out.at(-1)).toBe(`${OPERATIONS.namespace}/warehouse-restore-acme`);
      expect(secrets(cluster)).toEqual([]);
      expect(jobs(cluster)).toContain(RESTORE);
    }));
});

describe("tenant drill", () => {
  it("ends with the time that was measured", () =>
    onCluster(DONE, async (cluster) => {
      const { code, out } = await cluster.tenant(["drill", "acme"]);
      expect(code).toBe(0);
      expect(out.slice(-2)).toEqual([
        "tenant  backup                 RTO    result",
        "acme    acme-20260101T020304Z  1.5 s  succeeded",
      ]);
      expect(made(cluster, "Job")[0]).toMatchObject({
        metadata: { namespace: OPERATIONS.namespace, generateName: "drill-acme-" },
      });
    }));

  it("shows the table of every tenant as the Job prints it, and ends as it does", () =>
    onCluster(
      planned({
        drills: {
          log: ["tenant  backup  RTO", "failed (50): 1 of 2 drills failed:", "  acme (50): no backup"],
          exitCode: 50,
        },
      }),
      async (cluster) => {
        const { code, err } = await cluster.tenant(["drill", "--all"]);
        expect(code).toBe(50);
        expect(err).toEqual(["drill of all failed (exit 50): 1 of 2 drills failed:"]);
        expect(JSON.stringify(made(cluster, "Job")[0]?.spec)).toContain('"args":["drills","--all","--json"]');
      },
    ));
});
