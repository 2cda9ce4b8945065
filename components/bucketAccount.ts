import { PodIdentityAssociation } from "@pulumi/aws/eks/podIdentityAssociation.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { all, type Input, type Output, RunError } from "@pulumi/pulumi";
import { backupKeysSecretName } from "../registry/naming.ts";
import { ACCESS_KEYS } from "./bucketEnv.ts";
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
}

/**
 * A ServiceAccount that may use the bucket, and nothing else, in the way that the cell is configured for.
 * @returns its name, once it may
 */
export function createBucketAccount(
  { labels, cell, parent }: Scope,
  { logicalName, name, namespace, roleArn }: BucketAccountArgs,
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
      const { namespace: home, name: pattern } = identity.secret;
      const place = `${home}/${pattern.replaceAll("{id}", name)}`;
      const given = Secret.get(`${logicalName}-keys`, place, { parent });
      const secret = new Secret(
        `${logicalName}-keys-secret`,
        {
          metadata: { name: backupKeysSecretName(name), namespace, labels },
          data: given.data.apply((data) => accessKeys(data, place)),
        },
        { parent },
      );
      return all([created, secret.id]).apply(([text]) => text);
    }
    default:
      return identity satisfies never;
  }
}

/** The keys of a Secret that the platform keeps, in base64. */
function accessKeys(
  data: Readonly<Record<string, string>> | undefined,
  place: string,
): Record<string, string> {
  const keys = ACCESS_KEYS.map((key) => [key, data?.[key]] as const);
  const missing = keys.flatMap(([key, value]) => (value === undefined ? [key] : []));
  if (missing.length > 0) {
    throw new RunError(
      `Secret ${place} (warehouse:backup.identity.secret) has no ${missing.join(" and no ")}; add it`,
    );
  }
  return Object.fromEntries(keys) as Record<string, string>;
}

function known(account: string, roleArn: Input<string> | undefined): Input<string> {
  if (roleArn === undefined) throw new Error(`no role for ${account}`);
  return roleArn;
}
