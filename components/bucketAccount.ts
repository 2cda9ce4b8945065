import { PodIdentityAssociation } from "@pulumi/aws/eks/podIdentityAssociation.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { all, type Input, type Output } from "@pulumi/pulumi";
import { backupKeysSecretName } from "../registry/naming.ts";
import type { AccessKeys } from "./accessKeys.ts";
import type { Scope } from "./scope.ts";

/** A ServiceAccount that may use the bucket. */
export interface BucketAccountArgs {
  /** Its logical name, e.g. acme-backup-account. */
  readonly logicalName: string;
  /** Its name, by which policies know it. */
  readonly name: string;
  readonly namespace: Input<string>;
  /** The role that it is; needed but where the bucket wants keys. */
  readonly roleArn: Input<string> | undefined;
  /** Where the bucket wants keys, they are from here. */
  readonly keys: AccessKeys | undefined;
}

/**
 * A ServiceAccount that may use the bucket, and nothing else, in the way that the cell is configured for.
 * @returns its name, once it may
 */
export function createBucketAccount(
  { labels, cell, parent }: Scope,
  { logicalName, name, namespace, roleArn, keys }: BucketAccountArgs,
): Output<string> {
  const { identity } = cell.backup;
  const annotations =
    identity.kind === "irsa" ? { "eks.amazonaws.com/role-arn": known(name, roleArn) } : undefined;
  const account = new ServiceAccount(
    logicalName,
    {
      metadata: { name, namespace, labels, ...(annotations === undefined ? {} : { annotations }) },
      automountServiceAccountToken: false,
    },
    { parent },
  );
  const created = account.metadata.name;
  switch (identity.kind) {
    case "podIdentity": {
      const association = new PodIdentityAssociation(
        logicalName,
        {
          clusterName: identity.cluster,
          namespace,
          serviceAccount: created,
          roleArn: known(name, roleArn),
        },
        { parent },
      );
      return all([created, association.id]).apply(([text]) => text);
    }
    case "irsa":
      return created;
    case "staticKeys": {
      const secret = new Secret(
        `${logicalName}-keys-secret`,
        {
          metadata: { name: backupKeysSecretName(name), namespace, labels },
          data: known(name, keys).of(name),
        },
        { parent },
      );
      return all([created, secret.id]).apply(([text]) => text);
    }
    default:
      return identity satisfies never;
  }
}

/** What the cell's kind of identity needs. */
function known<T>(account: string, part: T | undefined): T {
  if (part === undefined) throw new Error(`${account} has no way into the bucket`);
  return part;
}
