import { roleNames, SCHEMA } from "../registry/naming.ts";
import { withConnection } from "./connection.ts";
import type { DatabaseLogin } from "./postgres.ts";

/**
 * Lets a tenant's roles use what its migrations create in the database of its own: reading is the right of one role,
 * writing of another. What is there already is granted too. Idempotent, in one transaction.
 * @param login may act as the schema's owner
 * @throws OpsFailure
 */
export async function prepareSchema(login: DatabaseLogin, tenantId: string): Promise<void> {
  const { owner, readOnly, readWrite } = roleNames(tenantId);
  const grants = [
    ["SELECT", "TABLES", readOnly],
    ["SELECT", "SEQUENCES", readOnly],
    ["SELECT, INSERT, UPDATE, DELETE", "TABLES", readWrite],
    ["SELECT, USAGE", "SEQUENCES", readWrite],
  ] as const;
  const statements = [
    // Who may not grant would only be warned.
    `SET LOCAL ROLE ${owner}`,
    `GRANT USAGE ON SCHEMA ${SCHEMA} TO ${readOnly}, ${readWrite}`,
    ...grants.flatMap(([privileges, kind, role]) => [
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${SCHEMA} GRANT ${privileges} ON ${kind} TO ${role}`,
      `GRANT ${privileges} ON ALL ${kind} IN SCHEMA ${SCHEMA} TO ${role}`,
    ]),
  ];
  await withConnection(login, (client) =>
    client.query(["BEGIN", ...statements, "COMMIT"].map((each) => `${each};`).join("\n")),
  );
}
