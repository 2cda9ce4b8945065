import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { all, ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { backupPolicy, bucketFacts, podTrust, type Policy } from "./bucketPolicy.ts";
import type { CellConfig } from "./config.ts";

/** Roles of a cell are below a path of their own, by which whoever deploys it is confined. */
export const rolePath = ({ cell }: Pick<CellConfig, "cell">): string => `/warehouse/${cell}/`;

/** Who may be a role, and what it may do. */
export interface RoleArgs {
  readonly trust: Policy;
  readonly policy: Policy;
}

/**
 * A role with one policy.
 * @param name prefix of the logical names; AWS knows the role by it and random letters
 * @returns its ARN, once it may do something
 */
export function createRole(
  name: string,
  cell: CellConfig,
  { trust, policy }: RoleArgs,
  opts: ComponentResourceOptions,
): Output<string> {
  const role = new Role(
    `${name}-role`,
    { path: rolePath(cell), assumeRolePolicy: JSON.stringify(trust) },
    opts,
  );
  const granted = new RolePolicy(`${name}-policy`, { role: role.name, policy: JSON.stringify(policy) }, opts);
  return all([role.arn, granted.id]).apply(([arn]) => arn);
}

/** The role that all tenants share: a session's tags confine it to one of them. */
export class BackupRole extends ComponentResource {
  readonly arn: Output<string>;

  constructor(cell: CellConfig, opts: ComponentResourceOptions) {
    super("warehouse:tenancy:BackupRole", "backup-role", {}, opts);
    const policy = backupPolicy(bucketFacts(cell), undefined);
    this.arn = createRole("backup", cell, { trust: podTrust(), policy }, { parent: this });
    this.registerOutputs({});
  }
}
