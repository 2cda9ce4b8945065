import { readFileSync } from "node:fs";
import { openBucket } from "../../components/cell/openBucket.ts";
import { METRICS } from "../../monitoring/metrics.ts";
import { utcTime } from "../../ops/backup/manifest.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { backupPrefix, TENANT_LABEL } from "../../registry/naming.ts";
import { appliedTenants } from "../../registry/records.ts";
import type {
  Applied,
  Backup,
  CertificateFact,
  Drill,
  Facts,
  LiveFacts,
  QuotaUse,
  Service,
} from "../../report/facts.ts";
import { readPreview } from "../../review/preview.ts";
import { resourceChanges } from "../../review/resources.ts";
import { Cluster, type KubeObject } from "../cluster.ts";
import type { Io } from "../io.ts";
import { stackOutputs, type Stack } from "../stack.ts";
import { allTenants } from "../workspace.ts";
import { Prometheus } from "./prometheus.ts";

/** What is asked, beyond the registry. */
export interface Places {
  /** The cells' stacks; their cluster and bucket follow from their configuration. */
  readonly stacks: readonly Stack[];
  /** Why there are none. */
  readonly noStacks: string;
  /** Files with the output of `pulumi refresh --preview-only --json`. */
  readonly drift: readonly string[];
  /** URL; undefined: none was named. */
  readonly prometheus: string | undefined;
}

/** Reads all that can be read, at once; what cannot says why. */
export async function collect(io: Io, registry: LoadedRegistry, places: Places): Promise<LiveFacts> {
  const { stacks, noStacks, drift, prometheus } = places;
  const ofStacks = <T>(
    from: string,
    read: (stack: Stack) => Promise<ReadonlyMap<string, T>>,
    placeOf: (stack: Stack) => string,
  ): Promise<Facts<T>> =>
    stacks.length === 0
      ? Promise.resolve(unknown(from, noStacks))
      : reading(io, `${from} ${stacks.map(placeOf).join(", ")}`, async () =>
          merged(await Promise.all(stacks.map(read))),
        );
  const context = ({ cell }: Stack): string => cell.kubernetes.context;
  const bucket = ({ cell }: Stack): string => cell.backup.bucket;
  const ids = allTenants(registry)
    .filter(({ entry }) => entry.state !== "deleted")
    .map(({ entry }) => entry.id);
  const [applied, stored, certificates, quotas, service] = await Promise.all([
    ofStacks(
      "outputs of stack",
      (stack) => appliedIn(io, stack),
      ({ name }) => name,
    ),
    ofStacks("bucket", (stack) => storedIn(stack, ids), bucket),
    ofStacks("cluster", (stack) => certificatesIn(io, stack), context),
    ofStacks("cluster", (stack) => quotasIn(io, stack), context),
    prometheus === undefined
      ? unknown<Service>("Prometheus", "name it by --prometheus <url>")
      : reading(io, "Prometheus", () => serviceIn(new Prometheus(prometheus, io.env), io.now())),
  ]);
  return {
    applied,
    backups: part(stored, ({ backup }) => backup),
    drills: part(stored, ({ drill }) => drill),
    certificates,
    quotas,
    drift:
      drift.length === 0
        ? unknown(
            "previews of a refresh",
            "name them by --drift: pulumi refresh --preview-only --json > drift.json",
          )
        : await reading(io, `files ${drift.join(", ")}`, () => Promise.resolve(driftIn(drift, ids))),
    service,
  };
}

const unknown = <T>(from: string, why: string): Facts<T> => ({
  source: { read: false, from, why },
  byTenant: new Map(),
});

/** What a reader finds; what it throws is why it is not known. */
async function reading<T>(
  io: Io,
  from: string,
  read: () => Promise<ReadonlyMap<string, T>>,
): Promise<Facts<T>> {
  try {
    const byTenant = await read();
    return {
      source: {
        read: true,
        from,
        at: utcTime(io.now()),
      },
      byTenant,
    };
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    const said = stderr === undefined || stderr.trim() === "" ? message : stderr;
    return unknown(from, said.trim().split("\n")[0] ?? "");
  }
}

const merged = <T>(maps: readonly ReadonlyMap<string, T>[]): ReadonlyMap<string, T> =>
  new Map(maps.flatMap((map) => [...map]));

/** The part of some facts that there is. */
const part = <T, P>({ source, byTenant }: Facts<T>, of: (value: T) => P | undefined): Facts<P> => ({
  source,
  byTenant: new Map(
    [...byTenant].flatMap(([id, value]) => {
      const found = of(value);
      return found === undefined ? [] : [[id, found] as const];
    }),
  ),
});

async function appliedIn(io: Io, { name }: Stack): Promise<ReadonlyMap<string, Applied>> {
  const outputs = await stackOutputs(io, name);
  const releases = (outputs["tenants"] ?? {}) as Readonly<Record<string, { readonly release?: string }>>;
  return new Map(
    appliedTenants(outputs).map(({ id, plan = "", state = "" }) => [
      id,
      { plan, state, release: releases[id]?.release ?? "" },
    ]),
  );
}

interface Stored {
  readonly backup: Backup | undefined;
  readonly drill: Drill | undefined;
}

/** The AWS SDK is slow to load, so only here. */
async function storedIn({ cell }: Stack, ids: readonly string[]): Promise<ReadonlyMap<string, Stored>> {
  const [{ backupTimes, readManifest }, { drillHistory, readReport }] = await Promise.all([
    import("../../ops/restore/select.ts"),
    import("../../ops/restore/report.ts"),
  ]);
  const store = await openBucket(cell);
  const found = new Map<string, Stored>();
  for (const id of ids) {
    const prefix = backupPrefix(id);
    const time = (await backupTimes(store, prefix)).at(-1);
    const { success } = await drillHistory(store, prefix);
    const manifest = time === undefined ? undefined : await readManifest(store, id, prefix, time);
    const report = success === undefined ? undefined : await readReport(store, success);
    found.set(id, {
      backup: manifest && {
        id: manifest.id,
        at: manifest.source.snapshotAt,
        bytes: manifest.database.bytes + (manifest.files?.bytes ?? 0),
      },
      drill: report && { at: report.finishedAt, seconds: report.seconds },
    });
  }
  return found;
}

const tenantOf = ({ metadata }: KubeObject): string => metadata.labels?.[TENANT_LABEL] ?? "";

interface Certificate extends KubeObject {
  readonly spec: { readonly dnsNames?: readonly string[] };
  readonly status?: { readonly notAfter?: string };
}

async function certificatesIn(
  { env }: Io,
  { cell }: Stack,
): Promise<ReadonlyMap<string, readonly CertificateFact[]>> {
  const cluster = new Cluster(cell.kubernetes.context, env);
  const found = new Map<string, CertificateFact[]>();
  for (const object of await cluster.listEverywhere<Certificate>(
    "certificates.cert-manager.io",
    TENANT_LABEL,
  )) {
    const { metadata, spec, status } = object;
    const fact = {
      name: metadata.name ?? "",
      hosts: spec.dnsNames ?? [],
      endsAt: status?.notAfter ?? null,
    };
    found.set(tenantOf(object), [...(found.get(tenantOf(object)) ?? []), fact]);
  }
  return found;
}

interface ResourceQuota extends KubeObject {
  readonly status?: {
    readonly hard?: Readonly<Record<string, string>>;
    readonly used?: Readonly<Record<string, string>>;
  };
}

async function quotasIn({ env }: Io, { cell }: Stack): Promise<ReadonlyMap<string, QuotaUse>> {
  const cluster = new Cluster(cell.kubernetes.context, env);
  const found = new Map<string, QuotaUse>();
  for (const object of await cluster.listEverywhere<ResourceQuota>("resourcequotas", TENANT_LABEL)) {
    const { hard = {}, used = {} } = object.status ?? {};
    const [fullest] = Object.entries(hard)
      // The volumes always fill their limit, which is made to measure.
      .filter(([resource]) => resource !== "requests.storage")
      .map(([resource, limit]) => useOf(resource, used[resource] ?? "0", limit))
      .sort((a, b) => b.share - a.share);
    if (fullest !== undefined) found.set(tenantOf(object), fullest);
  }
  return found;
}

function useOf(resource: string, used: string, hard: string): QuotaUse {
  const share = amountOf(used) / amountOf(hard);
  return { resource, used, hard, share: Number.isFinite(share) ? share : 0 };
}

const SUFFIXES: Readonly<Record<string, number>> = {
  ...{ "": 1, m: 0.001, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** The number that a quantity of the API server is, whoever wrote it; NaN of anything else. */
function amountOf(quantity: string): number {
  const [, digits = "NaN", suffix = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  return Number(digits) * (SUFFIXES[suffix] ?? Number.NaN);
}

/** Resources of each tenant that a refresh would change. */
function driftIn(files: readonly string[], ids: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const file of files) {
    for (const { tenant } of resourceChanges(readPreview(readFileSync(file, "utf8"), file), ids))
      if (tenant !== null) found.set(tenant, (found.get(tenant) ?? 0) + 1);
  }
  return found;
}

/** Availability and p95 of every tenant over the last 30 days. */
async function serviceIn(prometheus: Prometheus, now: Date): Promise<ReadonlyMap<string, Service>> {
  const { requests } = METRICS.application;
  const counted = (more: string): string => `sum by (tenant) (increase(${requests}_count${more}[30d]))`;
  const [all, failed, p95] = await Promise.all([
    prometheus.at(counted(""), now),
    prometheus.at(counted('{code=~"5.."}'), now),
    prometheus.at(`histogram_quantile(0.95, sum by (le, tenant) (increase(${requests}_bucket[30d])))`, now),
  ]);
  const byTenant = (series: typeof all): ReadonlyMap<string, number> =>
    new Map(series.map(({ labels, values }) => [labels["tenant"] ?? "", values[0]?.[1] ?? 0]));
  const [errors, quantiles] = [byTenant(failed), byTenant(p95)];
  return new Map(
    [...byTenant(all)]
      .filter(([, count]) => count > 0)
      .map(([id, count]) => [
        id,
        { availability: 1 - (errors.get(id) ?? 0) / count, p95Ms: (quantiles.get(id) ?? 0) * 1000 },
      ]),
  );
}
