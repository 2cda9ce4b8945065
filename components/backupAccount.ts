import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { Input, Output } from "@pulumi/pulumi";
import { backupAccountName } from "../registry/naming.ts";
import type { TenantScope } from "./scope.ts";

/** Where an account is. */
export interface AccountPlace {
  readonly namespace: Input<string>;
  /** The pool whose namespace it is, e.g. pool-starter. Default: the tenant's own. */
  readonly pool?: string;
}

/**
 * The ServiceAccount with which the tenant's Jobs in a namespace use the bucket, and nothing else: whichever the
 * namespace, its name confines them to the tenant's prefix.
 * @returns its name
 */
export function createBackupAccount(
  { spec, labels, parent }: TenantScope,
  { namespace, pool }: AccountPlace,
): Output<string> {
  const account = new ServiceAccount(
    `${spec.id}-backup-account${pool === undefined ? "" : `-${pool}`}`,
    {
      metadata: { name: backupAccountName(spec.id), namespace, labels },
      automountServiceAccountToken: false,
    },
    { parent },
  );
  return account.metadata.name;
}
