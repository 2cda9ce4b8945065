import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openBucket } from "../../components/cell/openBucket.ts";
import type { ArtefactName, Gathered } from "../../report/evidence/artefacts.ts";
import { compareText } from "../../registry/issues.ts";
import type { LoadedRegistry, RegisteredTenant } from "../../registry/load.ts";
import { backupPrefix, CELL_LABEL, certificateKey, TENANT_LABEL } from "../../registry/naming.ts";
import type { Report } from "../../report/report.ts";
import { tenantOfUrn } from "../../review/resources.ts";
import { Cluster, type KubeObject } from "../cluster.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { pulumi } from "../pulumi.ts";
import type { ExportedStack } from "../recovery/state.ts";
import { Prometheus } from "../report/prometheus.ts";
import { readSla } from "../report/sla.ts";
import type { Stack } from "../stack.ts";
import { allTenants } from "../workspace.ts";

/** So many commits and updates are told of. */
const CHANGES = 200;

/** What evidence is gathered from. */
export interface Site {
  readonly io: Io;
  readonly registry: LoadedRegistry;
  /** The report of the same moment. */
  readonly report: Report;
  readonly stacks: readonly Stack[];
  /** Why there are none. */
  readonly noStacks: string;
  readonly prometheus: string | undefined;
  /** 2026-10; undefined: none was named. */
  readonly month: string | undefined;
}

/**
 * Gathers every artefact. Only fields that are named here get into the bundle, none of them secret: no inputs or outputs of
 * resources, no configuration, no authors.
 */
export async function gather(site: Site): Promise<Record<ArtefactName, Gathered>> {
  const { report, stacks, registry } = site;
  const places = (of: (stack: Stack) => string): string => stacks.map(of).join(", ");
  const onStacks = (from: string, read: () => Promise<unknown>): Promise<Gathered> =>
    stacks.length === 0 ? Promise.resolve({ from, why: site.noStacks }) : attempt(from, read);
  const bucket = `bucket ${places(({ cell }) => cell.backup.bucket)}`.trim();
  const cluster = `cluster ${places(({ cell }) => cell.kubernetes.context)}`.trim();
  const stackNames = `stack ${places(({ name }) => name)}`.trim();
  const inRegistry = (value: unknown): Gathered => ({ from: "registry", value });
  const [changes, resources, isolation, encryption, backups, drills, deletions, exports, service] =
    await Promise.all([
      attempt(`Git, history of ${stackNames}`, () => changesOf(site)),
      onStacks(stackNames, () => perStack(stacks, (stack) => resourcesOf(site, stack))),
      onStacks(cluster, () => perStack(stacks, (stack) => isolationOf(site, stack))),
      onStacks(`configuration of ${stackNames}`, () => Promise.resolve(encryptionOf(site))),
      onStacks(bucket, () => perStack(stacks, (stack) => backupsOf(site, stack))),
      onStacks(bucket, () => perStack(stacks, (stack) => drillsOf(site, stack))),
      onStacks(bucket, () => perStack(stacks, (stack) => deletionsOf(site, stack))),
      onStacks(bucket, () => perStack(stacks, (stack) => exportsOf(site, stack))),
      serviceOf(site),
    ]);
  const { drift } = report.sources;
  return {
    ...{ changes, resources, isolation, encryption, backups, drills, deletions, exports, service },
    tenants: inRegistry(tenantsOf(report)),
    drift: drift.read
      ? { from: drift.from, value: report.tenants.map(({ id, drifted = 0 }) => ({ tenant: id, drifted })) }
      : { from: drift.from, why: drift.why },
    residency: inRegistry(residencyOf(site)),
    access: { from: "registry, .github/CODEOWNERS", value: accessOf(site) },
    "legal-holds": inRegistry(
      allTenants(registry).flatMap(({ entry: { id, legalHold } }) =>
        legalHold === undefined ? [] : [{ tenant: id, ...legalHold }],
      ),
    ),
  };
}

async function attempt(from: string, read: () => Promise<unknown>): Promise<Gathered> {
  try {
    return { from, value: await read() };
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    const said = stderr === undefined || stderr.trim() === "" ? message : stderr;
    return { from, why: said.trim().split("\n")[0] ?? "" };
  }
}

const perStack = async <T>(
  stacks: readonly Stack[],
  read: (stack: Stack) => Promise<T>,
): Promise<Record<string, T>> =>
  Object.fromEntries(
    await Promise.all(stacks.map(async (stack) => [stack.name, await read(stack)] as const)),
  );

/** What a command of pulumi says of a stack as JSON. */
const told = async <T>(
  { io: { projectDir: cwd, env } }: Site,
  { name: stack }: Stack,
  args: readonly string[],
): Promise<T> => JSON.parse(await pulumi({ cwd, env, stack }, args)) as T;

interface Update {
  readonly version: number;
  readonly kind: string;
  readonly startTime: string;
  readonly endTime?: string;
  readonly result?: string;
  readonly resourceChanges?: object;
  readonly environment?: Readonly<Record<string, string>>;
}

async function changesOf(site: Site): Promise<object> {
  const log = execFileSync(
    "git",
    ["log", `--max-count=${CHANGES}`, "--format=%H%x09%cI%x09%s", "--", "tenants", "Pulumi.*.yaml"],
    { cwd: site.io.projectDir, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );
  const commits = log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [commit, at, ...subject] = line.split("\t");
      return { commit, at, subject: subject.join("\t") };
    });
  const updates = await perStack(site.stacks, async (stack) => {
    const history = await told<Update[]>(site, stack, [
      ...["stack", "history", "--json", "--page-size", String(CHANGES)],
    ]);
    return history.map(
      ({ version, kind, startTime, endTime, result, resourceChanges, environment = {} }) => ({
        ...{ version, kind, startTime, endTime, result, resourceChanges },
        commit: environment["git.head"] ?? null,
        clean: environment["git.dirty"] !== "true",
      }),
    );
  });
  return { commits, updates, approvers: "on the pull request of each commit" };
}

const tenantsOf = ({ tenants }: Report): object[] =>
  tenants.map(({ id, plan, placement, state, since, cell, region, ring, version, pinned, move }) => ({
    ...{ id, plan, placement, state, since, cell, region, ring, version, pinned, move },
  }));

const idsOf = ({ registry }: Site): string[] => allTenants(registry).map(({ entry }) => entry.id);

async function resourcesOf(site: Site, stack: Stack): Promise<object[]> {
  const { deployment } = await told<ExportedStack>(site, stack, ["stack", "export"]);
  const ids = idsOf(site);
  return (deployment.resources ?? [])
    .map(({ urn, type }) => ({ tenant: tenantOfUrn(urn, ids), type, urn }))
    .sort((a, b) => compareText(a.urn, b.urn));
}

async function isolationOf({ io }: Site, { cell }: Stack): Promise<object> {
  const cluster = new Cluster(cell.kubernetes.context, io.env);
  const listed = async (kind: string, label: string) =>
    (
      await cluster.listEverywhere<KubeObject & { readonly spec?: { readonly hard?: object } }>(kind, label)
    ).map(({ metadata: { name = "", namespace = "", labels = {} }, spec }) => ({
      ...{ name, namespace, tenant: labels[TENANT_LABEL] ?? null },
      ...(spec?.hard === undefined ? {} : { hard: spec.hard }),
      podSecurity: labels["pod-security.kubernetes.io/enforce"],
    }));
  const [namespaces, networkPolicies, quotas] = await Promise.all([
    listed("namespaces", CELL_LABEL),
    listed("networkpolicies", "app.kubernetes.io/managed-by=pulumi"),
    listed("resourcequotas", "app.kubernetes.io/managed-by=pulumi"),
  ]);
  return {
    ...{ namespaces, networkPolicies, quotas },
    databases: "psql -X -f ops/isolation-assert.sql; every restore drill asserts it besides",
  };
}

function encryptionOf({ stacks, report }: Site): object {
  return {
    cells: Object.fromEntries(
      stacks.map(({ name, cell: { database, backup, edge } }) => [
        name,
        { database: { sslmode: database.sslmode }, bucket: backup.encryption, issuer: edge.clusterIssuer },
      ]),
    ),
    certificates: report.sources.certificates.read
      ? report.tenants.flatMap(({ id, certificates = [] }) =>
          certificates.map((certificate) => ({ tenant: id, ...certificate })),
        )
      : `unknown: ${report.sources.certificates.why}`,
  };
}

/** The tenants that a bucket may hold something of. */
const provisioned = ({ registry }: Site, { cell }: Stack): RegisteredTenant[] =>
  allTenants(registry).filter(
    ({ entry }) => entry.state !== "deleted" && (entry.cell === undefined || entry.cell === cell.cell),
  );

async function ofEach<T>(
  tenants: readonly RegisteredTenant[],
  read: (id: string, prefix: string) => Promise<T>,
): Promise<Record<string, T>> {
  const found: Record<string, T> = {};
  for (const { entry } of tenants) found[entry.id] = await read(entry.id, backupPrefix(entry.id));
  return found;
}

/** Every backup that is in the bucket, by its manifest. */
async function backupsOf(site: Site, stack: Stack): Promise<object> {
  const { backupTimes, readManifest } = await import("../../ops/restore/select.ts");
  const store = await openBucket(stack.cell);
  return ofEach(provisioned(site, stack), async (id, prefix) => {
    const manifests = [];
    for (const time of await backupTimes(store, prefix)) {
      const { kind, startedAt, finishedAt, retainDays, source, database, files } = await readManifest(
        ...([store, id, prefix, time] as const),
      );
      const objects = [database, ...(files === null ? [] : [files])].map(({ key, bytes, sha256 }) => ({
        ...{ key, bytes, sha256 },
      }));
      manifests.push({ kind, startedAt, finishedAt, retainDays, snapshotAt: source.snapshotAt, objects });
    }
    return manifests;
  });
}

async function drillsOf(site: Site, stack: Stack): Promise<object> {
  const { drillHistory, readReport } = await import("../../ops/restore/report.ts");
  const store = await openBucket(stack.cell);
  return ofEach(provisioned(site, stack), async (_, prefix) => {
    const { success, failed } = await drillHistory(store, prefix);
    return {
      lastFailed: failed,
      lastSuccess: success === undefined ? null : await readReport(store, success),
    };
  });
}

async function deletionsOf(site: Site, stack: Stack): Promise<object> {
  const store = await openBucket(stack.cell);
  const gone = allTenants(site.registry).filter(({ entry }) => entry.state === "deleted");
  return ofEach(gone, async (id) => {
    const key = certificateKey(id);
    if ((await store.size(key)) === undefined) return null;
    return JSON.parse((await store.read(key)).toString("utf8")) as unknown;
  });
}

async function exportsOf(site: Site, stack: Stack): Promise<object> {
  const store = await openBucket(stack.cell);
  return ofEach(provisioned(site, stack), (_, prefix) => store.list(`${prefix}export/`));
}

function residencyOf({ registry, stacks, report }: Site): object[] {
  return report.tenants.map(({ id, region, cell }) => {
    const entry = allTenants(registry).find(({ entry: { id: other } }) => other === id);
    const homes = stacks.filter(
      (stack) => entry?.entry.cell === undefined || stack.cell.cell === entry.entry.cell,
    );
    return {
      ...{ tenant: id, region, cell },
      stacks: homes.map(({ name, cell: home }) => ({
        ...{ stack: name, region: home.region, bucket: home.backup.bucket },
      })),
    };
  });
}

async function serviceOf({ io, registry, prometheus, month }: Site): Promise<Gathered> {
  const from = "Prometheus";
  if (prometheus === undefined || month === undefined)
    return { from, why: "name them by --prometheus <url> and --month 2026-10" };
  return attempt(from, async () => {
    const asked = new Prometheus(prometheus, io.env);
    const reports = [];
    for (const { entry } of allTenants(registry)) {
      const { availability, p95Ms } = registry.catalogue.plans[entry.plan].slo;
      const subject = { tenant: entry.id, plan: entry.plan, objective: { availability, p95Ms } };
      if (entry.state !== "deleted") reports.push(await readSla(asked, subject, month, io.now()));
    }
    return reports;
  });
}

function accessOf({ io, registry }: Site): object {
  const file = join(io.projectDir, ".github/CODEOWNERS");
  return {
    codeOwners: existsSync(file) ? readFileSync(file, "utf8").split("\n") : null,
    rotations: Object.fromEntries(
      allTenants(registry).map(({ entry: { id, credentials } }) => [id, credentials.rotation]),
    ),
  };
}

/** Refuses to put evidence where other evidence is. */
export const occupied = (folder: string): Refusal =>
  new Refusal(`${folder} is not empty: evidence is not overwritten; name another --out`);
