import type { Input, Output, Resource } from "@pulumi/pulumi";
import { backupAccountName } from "../registry/naming.ts";
import type { AccessKeys } from "./accessKeys.ts";
import { createBucketAccount } from "./bucketAccount.ts";
import { backupPolicy, bucketFacts, oidcTrust, tenantAccounts } from "./cell/bucketPolicy.ts";
import { createRole } from "./cell/roles.ts";
import type { TenantScope } from "./scope.ts";

/** The bucket as a tenant finds it. */
export interface TenantBucket {
  /** The role that all tenants share, where the cell has one. */
  readonly roleArn?: Output<string>;
  /** What must be there before anything is written to the bucket. */
  readonly ready: readonly Resource[];
  /** The keys that it wants, where it wants such. */
  readonly keys: AccessKeys | undefined;
}

/** Where an account is. */
export interface AccountPlace {
  readonly namespace: Input<string>;
  /** The pool whose namespace it is, e.g. pool-starter. Default: the tenant's own. */
  readonly pool?: string;
}

/**
 * Makes the ServiceAccounts with which a tenant's Jobs use the bucket, one a namespace: whichever it is, the account's
 * name confines them to the tenant's prefix. Each call returns the name of one.
 */
export function backupAccounts(
  scope: TenantScope,
  { roleArn: shared, keys }: TenantBucket,
): (place: AccountPlace) => Output<string> {
  const { id } = scope.spec;
  const roleArn = ownRole(scope) ?? shared;
  return ({ namespace, pool }) => {
    const logicalName = `${id}-backup-account${pool === undefined ? "" : `-${pool}`}`;
    return createBucketAccount(scope, {
      logicalName,
      name: backupAccountName(id),
      namespace,
      roleArn,
      keys,
    });
  };
}

/** Roles for service accounts know no session tags, so each tenant has one of its own. */
function ownRole({ spec: { id }, cell, parent }: TenantScope): Output<string> | undefined {
  const { identity } = cell.backup;
  if (identity.kind !== "irsa") return undefined;
  const trust = oidcTrust(identity.oidcProviderArn, tenantAccounts(id));
  return createRole(`${id}-backup`, cell, { trust, policy: backupPolicy(bucketFacts(cell), id) }, { parent });
}
