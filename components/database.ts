import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Database } from "@pulumi/postgresql/database.js";
import { DefaultPrivileges } from "@pulumi/postgresql/defaultPrivileges.js";
import { Grant } from "@pulumi/postgresql/grant.js";
import { Role } from "@pulumi/postgresql/role.js";
import { Schema } from "@pulumi/postgresql/schema.js";
import { interpolate, type Input, type Output, type Resource } from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import {
  backupSecretName,
  databaseName,
  databaseSecretName,
  migrateSecretName,
  roleNames,
  SCHEMA,
  tenantLabels,
} from "../registry/naming.ts";
import type { NamespacedScope } from "./scope.ts";

/** Names of the Secrets with a tenant's credentials; each is known once its login can be used. */
export interface DatabaseSecrets {
  readonly app: Output<string>;
  readonly migrate: Output<string>;
  readonly backup: Output<string>;
}

interface Login {
  readonly role: Role;
  readonly password: Output<string>;
}

/**
 * The tenant's database, its roles and its credentials. The database belongs to the platform's role and the
 * schema to a role nobody logs in with: a login that owns either could grant PUBLIC access, lift its own limit
 * or drop the database. PUBLIC can connect nowhere.
 *
 * | role            | login | may |
 * |-----------------|-------|-----|
 * | `…_owner`       | no    | own the schema |
 * | `…_rw`          | no    | read and write rows |
 * | `…_app_a`, `_b` | yes   | what `…_rw` may; the application, which uses one of the two |
 * | `…_migrate`     | yes   | act as `…_owner`; the init Job |
 * | `…_backup`      | yes   | read rows; the backup Job |
 */
export function createDatabase(scope: NamespacedScope): DatabaseSecrets {
  const { spec, parent } = scope;
  const { id } = spec;
  const names = roleNames(id);
  const child = { parent };

  const owner = new Role(`${id}-owner`, { name: names.owner, login: false }, child);
  const readWrite = new Role(`${id}-rw`, { name: names.readWrite, login: false }, child);
  const app = createAppLogin(scope, readWrite.name);
  const migrate = createLogin(scope, "migrate", names.migrate, {
    connectionLimit: spec.connections.migrate,
    roles: [owner.name],
    assumeRole: owner.name,
  });
  const backup = createLogin(scope, "backup", names.backup, { connectionLimit: spec.connections.backup });

  const database = new Database(
    `${id}-database`,
    { name: databaseName(id), template: "template0", connectionLimit: spec.connections.database },
    { parent, protect: true },
  );

  // Grants in one database run one after the other: at once they fail with "tuple concurrently updated".
  let last: Resource = database;
  const inTurn = <T extends Resource>(
    create: (opts: { parent: Resource; dependsOn: Resource[] }) => T,
  ): T => {
    const resource = create({ parent, dependsOn: [last] });
    last = resource;
    return resource;
  };
  const onDatabase = (suffix: string, role: Input<string>, privileges: string[]) =>
    inTurn(
      (opts) =>
        new Grant(
          `${id}-${suffix}`,
          { database: database.name, role, objectType: "database", privileges },
          opts,
        ),
    );

  onDatabase("connect-public", "public", []);
  onDatabase("connect-rw", readWrite.name, ["CONNECT", "TEMPORARY"]);
  onDatabase("connect-owner", owner.name, ["CONNECT"]);
  onDatabase("connect-backup", backup.role.name, ["CONNECT"]);

  const schema = inTurn(
    (opts) => new Schema(`${id}-schema`, { name: SCHEMA, database: database.name, owner: owner.name }, opts),
  );
  const inSchema = { database: database.name, schema: schema.name };
  const readers = [
    {
      suffix: "rw",
      role: readWrite.name,
      tables: ["DELETE", "INSERT", "SELECT", "UPDATE"],
      sequences: ["SELECT", "USAGE"],
    },
    { suffix: "backup", role: backup.role.name, tables: ["SELECT"], sequences: ["SELECT"] },
  ];
  for (const { suffix, role, tables, sequences } of readers) {
    inTurn(
      (opts) =>
        new Grant(
          `${id}-usage-${suffix}`,
          { ...inSchema, role, objectType: "schema", privileges: ["USAGE"] },
          opts,
        ),
    );
    for (const [objectType, privileges] of [
      ["table", tables],
      ["sequence", sequences],
    ] as const) {
      inTurn(
        (opts) =>
          new DefaultPrivileges(
            `${id}-${objectType}s-${suffix}`,
            { ...inSchema, owner: owner.name, role, objectType, privileges },
            opts,
          ),
      );
    }
  }

  const secret = (suffix: string, name: string, login: Login) =>
    createSecret(scope, suffix, name, login, last);
  return {
    app: secret("db-secret", databaseSecretName(id), app),
    migrate: secret("db-migrate-secret", migrateSecretName(id), migrate),
    backup: secret("db-backup-secret", backupSecretName(id), backup),
  };
}

/**
 * The application's login. Two roles alternate: raising `credentials.rotation` gives the idle one a new password and
 * leads the next pods to it, while those that still run keep the other. So nobody is ever locked out, and an old
 * password dies at the next but one rotation.
 */
function createAppLogin(scope: NamespacedScope, readWrite: Output<string>): Login {
  const { id, connections, credentials } = scope.spec;
  const { rotation } = credentials;
  const names = roleNames(id);
  const args = { connectionLimit: connections.app, roles: [readWrite] };
  const odd = rotation % 2 === 1;
  const even = createLogin(scope, "app-a", names.appA, args, odd ? rotation - 1 : rotation);
  const other = createLogin(scope, "app-b", names.appB, args, odd ? rotation : Math.max(1, rotation - 1));
  return odd ? other : even;
}

/**
 * A role that logs in, with a generated password of letters and digits: nothing to escape in a URL.
 * @param generation another one makes another password
 */
function createLogin(
  { spec, parent }: NamespacedScope,
  purpose: string,
  name: string,
  args: { connectionLimit: number; roles?: Output<string>[]; assumeRole?: Output<string> },
  generation = 0,
): Login {
  const { result: password } = new RandomPassword(
    `${spec.id}-${purpose}-password`,
    { length: 32, special: false, keepers: { generation: String(generation) } },
    { parent },
  );
  const role = new Role(
    `${spec.id}-${purpose}`,
    { ...args, name, password, login: true, searchPaths: [SCHEMA] },
    { parent },
  );
  return { role, password };
}

/** The Secret a pod logs in with. It waits for the last grant, so that who reads it finds a working login. */
function createSecret(
  { spec, cell, parent, namespace }: NamespacedScope,
  suffix: string,
  name: string,
  { role, password }: Login,
  ready: Resource,
): Output<string> {
  const { host, port, sslmode } = cell.database;
  const database = databaseName(spec.id);
  const secret = new Secret(
    `${spec.id}-${suffix}`,
    {
      metadata: { name, namespace, labels: tenantLabels(spec.id) },
      stringData: {
        username: role.name,
        password,
        host,
        port: String(port),
        name: database,
        url: interpolate`postgres://${role.name}:${password}@${host}:${port}/${database}?sslmode=${sslmode}`,
      },
    },
    { parent, dependsOn: [ready], additionalSecretOutputs: ["stringData", "data"] },
  );
  return secret.metadata.name;
}
