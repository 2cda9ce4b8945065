import { Database } from "@pulumi/postgresql/database.js";
import { Grant } from "@pulumi/postgresql/grant.js";
import { Role } from "@pulumi/postgresql/role.js";
import { Schema } from "@pulumi/postgresql/schema.js";
import { all, type Input, type Output, type Resource } from "@pulumi/pulumi";
import {
  databaseName,
  databaseSecretName,
  roleNames,
  SCHEMA,
  sharedDatabaseName,
} from "../registry/naming.ts";
import { hasOwnDatabase } from "../registry/placement.ts";
import { keepsData, runsPods, type TenantSpec } from "../registry/spec.ts";
import {
  createCredentials,
  createLogin,
  loginUrl,
  type HeldLogin,
  type Login,
  type LoginRef,
} from "./login.ts";
import type { TenantScope } from "./scope.ts";

/** Where a tenant's pods run. */
export interface ServedPlace {
  readonly namespace: Input<string>;
  /** The pool whose namespace it is, e.g. pool-starter. Default: the tenant's own. */
  readonly pool?: string;
}

/** The database that tenants share. */
export interface SharedRoles {
  readonly readWrite: Output<string>;
  readonly readOnly: Output<string>;
  /** There once row-level security covers every table of the present version; no tenant enters before. */
  readonly ready: Resource;
}

/** A tenant's logins, as its pods find them. */
export interface TenantDatabase {
  /** The URL of the application's login, a secret, known once it works: for the directory of a pool. */
  readonly url: Output<string>;
  /** For pods where the tenant is served: the application, what prepares it, and the backup. */
  readonly app: LoginRef;
  readonly init: LoginRef;
  readonly backup: LoginRef;
  /** For Jobs in the tenant's own namespace, where it has such: the migration login. Default: none. */
  readonly migrate?: LoginRef;
  /** The same login's way into the database of its own that the tenant is about to move to. Default: none. */
  readonly target?: LoginRef;
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
 * | role            | login | there                       | may |
 * |-----------------|-------|-----------------------------|-----|
 * | `…_ro`          | no    | with an own database        | enter it and read rows |
 * | `…_rw`          | no    | with an own database        | write rows; what `…_ro` may, or a shared database's, while the application may enter |
 * | `…_owner`       | no    | with an own database, or when the tenant moves or leaves | own the schema; what `…_ro` may |
 * | `…_migrate`     | yes   | likewise                    | act as `…_owner`; the init Job, moves and the end |
 * | `…_app_a`, `_b` | yes   | the second from a rotation on | what `…_rw` may, or write the tenant's rows of the shared database |
 * | `…_backup`      | yes   | always                      | read rows; the backup Job |
 *
 * What they may do with what is in the schema is granted by its owner: see ops/schema.ts. During a move between the two
 * kinds of database both are there; the application can enter the one that serves, and none while the move cuts over.
 * @param shared roles of the shared database, for a tenant that has data in it
 * @param served where the tenant's pods run
 * @param opened what must be done before the application may enter
 */
export function createDatabase(
  scope: TenantScope,
  shared: SharedRoles | undefined,
  served: ServedPlace,
  opened: readonly Resource[],
): TenantDatabase {
  const { spec, prefix } = scope;
  const { id, connections } = spec;
  const generation = spec.credentials.rotation;
  const names = roleNames(id);
  const holdings = holdingsOf(spec);
  const inShared = (role: "readWrite" | "readOnly"): Output<string>[] => {
    if (shared === undefined) throw new Error(`${id} has data in the shared database, which is not there`);
    return [shared[role]];
  };
  const group = (suffix: string, name: string, roles: Input<string>[], after: readonly Resource[] = []) =>
    new Role(
      `${id}-${suffix}`,
      { name, login: false, roles },
      { parent: scope.parent, dependsOn: [prefix, ...after] },
    );

  const readOnly = holdings.own ? group("ro", names.readOnly, []) : undefined;
  const readers = readOnly === undefined ? [] : [readOnly.name];
  const sharedReady = holdings.served === "shared" && shared !== undefined ? [shared.ready] : [];
  const entry = holdings.frozen ? [] : holdings.served === "shared" ? inShared("readWrite") : readers;
  const entered = [...opened, ...(holdings.frozen ? [] : sharedReady)];
  const readWrite = holdings.own ? group("rw", names.readWrite, entry, entered) : undefined;
  const app = createAppLogins(scope, readWrite === undefined ? entry : [readWrite.name], entered);
  // The rows that move or go are the owner's to read and write on both sides.
  const owner =
    holdings.own || holdings.frozen
      ? group("owner", names.owner, [...(holdings.shared ? inShared("readWrite") : []), ...readers])
      : undefined;
  const migrate =
    owner === undefined
      ? undefined
      : createLogin(scope, "migrate", names.migrate, {
          connectionLimit: connections.migrate,
          // To end the application's sessions it must be a member of their logins.
          roles: [owner.name, ...(holdings.frozen ? app.logins.map(({ role }) => role.name) : [])],
          assumeRole: owner.name,
          generation,
        });
  const backup = createLogin(scope, "backup", names.backup, {
    connectionLimit: connections.backup,
    roles: [...(holdings.served === "shared" ? inShared("readOnly") : []), ...readers],
    generation,
  });
  const schema =
    owner === undefined || readWrite === undefined || readOnly === undefined
      ? []
      : [createOwnDatabase(scope, holdings, { owner, readWrite, readOnly, backup: backup.role })];

  const logins = [...app.logins, backup, ...(migrate === undefined ? [] : [migrate])].map(({ role }) => role);
  const access = [...(readWrite === undefined ? [] : [readWrite]), ...logins, ...schema];
  return {
    ...createSecrets(scope, served, holdings, { app: app.current, migrate, backup }, access),
    access,
  };
}

/**
 * The Secrets with the tenant's logins: one where it is served and, if that is in a pool's namespace while pods of its
 * own run too, one for those.
 * @param access what decides which database the logins can enter
 */
function createSecrets(
  scope: TenantScope,
  { namespace, pool }: ServedPlace,
  holdings: Holdings,
  logins: { readonly app: Login; readonly migrate: Login | undefined; readonly backup: Login },
  access: readonly Resource[],
): Omit<TenantDatabase, "access"> {
  const { spec, cell } = scope;
  const { app, migrate, backup } = logins;
  const ownDatabase = databaseName(spec.id);
  const database = holdings.served === "own" ? ownDatabase : sharedDatabaseName(cell.qualifier);
  const serves: HeldLogin[] = [
    { prefix: "", login: app, database },
    { prefix: "backup-", login: backup, database },
  ];
  const migrates: HeldLogin[] =
    migrate === undefined ? [] : [{ prefix: "migrate-", login: migrate, database }];
  const targets: HeldLogin[] =
    migrate !== undefined && isTarget(spec, holdings)
      ? [{ prefix: "target-", login: migrate, database: ownDatabase }]
      : [];
  const create = (suffix: string, where: Input<string>, held: readonly HeldLogin[]): Output<string> => {
    const names = { suffix: `db-secret${suffix}`, name: databaseSecretName(spec.id) };
    return createCredentials({ ...scope, namespace: where }, names, held, access);
  };
  const home =
    pool === undefined
      ? create("", namespace, [...serves, ...migrates, ...targets])
      : create(`-${pool}`, namespace, [...serves, ...(holdings.served === "own" ? migrates : [])]);
  const own =
    pool === undefined
      ? home
      : runsPods(spec)
        ? create("", scope.namespace, [...migrates, ...targets])
        : undefined;
  return {
    url: all([loginUrl(cell, app, database), home]).apply(([url]) => url),
    app: { secret: home, prefix: "" },
    init: { secret: home, prefix: holdings.served === "own" ? "migrate-" : "" },
    backup: { secret: home, prefix: "backup-" },
    ...(own === undefined ? {} : { migrate: { secret: own, prefix: "migrate-" } }),
    ...(own === undefined || targets.length === 0 ? {} : { target: { secret: own, prefix: "target-" } }),
  };
}

/** Whether the tenant is about to move to the own database, whose schema follows the release up to the last copy. */
const isTarget = ({ move }: TenantSpec, { served, own, shared, frozen }: Holdings): boolean =>
  own && (served === "shared" ? move?.phase !== "cleanup" && move?.phase !== "soak" : shared && frozen);

/** The database of one tenant alone, which PUBLIC cannot enter; returns the schema in it. */
function createOwnDatabase(
  { spec, parent }: TenantScope,
  { disposable }: Holdings,
  { owner, readWrite, readOnly, backup }: Record<"owner" | "readWrite" | "readOnly" | "backup", Role>,
): Resource {
  const { id, connections } = spec;
  const database = new Database(
    `${id}-database`,
    { name: databaseName(id), template: "template0", connectionLimit: connections.database },
    // A role goes after the database that knows it.
    {
      parent,
      protect: !disposable && keepsData(spec),
      dependsOn: [owner, readWrite, readOnly, backup],
    },
  );
  // Grants in one database run one after the other: at once they fail with "tuple concurrently updated".
  const grant = (suffix: string, role: Input<string>, privileges: string[], after: Resource) =>
    new Grant(
      `${id}-connect-${suffix}`,
      { database: database.name, role, objectType: "database", privileges },
      { parent, dependsOn: [after], deletedWith: database },
    );
  const closed = grant("public", "public", [], database);
  const entry = grant("ro", readOnly.name, ["CONNECT", "TEMPORARY"], closed);
  return new Schema(
    `${id}-schema`,
    { name: SCHEMA, database: database.name, owner: owner.name },
    { parent, dependsOn: [entry], deletedWith: database },
  );
}

/**
 * The application's logins. Two roles alternate: raising `credentials.rotation` gives the idle one a new password and
 * leads the next pods to it, while those that still run keep the other. So nobody is ever locked out, and an old
 * password dies at the next but one rotation. The second role comes with the first rotation. The logins of Jobs, which
 * read their password as they start, get a new one in place.
 */
function createAppLogins(
  scope: TenantScope,
  roles: Input<string>[],
  after: readonly Resource[],
): { readonly current: Login; readonly logins: readonly Login[] } {
  const { id, connections, credentials } = scope.spec;
  const { rotation } = credentials;
  const { appA, appB } = roleNames(id);
  const make = (generation: number): Login => {
    const [purpose, name] = generation % 2 === 0 ? (["app-a", appA] as const) : (["app-b", appB] as const);
    const args = { connectionLimit: connections.app, roles, generation, after };
    return createLogin(scope, purpose, name, { ...args, retired: generation !== rotation });
  };
  const current = make(rotation);
  return { current, logins: rotation === 0 ? [current] : [make(rotation - 1), current] };
}
