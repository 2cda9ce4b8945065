import { Grant } from "@pulumi/postgresql/grant.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { createSeed } from "../login.ts";

/** Databases of the server itself, which every role could otherwise connect to. */
const SYSTEM_DATABASES = ["postgres", "template1"] as const;

/** Arguments of the DatabaseServer. */
export interface DatabaseServerArgs {
  /** Whether this cell closes the server's own databases: one of the cells that share it. */
  readonly isClosed: boolean;
}

/**
 * Closes the server's own databases to everyone but their owner. PUBLIC may connect to them by default, and
 * revoking it on tenants' databases does not reach them: access lists are not inherited from templates.
 * The platform's role must own both, as the master user does on RDS. The passwords of all
 * logins of the cell's tenants follow from one seed.
 */
export class DatabaseServer extends ComponentResource {
  readonly seed: Output<string>;

  constructor({ isClosed }: DatabaseServerArgs, opts: ComponentResourceOptions) {
    const name = "database-server";
    super("warehouse:tenancy:DatabaseServer", name, {}, opts);
    for (const database of isClosed ? SYSTEM_DATABASES : []) {
      new Grant(
        `${name}-${database}-public`,
        { database, role: "public", objectType: "database", privileges: [] },
        { parent: this },
      );
    }
    this.seed = createSeed(`${name}-password-seed`, this);
    this.registerOutputs({});
  }
}
