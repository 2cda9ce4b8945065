import type { Handler } from "../base/spec.ts";
import type { Props } from "../base/wire.ts";
import { checkShape, flag, type Op, required, type Shape, text, texts } from "./inputs.ts";
import { grantedState, granting, privilegeFailures, samePrivileges } from "./privileges.ts";
import {
  databaseExists,
  lockDatabase,
  lockRole,
  roleExists,
  schemaExists,
  schemaOwners,
  withRoles,
} from "./roles.ts";
import type { Connection, Server } from "./server.ts";
import { grantee, ident, signature } from "./sql.ts";

const shape: Shape = {
  required: ["database", "objectType", "privileges", "role"],
  defaults: { withGrantOption: false, objects: [], columns: [] },
  sets: ["privileges", "objects", "columns"],
  replaceOn: ["role", "database", "schema", "objectType", "objects", "columns", "withGrantOption"],
  computed: [],
};

const TYPES = [
  "database",
  "schema",
  "table",
  "sequence",
  "function",
  "procedure",
  "routine",
  "column",
  "foreign_data_wrapper",
  "foreign_server",
];
const WITHOUT_SCHEMA = ["database", "foreign_data_wrapper", "foreign_server"];

interface Wanted {
  readonly role: string;
  readonly database: string;
  readonly schema: string;
  readonly objectType: string;
  readonly objects: readonly string[];
  readonly columns: readonly string[];
  readonly privileges: readonly string[];
  readonly withGrantOption: boolean;
}

const wantedOf = (inputs: Props): Wanted => ({
  role: required(inputs, "role"),
  database: required(inputs, "database"),
  schema: text(inputs.schema) ?? "",
  objectType: required(inputs, "objectType"),
  objects: texts(inputs.objects),
  columns: texts(inputs.columns),
  privileges: texts(inputs.privileges),
  withGrantOption: flag(inputs.withGrantOption),
});

function idOf(grant: Wanted): string {
  const schema = WITHOUT_SCHEMA.includes(grant.objectType) ? [] : [grant.schema];
  return [grant.role, grant.database, ...schema, grant.objectType, ...grant.objects, ...grant.columns].join(
    "_",
  );
}

/** The ON clause: the database, the schema, named objects, or all objects of the type in the schema. */
export function target(grant: Pick<Wanted, "database" | "schema" | "objectType" | "objects">): string {
  const { objectType, objects, schema } = grant;
  if (objectType === "database") return `DATABASE ${ident(grant.database)}`;
  if (objectType === "schema") return `SCHEMA ${ident(schema)}`;
  if (objectType === "foreign_data_wrapper") return `FOREIGN DATA WRAPPER ${objects.map(ident).join(", ")}`;
  if (objectType === "foreign_server") return `FOREIGN SERVER ${objects.map(ident).join(", ")}`;
  const word = objectType === "column" ? "TABLE" : objectType.toUpperCase();
  const routines = ["function", "procedure", "routine"].includes(objectType);
  const named = objects.map((name) => `${ident(schema)}.${routines ? signature(name) : ident(name)}`);
  return named.length > 0 ? `${word} ${named.join(", ")}` : `ALL ${word}S IN SCHEMA ${ident(schema)}`;
}

const listed = (grant: Wanted): string => {
  const columns = grant.columns.length === 0 ? "" : ` (${grant.columns.map(ident).join(", ")})`;
  return grant.privileges.map((privilege) => `${privilege}${columns}`).join(", ");
};

async function revoke(db: Connection, grant: Wanted): Promise<void> {
  const columns = grant.columns.length === 0 ? "" : ` (${grant.columns.map(ident).join(", ")})`;
  await db.query(`REVOKE ALL PRIVILEGES${columns} ON ${target(grant)} FROM ${grantee(grant.role)}`);
}

/** Revokes and grants in one transaction, as the vendor: nobody sees the privileges gone in between. */
async function apply(op: Op, grant: Wanted, privileges: boolean): Promise<void> {
  await op.client.transaction(grant.database, async (db) => {
    const isPublic = grant.role.toLowerCase() === "public";
    if (!isPublic) await lockRole(db, grant.role);
    if (grant.objectType === "database") await lockDatabase(db, grant.database);
    const owners = WITHOUT_SCHEMA.includes(grant.objectType)
      ? []
      : await schemaOwners(db, grant.schema, grant.objectType !== "schema");
    await withRoles(db, owners, async () => {
      await revoke(db, grant);
      if (!privileges || grant.privileges.length === 0) return;
      const option = grant.withGrantOption ? " WITH GRANT OPTION" : "";
      await db.query(`GRANT ${listed(grant)} ON ${target(grant)} TO ${grantee(grant.role)}${option}`);
    });
  });
}

const KINDS: Readonly<Record<string, string>> = { table: "r,p,v,m,f", sequence: "S" };

/** The privileges on each object the grant is about. */
async function granted(db: Connection, grant: Wanted): Promise<readonly (readonly string[])[]> {
  const holder = "(SELECT coalesce((SELECT oid FROM pg_roles WHERE rolname = $1), 0::oid))";
  const held = (acl: string): string =>
    `ARRAY(SELECT privilege_type FROM aclexplode(${acl}) WHERE grantee = ${holder}) AS privileges`;
  const role = grant.role.toLowerCase() === "public" ? "" : grant.role;
  const run = async (sql: string, ...values: readonly unknown[]): Promise<readonly (readonly string[])[]> =>
    (await db.query<{ privileges: readonly string[] }>(sql, [role, ...values])).map(
      ({ privileges }) => privileges,
    );
  switch (grant.objectType) {
    case "database":
      return run(`SELECT ${held("datacl")} FROM pg_database WHERE datname = $2`, grant.database);
    case "schema":
      return run(`SELECT ${held("nspacl")} FROM pg_namespace WHERE nspname = $2`, grant.schema);
    case "table":
    case "sequence":
      return run(
        `SELECT ${held("relacl")} FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
          WHERE nspname = $2 AND relkind = ANY(string_to_array($3, ',')::"char"[])
            AND (cardinality($4::text[]) = 0 OR relname = ANY($4::text[]))`,
        grant.schema,
        KINDS[grant.objectType],
        grant.objects,
      );
    case "function":
    case "procedure":
    case "routine":
      return run(
        `SELECT ${held("coalesce(proacl, acldefault('f', proowner))")}
          FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
          WHERE nspname = $2 AND ($3 = 'routine' OR (prokind = 'p') = ($3 = 'procedure'))
            AND (cardinality($4::text[]) = 0 OR proname = ANY($4::text[]))`,
        grant.schema,
        grant.objectType,
        grant.objects.map((name) => name.replace(/\(.*$/, "")),
      );
    default:
      // Columns and foreign objects are taken to be as they were granted.
      return [];
  }
}

/** Privileges of a role on a database, a schema, or objects in it. */
export const grant: Handler<Server> = {
  check: (_op, news) => {
    const { inputs, failures = [] } = checkShape(shape, news);
    const objectType = text(news.objectType) ?? "database";
    const missing =
      WITHOUT_SCHEMA.includes(objectType) || news.schema !== undefined
        ? []
        : [{ property: "schema", reason: `schema is mandatory for object type ${objectType}` }];
    return { inputs, failures: [...failures, ...missing, ...privilegeFailures(news, TYPES)] };
  },
  ...granting(shape, wantedOf, idOf, apply),
  read: async (op, id, olds) => {
    const { inputs } = olds;
    if (inputs === undefined)
      throw new Error("grants cannot be imported: the id does not tell its parts apart");
    const wanted = wantedOf(inputs);
    const present = await op.client.connected(
      undefined,
      async (db) =>
        (wanted.role.toLowerCase() === "public" || (await roleExists(db, wanted.role))) &&
        (await databaseExists(db, wanted.database)),
    );
    if (!present) return undefined;
    const held = await op.client.connected(wanted.database, async (db) =>
      WITHOUT_SCHEMA.includes(wanted.objectType) || (await schemaExists(db, wanted.schema))
        ? granted(db, wanted)
        : undefined,
    );
    if (held === undefined) return undefined;
    const different = held.find((each) => !samePrivileges(wanted.objectType, wanted.privileges, each));
    const single = ["database", "schema"].includes(wanted.objectType);
    // With many objects no one list tells what is wrong: an empty one asks for the grant to be made again.
    const privileges = different === undefined ? wanted.privileges : single ? different : [];
    const live = { ...inputs, privileges };
    return { id, state: grantedState(live), inputs: live };
  },
  delete: async (op, _id, state) => {
    const wanted = wantedOf(state);
    const present = await op.client.connected(undefined, (db) => databaseExists(db, wanted.database));
    if (present) await apply(op, wanted, false);
  },
};
