import type { Handler } from "../base/spec.ts";
import type { Props } from "../base/wire.ts";
import { checkShape, diffShape, flag, required, type Shape } from "./inputs.ts";
import { lockRole } from "./roles.ts";
import type { Connection, Server } from "./server.ts";
import { ident } from "./sql.ts";

const shape: Shape = {
  required: ["role", "grantRole"],
  defaults: { withAdminOption: false },
  sets: [],
  replaceOn: ["role", "grantRole", "withAdminOption"],
  computed: [],
};

const names = (inputs: Props): readonly [role: string, granted: string] => [
  required(inputs, "role"),
  required(inputs, "grantRole"),
];

const stateOf = (inputs: Props): Props => ({ ...inputs, withAdminOption: flag(inputs.withAdminOption) });

async function admin(db: Connection, role: string, granted: string): Promise<boolean | undefined> {
  const [row] = await db.query<{ admin: boolean }>(
    "SELECT bool_or(admin_option) AS admin FROM pg_auth_members " +
      "WHERE pg_get_userbyid(roleid) = $1 AND pg_get_userbyid(member) = $2 HAVING count(*) > 0",
    [granted, role],
  );
  return row?.admin;
}

/** Membership of one role in another. */
export const grantRole: Handler<Server> = {
  check: (_op, news) => checkShape(shape, news),
  diff: (_op, _id, olds, news) => diffShape(shape, olds, news),
  create: async (op, inputs) => {
    if (op.preview) return { id: "", state: stateOf(inputs) };
    const [role, granted] = names(inputs);
    const option = flag(inputs.withAdminOption);
    await op.client.transaction(undefined, async (db) => {
      await lockRole(db, role);
      await db.query(`REVOKE ${ident(granted)} FROM ${ident(role)}`);
      await db.query(`GRANT ${ident(granted)} TO ${ident(role)}${option ? " WITH ADMIN OPTION" : ""}`);
    });
    return { id: `${role}_${granted}_${String(option)}`, state: stateOf(inputs) };
  },
  read: async (op, id, olds) => {
    const { inputs } = olds;
    if (inputs === undefined)
      throw new Error("memberships cannot be imported: the id does not tell the roles apart");
    const [role, granted] = names(inputs);
    const option = await op.client.connected(undefined, (db) => admin(db, role, granted));
    if (option === undefined) return undefined;
    const live = { ...inputs, withAdminOption: option };
    return { id, state: live, inputs: inputs.withAdminOption === undefined && !option ? inputs : live };
  },
  delete: async (op, _id, state) => {
    const [role, granted] = names(state);
    await op.client.transaction(undefined, async (db) => {
      if ((await admin(db, role, granted)) === undefined) return;
      await lockRole(db, role);
      await db.query(`REVOKE ${ident(granted)} FROM ${ident(role)}`);
    });
  },
};
