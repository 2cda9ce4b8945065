import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { parseArguments } from "../../sandbox/cli/args.ts";
import { commandNames } from "../../sandbox/cli/commands.ts";
import { changeOf, tenantOf, tenantSeconds } from "../../sandbox/cli/eventLog.ts";
import { helpText } from "../../sandbox/cli/help.ts";
import { podLogs } from "../../sandbox/cli/logs.ts";
import { health, serverRows } from "../../sandbox/cli/status.ts";
import { podCount } from "../../sandbox/cli/tenants.ts";
import { jobFrom, matchCronJob } from "../../sandbox/cli/trigger.ts";
import { exportLines, searchPath, shellQuote } from "../../sandbox/environment.ts";
import { SandboxError } from "../../sandbox/lib/errors.ts";
import { layout, sandboxFolder } from "../../sandbox/layout.ts";
import { announcesStep } from "../../sandbox/stack.ts";
import { stackConfig } from "../../sandbox/stackConfig.ts";

describe("the command line", () => {
  it("means `up` without a subcommand", () => {
    expect(parseArguments([])).toMatchObject({ command: "up", deploy: true, json: false });
    expect(parseArguments(["--dir", "/tmp/x"])).toMatchObject({ command: "up", dir: "/tmp/x" });
  });

  it("finds the subcommand behind options", () => {
    expect(parseArguments(["--dir", "up", "status", "--json"])).toMatchObject({
      command: "status",
      dir: "up",
      json: true,
    });
  });

  it("passes pulumi's options on from preview", () => {
    expect(parseArguments(["preview", "--diff", "--dir", "/s", "--target", "x"])).toMatchObject({
      rest: ["--diff", "--target", "x"],
      dir: "/s",
    });
  });

  it("takes operands where they belong", () => {
    expect(parseArguments(["trigger", "acme", "backup"]).operands).toEqual(["acme", "backup"]);
    expect(parseArguments(["logs", "acme", "-f"])).toMatchObject({ operands: ["acme"], follow: true });
  });

  it.each([
    [["status", "--jsno"], "Unknown option '--jsno'. See: npm run sandbox help"],
    [["stop", "--json"], 'The subcommand "stop" has no option --json. See: npm run sandbox help'],
    [["trigger", "acme"], "Usage: npm run sandbox trigger <tenant> <cronjob>. See: npm run sandbox help"],
    [["stop", "now"], 'The subcommand "stop" takes no operand, but got "now". See: npm run sandbox help'],
  ])("refuses %j", (argv, message) => {
    const attempt = (): unknown => parseArguments(argv);
    expect(attempt).toThrow(SandboxError);
    expect(attempt).toThrow(message);
  });

  it("has help on every subcommand", () => {
    for (const name of commandNames) expect(helpText()).toMatch(new RegExp(`^  ${name} `, "m"));
  });
});

describe("the environment", () => {
  it("quotes what a shell would read", () => {
    expect(shellQuote("/tmp/a-b.c")).toBe("/tmp/a-b.c");
    expect(shellQuote("a b'c$d")).toBe("'a b'\\''c$d'");
    expect(shellQuote("")).toBe("''");
  });

  it("names the file of a secret and not the secret", () => {
    const lines = exportLines({
      plain: { PGPORT: "5432", X: "a b" },
      secretFiles: { PGPASSWORD: "/s/my password" },
    });
    expect(lines).toBe(`export PGPORT=5432\nexport X='a b'\nexport PGPASSWORD="$(cat '/s/my password')"`);
  });

  it("puts the sandbox's programs first, each folder once", () => {
    const paths = layout("/s", "/p");
    const programs = { pulumi: "/c/pulumi", kubectl: "/usr/bin", postgres: "/pg/bin", node: "/n" };
    expect(searchPath(paths, programs, "/usr/bin:/bin:/s/bin:")).toBe(
      "/s/bin:/n:/c/pulumi:/pg/bin:/usr/bin:/bin",
    );
  });

  it("finds the folder by option, variable, default", () => {
    expect(sandboxFolder("/a", { WAREHOUSE_SANDBOX_DIR: "/b" }, "/p")).toBe("/a");
    expect(sandboxFolder(undefined, { WAREHOUSE_SANDBOX_DIR: "/b" }, "/p")).toBe("/b");
    expect(sandboxFolder(undefined, {}, "/p")).toBe("/p/.sandbox");
  });
});

describe("the stack's configuration", () => {
  it("points at this sandbox and holds no secret", () => {
    const text = stackConfig({ postgres: 5433, aws: 5000 });
    expect(parse(text)).toMatchObject({
      config: {
        "warehouse:kubernetes": { context: "sandbox" },
        "warehouse:database": { host: "127.0.0.1", port: 5433, user: "platform" },
        "warehouse:aws": { endpoint: "http://127.0.0.1:5000" },
      },
    });
    expect(text).not.toMatch(/password|accessKey|secure:/i);
  });
});

const urn = (types: string, name: string): string => `urn:pulumi:sandbox::warehouse::${types}::${name}`;
const stack = "warehouse:tenancy:TenantStack";

describe("the seconds of a tenant", () => {
  const tenants = ["acme", "acme-2"];

  it("belong to the tenant whose id fits best", () => {
    expect(tenantOf(urn(stack, "acme"), tenants)).toBe("acme");
    expect(tenantOf(urn(`${stack}$kubernetes:core/v1:Namespace`, "acme-2-namespace"), tenants)).toBe(
      "acme-2",
    );
    expect(
      tenantOf(urn(`${stack}$random:index/randomPassword:RandomPassword`, "acme-app-password"), tenants),
    ).toBe("acme");
    expect(tenantOf(urn("pulumi:providers:kubernetes", "acme"), tenants)).toBeUndefined();
  });

  it("run from the first to the last changed resource", () => {
    const event = (timestamp: number, key: string, op: string, name: string): string =>
      JSON.stringify({ timestamp, [key]: { metadata: { op, urn: urn(stack, name) } } });
    const log = [
      event(100, "resourcePreEvent", "create", "acme"),
      event(103, "resOutputsEvent", "create", "acme"),
      event(100, "resourcePreEvent", "same", "acme-2"),
      event(140, "resOutputsEvent", "same", "acme-2"),
      '{"timestamp": 200, "resOut',
    ];
    const steps = log.map(changeOf).filter((step) => step !== undefined);
    expect([...tenantSeconds(steps, tenants)]).toEqual([["acme", 3]]);
  });
});

describe("pulumi's output", () => {
  it.each([
    [" +  random:index:RandomPassword acme-app-password creating (0s) ", true],
    ["\u001b[32m +  kubernetes:core/v1:Secret acme-db-secret creating (0s)\u001b[0m ", true],
    [" +  random:index:RandomPassword acme-app-password created (0.14s) ", false],
    [" +  kubernetes:apps/v1:Deployment acme-app creating (0s) [1/2] Waiting for app ReplicaSet", false],
    ["error: update failed", false],
  ])("%j only announces a step: %s", (line, expected) => {
    expect(announcesStep(line)).toBe(expected);
  });
});

describe("status", () => {
  const server = (name: string, running: boolean) => ({
    name,
    running,
    pid: 7,
    startedAt: "2026-01-02T03:04:05.678Z",
    ...(running ? {} : { exitedAt: "2026-01-02T03:05:00.000Z", ending: "SIGKILL" }),
  });
  const all = ["etcd", "kube-apiserver", "kube-controller-manager", "node", "postgres", "aws"];

  it("is running, incomplete or stopped", () => {
    expect(health(all.map((name) => server(name, true)))).toBe("running");
    expect(health(all.map((name) => server(name, name !== "postgres")))).toBe("incomplete");
    expect(health([])).toBe("stopped");
  });

  it("says how a server ended", () => {
    const rows = serverRows([server("etcd", true), server("postgres", false)]);
    expect(rows[0]).toEqual(["etcd", "running", "process 7 since 2026-01-02 03:04:05 UTC"]);
    expect(rows[4]).toEqual(["postgres", "ended", "SIGKILL at 2026-01-02 03:05:00 UTC"]);
    expect(rows[5]).toEqual(["aws", "not started", ""]);
  });

  it("counts the pods of a namespace", () => {
    const deployment = (namespace: string, replicas: number, readyReplicas?: number) => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace, name: "app" },
      spec: { replicas },
      status: readyReplicas === undefined ? {} : { readyReplicas },
    });
    const deployments = [deployment("a", 3, 2), deployment("a", 1), deployment("b", 5, 5)];
    expect(podCount(deployments, "a")).toEqual({ ready: 2, desired: 4 });
  });
});

describe("trigger", () => {
  it("knows a CronJob by its name or one of its words", () => {
    expect(matchCronJob(["warehouse-backup"], "backup")).toBe("warehouse-backup");
    expect(matchCronJob(["backup", "warehouse-backup"], "backup")).toBe("backup");
    expect(matchCronJob(["a-backup", "b-backup"], "backup")).toBeUndefined();
    expect(matchCronJob(["warehouse-backup"], "back")).toBeUndefined();
  });

  it("makes the Job that kubectl would make", () => {
    const spec = { backoffLimit: 2 };
    const cronJob = {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "warehouse-backup", namespace: "customer-acme", uid: "u1" },
      spec: { jobTemplate: { metadata: { labels: { customer: "acme" } }, spec } },
    };
    expect(jobFrom(cronJob, "x1")).toEqual({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: "warehouse-backup-manual-x1",
        namespace: "customer-acme",
        labels: { customer: "acme" },
        annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
        ownerReferences: [
          { apiVersion: "batch/v1", kind: "CronJob", name: "warehouse-backup", uid: "u1", controller: true },
        ],
      },
      spec,
    });
  });
});

describe("logs", () => {
  it("lists those of one tenant, and of a workload by its name", () => {
    const root = mkdtempSync(join(tmpdir(), "sandbox-logs-"));
    const paths = layout(root, "/p");
    for (const [namespace, file] of [
      ["customer-acme", "backup-1-abc_backup.log"],
      ["customer-acme", "export-1-abc_main.log"],
      ["customer-acme-2", "backup-9-abc_backup.log"],
    ] as const) {
      mkdirSync(join(paths.logs, "pods", namespace), { recursive: true });
      writeFileSync(join(paths.logs, "pods", namespace, file), "");
    }
    const pods = (workload?: string): string[] =>
      podLogs(paths, "customer-acme", workload)
        .map(({ pod }) => pod)
        .sort();
    expect(pods()).toEqual(["backup-1-abc", "export-1-abc"]);
    expect(pods("backup")).toEqual(["backup-1-abc"]);
    expect(podLogs(paths, "customer-none", undefined)).toEqual([]);
    rmSync(root, { recursive: true });
  });
});
