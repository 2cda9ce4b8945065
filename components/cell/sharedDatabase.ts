import { Database } from "@pulumi/postgresql/database.js";
import { Grant } from "@pulumi/postgresql/grant.js";
import { Role } from "@pulumi/postgresql/role.js";
import { Schema } from "@pulumi/postgresql/schema.js";
import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import { SCHEMA, sharedDatabaseName, sharedNamespace, sharedRoles } from "../../registry/naming.ts";
import { namespaceQuota } from "../../registry/quota.ts";
import type { Release } from "../../registry/spec.ts";
import { applicationLogin } from "../applicationLogin.ts";
import { scratchMounts } from "../application.ts";
import type { SharedRoles } from "../database.ts";
import { createJob, FINAL_EXIT_CODES, loginEnv } from "../job.ts";
import { createCredentials, createLogin, createSeed, type LoginRef } from "../login.ts";
import { createNamespace } from "../namespace.ts";
import { createNetworkPolicies, JOBS_ONLY } from "../network.ts";
import { createQuota } from "../quota.ts";
import type { NamespacedScope } from "../scope.ts";
import type { CellConfig } from "./config.ts";

/** Connections to the database in all, and of the Jobs that look after it. */
const CONNECTIONS = { database: 40, migrate: 3 } as const;

/** The Secret with the credentials of those Jobs. */
const MIGRATE_SECRET = "warehouse-shared-migrate-secret";

/** Arguments of the SharedDatabase. */
export interface SharedDatabaseArgs {
  readonly cell: CellConfig;
  readonly foundation: readonly Resource[];
  /** The version of the application that the pools run, which brings the tables. */
  readonly release: Release;
}

/**
 * The database that the tenants of placement pool share under row-level security. Three Jobs make it ready, in a
 * namespace that no tenant's pod runs in: the bootstrap (ops/pool/), the application's migrations, and the check that
 * every table is covered. Pulumi makes the roles, so that no credential that could make roles enters the cluster.
 */
export class SharedDatabase extends ComponentResource implements SharedRoles {
  readonly readWrite: Output<string>;
  readonly readOnly: Output<string>;
  readonly ready: Resource;

  constructor({ cell, foundation, release }: SharedDatabaseArgs, opts: ComponentResourceOptions) {
    const name = "shared-database";
    super("warehouse:tenancy:SharedDatabase", name, {}, opts);
    const labels = { "app.kubernetes.io/managed-by": "pulumi", "tenantstack.io/shared": "database" };
    const outer = { name, labels, cell, foundation, parent: this };
    const scope = { ...outer, namespace: createNamespace(outer, sharedNamespace(cell.qualifier)) };
    const guards = [
      ...createQuota(scope, namespaceQuota(undefined, 0)),
      ...createNetworkPolicies(scope, JOBS_ONLY),
    ];

    const databaseName = sharedDatabaseName(cell.qualifier);
    const roles = sharedRoles(databaseName);
    const role = (suffix: string, roleName: string) =>
      new Role(`${name}-${suffix}`, { name: roleName, login: false }, { parent: this });
    const owner = role("owner", roles.owner);
    const readWrite = role("rw", roles.readWrite);
    const readOnly = role("ro", roles.readOnly);
    const seed = createSeed(`${name}-migrate-password`, this);
    const migrate = createLogin({ ...outer, seed }, "migrate", roles.migrate, {
      connectionLimit: CONNECTIONS.migrate,
      roles: [owner.name],
      assumeRole: owner.name,
    });
    const database = new Database(
      name,
      { name: databaseName, template: "template0", connectionLimit: CONNECTIONS.database },
      { parent: this, protect: true, dependsOn: [owner, readWrite, readOnly] },
    );
    // In turn: at once they fail with "tuple concurrently updated".
    let last: Resource = database;
    for (const [suffix, grantee, privileges] of [
      ["public", "public", []],
      ["owner", owner.name, ["CONNECT", "CREATE"]],
      ["rw", readWrite.name, ["CONNECT", "TEMPORARY"]],
      ["ro", readOnly.name, ["CONNECT"]],
    ] as const) {
      last = new Grant(
        `${name}-connect-${suffix}`,
        { database: database.name, role: grantee, objectType: "database", privileges: [...privileges] },
        { parent: this, dependsOn: [last], deletedWith: database },
      );
    }
    const schema = new Schema(
      `${name}-schema`,
      { name: SCHEMA, database: database.name, owner: owner.name },
      { parent: this, dependsOn: [last], deletedWith: database },
    );
    const secret = createCredentials(
      scope,
      { suffix: "migrate-secret", name: MIGRATE_SECRET },
      [{ prefix: "", login: migrate, database: databaseName }],
      [schema],
    );
    this.ready = createJobs(scope, release, { secret, prefix: "" }, guards);
    this.readWrite = readWrite.name;
    this.readOnly = readOnly.name;
    this.registerOutputs({});
  }
}

/** Bootstrap, migrations and check, one after the other; returns the last. */
function createJobs(
  scope: NamespacedScope,
  release: Release,
  login: LoginRef,
  guards: readonly Resource[],
): Resource {
  const operation = (name: string, command: string, after: readonly Resource[]) =>
    createJob(scope, {
      name,
      container: { image: scope.cell.backup.image, args: [command], env: loginEnv(scope, login) },
      finalExitCodes: FINAL_EXIT_CODES,
      deadlineSeconds: 600,
      after,
    });
  const bootstrap = operation("warehouse-bootstrap", "pool-bootstrap", guards);
  const { env, mounts } = applicationLogin(release, login, scratchMounts());
  const migrations = createJob(scope, {
    name: "warehouse-migrations",
    container: {
      image: release.image,
      command: ["php", "/var/www/html/scripts/init-customer.php", "--shared"],
      env,
      volumeMounts: mounts.volumeMounts,
    },
    volumes: mounts.volumes,
    deadlineSeconds: 900,
    after: [bootstrap],
  });
  return operation("warehouse-check", "pool-check", [migrations]);
}
