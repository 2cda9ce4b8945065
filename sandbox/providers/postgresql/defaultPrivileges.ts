import type { Handler } from "../base/spec.ts";
import type { Props } from "../base/wire.ts";
import { checkShape, flag, type Op, required, type Shape, text, texts } from "./inputs.ts";
import { grantedState, granting, privilegeFailures, samePrivileges } from "./privileges.ts";
import { databaseExists, lockRole, roleExists, withRoles } from "./roles.ts";
import type { Connection, Server } from "./server.ts";
import { grantee, ident } from "./sql.ts";

const shape: Shape = {
  required: ["database", "objectType", "owner", "privileges", "role"],
  defaults: { withGrantOption: false },
  sets: ["privileges"],
  replaceOn: ["role", "database", "owner", "schema", "objectType", "withGrantOption"],
  computed: [],
};

/** Letters of pg_default_acl by type of object. */
const LETTERS: Readonly<Record<string, string>> = {
  table: "r",
  sequence: "S",
  function: "f",
  routine: "f",
  type: "T",
  schema: "n",
};

interface Wanted {
  readonly role: string;
  readonly owner: string;
  readonly database: string;
  readonly schema: string | undefined;
  readonly objectType: string;
  readonly privileges: readonly string[];
  readonly withGrantOption: boolean;
}

const wantedOf = (inputs: Props): Wanted => ({
  role: required(inputs, "role"),
  owner: required(inputs, "owner"),
  database: required(inputs, "database"),
  schema: text(inputs.schema),
  objectType: required(inputs, "objectType"),
  privileges: texts(inputs.privileges),
  withGrantOption: flag(inputs.withGrantOption),
});

const idOf = (wanted: Wanted): string =>
  [wanted.role, wanted.database, wanted.schema ?? "noschema", wanted.owner, wanted.objectType].join("_");

async function apply(op: Op, wanted: Wanted, privileges: boolean): Promise<void> {
  const { role, owner, schema } = wanted;
  const scope = schema === undefined ? "" : ` IN SCHEMA ${ident(schema)}`;
  const alter = `ALTER DEFAULT PRIVILEGES FOR ROLE ${ident(owner)}${scope}`;
  const types = `${wanted.objectType.toUpperCase()}S`;
  await op.client.transaction(wanted.database, async (db) => {
    await lockRole(db, owner);
    await withRoles(db, [owner], async () => {
      await db.query(`${alter} REVOKE ALL ON ${types} FROM ${grantee(role)}`);
      if (!privileges || wanted.privileges.length === 0) return;
      const option = wanted.withGrantOption ? " WITH GRANT OPTION" : "";
      await db.query(
        `${alter} GRANT ${wanted.privileges.join(", ")} ON ${types} TO ${grantee(role)}${option}`,
      );
    });
  });
}

async function granted(db: Connection, wanted: Wanted): Promise<readonly string[]> {
  const rows = await db.query<{ privilege: string }>(
    `SELECT DISTINCT privilege_type AS privilege
      FROM (SELECT (aclexplode(defaclacl)).* , defaclnamespace, defaclobjtype, defaclrole FROM pg_default_acl) acl
      WHERE pg_get_userbyid(defaclrole) = $1 AND defaclobjtype = $2
        AND grantee = coalesce((SELECT oid FROM pg_roles WHERE rolname = $3), 0::oid)
        AND defaclnamespace = coalesce((SELECT oid FROM pg_namespace WHERE nspname = $4), 0::oid)`,
    [
      wanted.owner,
      LETTERS[wanted.objectType],
      wanted.role.toLowerCase() === "public" ? "" : wanted.role,
      wanted.schema ?? "",
    ],
  );
  return rows.map(({ privilege }) => privilege);
}

/** Privileges that objects created later by an owner come with. */
export const defaultPrivileges: Handler<Server> = {
  check: (_op, news) => {
    const { inputs, failures = [] } = checkShape(shape, news);
    return { inputs, failures: [...failures, ...privilegeFailures(news, Object.keys(LETTERS))] };
  },
  ...granting(shape, wantedOf, idOf, apply),
  read: async (op, id, olds) => {
    const { inputs } = olds;
    if (inputs === undefined)
      throw new Error("default privileges cannot be imported: the id does not tell its parts apart");
    const wanted = wantedOf(inputs);
    const present = await op.client.connected(
      undefined,
      async (db) => (await roleExists(db, wanted.owner)) && (await databaseExists(db, wanted.database)),
    );
    if (!present) return undefined;
    const held = await op.client.connected(wanted.database, (db) => granted(db, wanted));
    const same = samePrivileges(wanted.objectType, wanted.privileges, held);
    const live = same ? inputs : { ...inputs, privileges: held };
    return { id, state: grantedState(live), inputs: live };
  },
  delete: async (op, _id, state) => {
    const wanted = wantedOf(state);
    const present = await op.client.connected(
      undefined,
      async (db) => (await databaseExists(db, wanted.database)) && (await roleExists(db, wanted.owner)),
    );
    if (present) await apply(op, wanted, false);
  },
};
