import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PLAN_NAMES } from "../../registry/catalogue.ts";
import { CELL_SIZE } from "../../registry/cells.ts";
import { checkSchema, parseSource, type SourceDocument } from "../../registry/document.ts";
import type { Checked, Issue } from "../../registry/issues.ts";
import { QUALIFIER, QUALIFIER_LENGTH } from "../../registry/naming.ts";
import { backupSchema } from "./backupConfig.ts";
import { cidr, name, regionName, text } from "./configFields.ts";

const host = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$|^\[[0-9a-fA-F:]+\]$/, "is no host name or address");

const acmeChallenge = z
  .enum(["dns01", "http01"], { error: 'must be "dns01" or "http01"' })
  .default("dns01")
  .describe(
    "How the ClusterIssuer lets hosts prove themselves: by DNS, or by HTTP, for which cert-manager runs a pod beside the certificate.",
  );

const clusterIssuer = name
  .default("letsencrypt-prod")
  .describe("ClusterIssuer for the certificates of custom domains; in mode ingress for every tenant's.");

const edge = z
  .discriminatedUnion(
    "mode",
    [
      z.strictObject({
        mode: z.literal("gateway").describe("Gateway API, or Ingress for clusters without it."),
        gateway: z
          .strictObject({ name: name.describe("Its name."), namespace: name.describe("Its namespace.") })
          .describe(
            "The shared Gateway; its `https` listener holds the wildcard certificate of the base domain.",
          ),
        clusterIssuer,
        acmeChallenge,
      }),
      z.strictObject({
        mode: z.literal("ingress"),
        ingressClass: name.describe("Class of the tenants' Ingresses."),
        controllerNamespace: name.describe("Namespace of the controller's pods, for the NetworkPolicy."),
        clusterIssuer,
        acmeChallenge,
      }),
    ],
    { error: 'needs mode "gateway" or "ingress"' },
  )
  .describe("How tenants' hosts are served.");

const nodeChoice = z.strictObject({
  runtimeClass: name
    .optional()
    .describe("RuntimeClass of the cluster, e.g. of gVisor or Kata. Default: the cluster's own."),
  dedicated: z
    .boolean()
    .default(false)
    .describe(
      "Nodes of their own, with label and taint (NoSchedule) `tenantstack.io/dedicated`: the plan, or the id.",
    ),
});

const TENANTS_RANGE = `must be a number from 1 to ${CELL_SIZE.most}`;

/** What `Pulumi.<stack>.yaml` says of a cell, keys without `warehouse:`. */
export const cellSchema = z.strictObject({
  cell: name.describe("Name of the cell: one stack, one group of tenants."),
  region: regionName.default("us-west-2").describe("AWS region of the bucket and of the tenants."),
  baseDomain: z
    .string()
    .regex(
      /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63}$/,
      'is no domain; write e.g. "yourwarehousesaas.com"',
    )
    .describe("The platform's domain: tenants get `{id}.{baseDomain}`."),
  kubernetes: z
    .strictObject({
      context: text.describe(
        "Context in the kubeconfig; the program never uses the current one by accident.",
      ),
    })
    .describe("The cluster."),
  database: z
    .strictObject({
      host: host.describe("Host name or address."),
      port: z.int().min(1, "must be 1–65535").max(65535, "must be 1–65535").default(5432).describe("Port."),
      user: text.describe("The platform's role: CREATEDB and CREATEROLE, no superuser."),
      sslmode: z
        .enum(["disable", "require", "verify-ca", "verify-full"])
        .default("verify-full")
        .describe("How the connection is protected, as libpq has it."),
    })
    .describe("The PostgreSQL server."),
  aws: z
    .strictObject({
      endpoint: z
        .url({ error: "is no URL" })
        .optional()
        .describe("An S3-compatible endpoint in place of AWS; path-style addressing. Default: AWS itself."),
    })
    .prefault({})
    .describe("How AWS is reached."),
  backup: backupSchema.describe("Where backups go, and who may write them."),
  operations: z
    .stringbool({ truthy: ["true"], falsy: ["false"] })
    .default(true)
    .describe(
      "Whether this cell has what its cluster and database server have once: drills and restores (namespace and role `warehouse_ops`), and the closing of the server's own databases. Exactly one of the cells that share both. Default: true.",
    ),
  qualifier: z
    .string()
    .regex(QUALIFIER, "must be lower-case words of letters and digits joined by single hyphens")
    .max(QUALIFIER_LENGTH, `must be at most ${QUALIFIER_LENGTH} characters`)
    .default("")
    .describe(
      "Completes the names of what the cell has once: pools, shared database. Of the cells that share a cluster or a database server each has another; it never changes once the cell has a pool. Default: empty.",
    ),
  maxTenants: z.coerce
    .number()
    .pipe(z.int(TENANTS_RANGE).min(1, TENANTS_RANGE).max(CELL_SIZE.most, TENANTS_RANGE))
    .default(CELL_SIZE.most)
    .describe(`Most tenants of the cell, 1–${CELL_SIZE.most}.`),
  edge,
  network: z
    .strictObject({
      clusterCidrs: z
        .array(cidr)
        .min(1, "must name at least one range")
        .describe("The cluster's own ranges (pods, services, nodes): tenants reach none of them."),
      databaseCidrs: z
        .array(cidr)
        .min(1, "must name at least one range")
        .describe("Where the database server listens."),
      storageCidrs: z
        .array(cidr)
        .default([])
        .describe("Where an S3-compatible endpoint listens that is not on the public internet."),
      monitoringNamespace: name
        .default("monitoring")
        .describe("Namespace of Prometheus, which scrapes the tenants."),
      certManagerNamespace: name
        .default("cert-manager")
        .describe("Namespace of cert-manager, which alone may ask for certificates."),
    })
    .describe("What tenants may reach, and who may reach them."),
  nodes: z
    .strictObject({
      plans: z.partialRecord(z.enum(PLAN_NAMES), nodeChoice).default({}).describe("By plan."),
      tenants: z.record(name, nodeChoice).default({}).describe("By tenant, which counts before its plan."),
    })
    .prefault({})
    .describe("Nodes and runtimes of tenants with pods of their own."),
  storage: z
    .strictObject({
      uploadsClass: name.describe(
        "StorageClass of the uploads volumes; ReadWriteMany, reclaim policy Retain.",
      ),
    })
    .describe("Volumes."),
});

/** Typed configuration of a cell: `Pulumi.<stack>.yaml`, keys `warehouse:…`. */
export type CellConfig = z.output<typeof cellSchema>;

const PREFIX = "warehouse:";
/** A value that an operator must still fill in. */
const UNFILLED = /<fill in: ([^>]*)>/;

/**
 * Validates the raw configuration of the stack; every issue at its place in the stack's file.
 * @param raw full key → value as the engine passes it (objects as JSON), secrets left out
 */
export function checkCellConfig(
  raw: Readonly<Record<string, string>>,
  projectDir: string,
  stack: string,
): Checked<CellConfig> {
  const value: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(raw)) {
    if (key.startsWith(PREFIX)) value[key.slice(PREFIX.length)] = parseValue(text);
  }
  const source = sourceOf(value, projectDir, `Pulumi.${stack}.yaml`);
  const unfilled = unfilledValues(source, value);
  return unfilled.length > 0 ? { ok: false, issues: unfilled } : checkSchema(source, cellSchema);
}

/** An issue at a place of the stack's configuration. */
export const configIssue = (
  projectDir: string,
  stack: string,
  path: readonly string[],
  message: string,
): Issue => sourceOf({}, projectDir, `Pulumi.${stack}.yaml`).issue(path, message, "key");

/** Objects arrive as JSON; anything else stays the text it is. */
function parseValue(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The configuration as a document whose issues point into the stack's file, where there is one. */
function sourceOf(value: unknown, projectDir: string, file: string): SourceDocument {
  const noPlace: SourceDocument = {
    file,
    value,
    issue: (path, message) => ({ file, subject: subjectOf(path), message }),
  };
  let content: string;
  try {
    content = readFileSync(join(projectDir, file), "utf8");
  } catch {
    return noPlace; // Given by --config-file or environment: there is no place to point to.
  }
  const parsed = parseSource(file, content);
  if (!parsed.ok) return noPlace;
  return {
    file,
    value,
    issue: ([key, ...rest], message, at) => {
      const path = key === undefined ? ["config"] : ["config", `${PREFIX}${String(key)}`, ...rest];
      return {
        ...parsed.value.issue(path, message, at),
        subject: subjectOf(key === undefined ? [] : [key, ...rest]),
      };
    },
  };
}

const subjectOf = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? "config" : `${PREFIX}${path.map(String).join(".")}`;

function unfilledValues(source: SourceDocument, value: unknown, path: readonly PropertyKey[] = []): Issue[] {
  if (typeof value === "string") {
    const what = UNFILLED.exec(value)?.[1];
    return what === undefined ? [] : [source.issue(path, `is still to be filled in: ${what}`)];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => unfilledValues(source, child, [...path, key]));
}
