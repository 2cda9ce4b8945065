import { Database } from "@pulumi/postgresql/database.js";
import { DefaultPrivileges } from "@pulumi/postgresql/defaultPrivileges.js";
import { Grant } from "@pulumi/postgresql/grant.js";
import { Role } from "@pulumi/postgresql/role.js";
import { Schema } from "@pulumi/postgresql/schema.js";
import type { Input, Output, Resource } from "@pulumi/pulumi";
import {
  backupSecretName,
  databaseName,
  databaseSecretName,
  migrateSecretName,
  moveSecretName,
  roleNames,
  SCHEMA,
  SHARED,
} from "../registry/naming.ts";
import { hasOwnDatabase } from "../registry/placement.ts";
import { keepsData, type TenantSpec } from "../registry/spec.ts";
import { createLogin, createLoginSecret, type Login, type LoginSecret } from "./login.ts";
import type { TenantScope } from "./scope.ts";

/** The database that tenants share. */
export interface SharedRoles {
  readonly readWrite: Output<string>;
  readonly readOnly: Output<string>;
  /** There once row-level security covers every table of the present version; no tenant enters before. */
  readonly ready: Resource;
}

/** A tenant's credentials. */
export interface TenantDatabase {
  readonly app: LoginSecret;
  readonly migrate: LoginSecret;
  readonly backup: LoginSecret;
  /** The migration login's way into the database of its own that the tenant is about to move to. Default: none. */
  readonly target?: LoginSecret;
  /** What decides which database the application can enter. */
  readonly access: readonly Resource[];
}

/** Which databases hold data of the tenant, and whether the application may enter. */
interface Holdings {
  /** The database that serves. */
  readonly served: "own" | "shared";
  readonly own: boolean;
  readonly shared: boolean;
  /** Nobody writes while data is copied for the last time, or when the tenant leaves. */
  readonly frozen: boolean;
  /** The own database holds a copy only, which may go. */
  readonly disposable: boolean;
}

function holdingsOf({ placement, move, leaving }: TenantSpec): Holdings {
  const served = hasOwnDatabase(placement) ? "own" : "shared";
  const both = move !== undefined && hasOwnDatabase(move.other.placement) !== hasOwnDatabase(placement);
  return {
    served,
    own: served === "own" || both,
    shared: served === "shared" || both,
    frozen: move?.phase === "cutover" || leaving !== undefined,
    disposable: both && served === "shared" && ["prepare", "sync", "cleanup"].includes(move.phase),
  };
}

/**
 * The tenant's roles, its credentials and, unless it shares one, its database. The database belongs to the platform's
 * role and the schema to a role nobody logs in with: a login that owns either could grant PUBLIC access, lift its own
 * limit or drop the database. PUBLIC can connect nowhere.
 *
 * | role            | login | may |
 * |-----------------|-------|-----|
 * | `…_owner`       | no    | own the schema of the own database |
 * | `…_rw`          | no    | read and write rows; in the shared database the tenant's |
 * | `…_app_a`, `_b` | yes   | what `…_rw` may; the application, which uses one of the two |
 * | `…_migrate`     | yes   | act as `…_owner`, or what `…_rw` may in the shared database; the init Job |
 * | `…_backup`      | yes   | read rows; the backup Job |
 *
 * During a move between the two kinds both are there; the application can enter the one that serves, and none while
 * the move cuts over.
 * @param shared roles of the shared database, for a tenant that has data in it
 * @param backupNamespace where the backup runs, for its Secret
 * @param opened what must be done before the application may enter
 */
export function createDatabase(
  scope: TenantScope,
  shared: SharedRoles | undefined,
  backupNamespace: Input<string>,
  opened: readonly Resource[],
): TenantDatabase {
  const { spec, parent, prefix } = scope;
  const { id, connections, move } = spec;
  const names = roleNames(id);
  const holdings = holdingsOf(spec);
  const inShared = (role: "readWrite" | "readOnly"): Output<string>[] => {
    if (shared === undefined) throw new Error(`${id} has data in the shared database, which is not there`);
    return [shared[role]];
  };
  const enters = holdings.served === "shared" && !holdings.frozen;

  const readWrite = new Role(
    `${id}-rw`,
    { name: names.readWrite, login: false, roles: enters ? inShared("readWrite") : [] },
    { parent, dependsOn: [prefix, ...opened, ...(enters && shared !== undefined ? [shared.ready] : [])] },
  );
  const app = createAppLogins(scope, readWrite.name);
  const owner =
    holdings.own || holdings.frozen
      ? new Role(
          `${id}-owner`,
          // The rows that move or go are the owner's to read and write on both sides.
          { name: names.owner, login: false, roles: holdings.shared ? inShared("readWrite") : [] },
          { parent, dependsOn: [prefix] },
        )
      : undefined;
  const migrate = createLogin(scope, "migrate", names.migrate, {
    connectionLimit: connections.migrate,
    ...(owner === undefined
      ? { roles: [readWrite.name] }
      : {
          // To end the application's sessions it must be a member of their logins.
          roles: [owner.name, ...(holdings.frozen ? app.logins.map(({ role }) => role.name) : [])],
          assumeRole: owner.name,
        }),
  });
  const backup = createLogin(scope, "backup", names.backup, {
    connectionLimit: connections.backup,
    roles: holdings.served === "shared" ? inShared("readOnly") : [],
  });

  const last =
    owner === undefined || !holdings.own
      ? readWrite
      : createOwnDatabase(scope, holdings, { owner, readWrite, backup: backup.role }, opened);
  const secret = (
    suffix: string,
    name: string,
    login: Login,
    database: string,
    namespace = scope.namespace,
  ): LoginSecret => createLoginSecret({ ...scope, namespace }, suffix, name, login, database, last);
  const serving = holdings.served === "own" ? databaseName(id) : SHARED.database;
  // Its schema follows the release up to the last copy.
  const isTarget =
    holdings.own &&
    (holdings.served === "shared"
      ? move?.phase !== "cleanup" && move?.phase !== "soak"
      : holdings.shared && holdings.frozen);
  return {
    app: secret("db-secret", databaseSecretName(id), app.current, serving),
    migrate: secret("db-migrate-secret", migrateSecretName(id), migrate, serving),
    backup: secret("db-backup-secret", backupSecretName(id), backup, serving, backupNamespace),
    ...(isTarget ? { target: secret("db-move-secret", moveSecretName(id), migrate, databaseName(id)) } : {}),
    access: [readWrite, migrate.role, last],
  };
}

/** The database of one tenant alone; returns the last of its grants. */
function createOwnDatabase(
  { spec, parent }: TenantScope,
  { served, frozen, disposable }: Holdings,
  { owner, readWrite, backup }: { owner: Role; readWrite: Role; backup: Role },
  opened: readonly Resource[],
): Resource {
  const { id, connections } = spec;
  const database = new Database(
    `${id}-database`,
    { name: databaseName(id), template: "template0", connectionLimit: connections.database },
    // A role goes after the database that knows it.
    { parent, protect: !disposable && keepsData(spec), dependsOn: [owner, readWrite, backup] },
  );

  // Grants in one database run one after the other: at once they fail with "tuple concurrently updated".
  let last: Resource = database;
  const inTurn = <T extends Resource>(
    create: (opts: { parent: Resource; dependsOn: Resource[]; deletedWith: Resource }) => T,
    after: readonly Resource[] = [],
  ): T => {
    const resource = create({ parent, dependsOn: [last, ...after], deletedWith: database });
    last = resource;
    return resource;
  };
  const onDatabase = (
    suffix: string,
    role: Input<string>,
    privileges: string[],
    after: readonly Resource[] = [],
  ) =>
    inTurn(
      (opts) =>
        new Grant(
          `${id}-${suffix}`,
          { database: database.name, role, objectType: "database", privileges },
          opts,
        ),
      after,
    );

  onDatabase("connect-public", "public", []);
  const enters = served === "own" && !frozen;
  onDatabase("connect-rw", readWrite.name, enters ? ["CONNECT", "TEMPORARY"] : [], opened);
  onDatabase("connect-owner", owner.name, ["CONNECT", "TEMPORARY"]);
  onDatabase("connect-backup", backup.name, ["CONNECT"]);

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
    { suffix: "backup", role: backup.name, tables: ["SELECT"], sequences: ["SELECT"] },
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
  return last;
}

/**
 * The application's logins. Two roles alternate: raising `credentials.rotation` gives the idle one a new password and
 * leads the next pods to it, while those that still run keep the other. So nobody is ever locked out, and an old
 * password dies at the next but one rotation.
 */
function createAppLogins(
  scope: TenantScope,
  readWrite: Output<string>,
): { readonly current: Login; readonly logins: readonly Login[] } {
  const { id, connections, credentials } = scope.spec;
  const { rotation } = credentials;
  const names = roleNames(id);
  const args = { connectionLimit: connections.app, roles: [readWrite] };
  const odd = rotation % 2 === 1;
  const even = createLogin(scope, "app-a", names.appA, args, odd ? rotation - 1 : rotation);
  const other = createLogin(scope, "app-b", names.appB, args, odd ? rotation : Math.max(1, rotation - 1));
  return { current: odd ? other : even, logins: [even, other] };
}
