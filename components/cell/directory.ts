import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import type { Output } from "@pulumi/pulumi";
import { REGISTRY_FILE } from "../../registry/files.ts";
import type { Issue } from "../../registry/issues.ts";
import { DIRECTORY, poolName, roleNames } from "../../registry/naming.ts";
import type { TenantSpec } from "../../registry/spec.ts";
import { features } from "../app.ts";
import { databaseUrl, PASSWORD_LENGTH } from "../login.ts";
import type { NamespacedScope } from "../scope.ts";
import type { CellConfig } from "./config.ts";

/** A tenant of a pool, and the URL of its database. */
export interface DirectoryEntry {
  readonly spec: TenantSpec;
  readonly databaseUrl: Output<string>;
}

/**
 * The Secret that tells a pool's application its tenants: one key a host, whose value is JSON with `tenantId`,
 * `databaseUrl` and the features by the names of the environment. It is mounted, and changes in place: the kubelet
 * brings it to the pods within about a minute, none of which restarts. Tenants that are not served are not in it.
 * @param unregistered tenants whose keys stay as they are: what they follow from may not have been brought about
 */
export function createDirectory(
  { name, labels, parent, namespace }: NamespacedScope,
  entries: readonly DirectoryEntry[],
  unregistered: readonly TenantSpec[],
): void {
  const data = Object.fromEntries(
    entries
      .filter(({ spec }) => spec.serving)
      .flatMap(({ spec, databaseUrl: url }) => {
        const value = url.apply((known) => base64(entryOf(spec, known)));
        return hostsOf(spec).map((host) => [host, value] as const);
      }),
  );
  const kept = unregistered.flatMap(hostsOf).map((host) => `data[${JSON.stringify(host)}]`);
  new Secret(
    `${name}-directory`,
    // `stringData` would only ever add keys.
    { metadata: { name: DIRECTORY, namespace, labels }, data },
    { parent, additionalSecretOutputs: ["data"], ignoreChanges: kept },
  );
}

/** What a Secret may hold. */
export const MAX_DIRECTORY_BYTES = 2 ** 20;

/**
 * Whether the directory of each pool fits into a Secret, before anything is made.
 * @param limit bytes
 */
export function directoryIssues(
  tenants: readonly TenantSpec[],
  cell: CellConfig,
  limit = MAX_DIRECTORY_BYTES,
): Issue[] {
  const pooled = Map.groupBy(
    tenants.filter(({ placement }) => placement !== "silo"),
    ({ plan }) => plan,
  );
  return [...pooled].flatMap(([plan, members]) => {
    const bytes = members.reduce((total, spec) => total + entryBytes(spec, cell), 0);
    return bytes <= limit
      ? []
      : [
          {
            file: REGISTRY_FILE,
            subject: poolName(plan, cell.qualifier),
            message: `has ${members.length} tenants, whose directory takes ${bytes} bytes of the ${limit} that a Secret holds; new ones need another cell`,
          },
        ];
  });
}

/** Bytes of a tenant in the directory: every generated password has the same length. */
function entryBytes(spec: TenantSpec, cell: CellConfig): number {
  const url = databaseUrl(
    cell.database,
    roleNames(spec.id).appA,
    "x".repeat(PASSWORD_LENGTH),
    roleNames(spec.id).owner, // Longer than either database.
  );
  const value = Buffer.byteLength(entryOf(spec, url));
  // The API server keeps the names of keys once more, as what the program owns.
  return hostsOf(spec).reduce((total, host) => total + value + 2 * host.length, 0);
}

const hostsOf = ({ host, customHosts }: TenantSpec): string[] => [host, ...customHosts];

const entryOf = (spec: TenantSpec, databaseUrl: string): string =>
  JSON.stringify({ tenantId: spec.id, databaseUrl, features: features(spec) });

const base64 = (text: string): string => Buffer.from(text).toString("base64");
