import { type PostgresServer, PASSWORD } from "./postgres.ts";

/** The database that the tenants of placement "pool" share. */
export const POOL = "warehouse_shared";

const login = (name: string, limit: number, role: string): string =>
  `CREATE ROLE ${name} LOGIN CONNECTION LIMIT ${limit} PASSWORD '${PASSWORD}' IN ROLE ${role}`;

const APP_LOGINS = ["app_a", "app_b"];

/** A tenant's roles without a database of its own. */
export const poolTenant = (prefix: string): string[] => [
  ...APP_LOGINS.map((each) => login(`${prefix}_${each}`, 5, `${POOL}_rw`)),
  login(`${prefix}_backup`, 2, `${POOL}_ro`),
];

/** The roles that come with a database of a tenant's own, and its logins' places in them. */
const ownRoles = (prefix: string): string[] => [
  `CREATE ROLE ${prefix}_ro NOLOGIN`,
  `CREATE ROLE ${prefix}_rw NOLOGIN`,
  `CREATE ROLE ${prefix}_owner NOLOGIN IN ROLE ${prefix}_ro`,
  login(`${prefix}_migrate`, 5, `${prefix}_owner`),
  `ALTER ROLE ${prefix}_migrate SET role = '${prefix}_owner'`,
];

const ownDatabase = (prefix: string): string[] => [
  `GRANT ${prefix}_ro TO ${prefix}_backup`,
  `CREATE DATABASE ${prefix} TEMPLATE template0 CONNECTION LIMIT 20`,
  `REVOKE ALL ON DATABASE ${prefix} FROM PUBLIC`,
  `GRANT CONNECT, TEMPORARY ON DATABASE ${prefix} TO ${prefix}_ro`,
];

/** What Pulumi adds while a tenant of the pool moves to a database of its own, or back: both are there. */
export const movingTenant = (prefix: string): string[] => [
  ...ownRoles(prefix),
  `GRANT ${POOL}_rw TO ${prefix}_owner, ${prefix}_rw`,
  ...APP_LOGINS.flatMap((each) => [
    `REVOKE ${POOL}_rw FROM ${prefix}_${each}`,
    `GRANT ${prefix}_rw TO ${prefix}_${each}`,
  ]),
  ...ownDatabase(prefix),
];

/** A tenant with a database of its own on the same server. */
const bridgeTenant = (prefix: string): string[] => [
  ...ownRoles(prefix),
  `GRANT ${prefix}_ro TO ${prefix}_rw`,
  ...APP_LOGINS.map((each) => login(`${prefix}_${each}`, 5, `${prefix}_rw`)),
  `CREATE ROLE ${prefix}_backup LOGIN CONNECTION LIMIT 2 PASSWORD '${PASSWORD}'`,
  ...ownDatabase(prefix),
];

/** What Pulumi makes before the bootstrap, by the same role: acme and acme-2 share, solo and solo-2 do not. */
export async function createPool(server: PostgresServer): Promise<void> {
  const platform = await server.connect("platform", "postgres");
  const statements = [
    "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC",
    `CREATE ROLE warehouse_ops LOGIN CREATEDB CONNECTION LIMIT 6 PASSWORD '${PASSWORD}'`,
    "GRANT CONNECT ON DATABASE postgres TO warehouse_ops",
    `CREATE ROLE ${POOL}_owner NOLOGIN`,
    `CREATE ROLE ${POOL}_rw NOLOGIN`,
    `CREATE ROLE ${POOL}_ro NOLOGIN`,
    login(`${POOL}_migrate`, 3, `${POOL}_owner`),
    `ALTER ROLE ${POOL}_migrate SET role = '${POOL}_owner'`,
    `CREATE DATABASE ${POOL} TEMPLATE template0 CONNECTION LIMIT 40`,
    `REVOKE ALL ON DATABASE ${POOL} FROM PUBLIC`,
    `GRANT CONNECT, CREATE ON DATABASE ${POOL} TO ${POOL}_owner`,
    `GRANT CONNECT, TEMPORARY ON DATABASE ${POOL} TO ${POOL}_rw`,
    `GRANT CONNECT ON DATABASE ${POOL} TO ${POOL}_ro`,
    ...["warehouse_acme", "warehouse_acme_2"].flatMap(poolTenant),
    ...["warehouse_solo", "warehouse_solo_2"].flatMap(bridgeTenant),
  ];
  for (const statement of statements) await platform.query(statement);
  const inPool = await server.connect("platform", POOL);
  await inPool.query(`GRANT ${POOL}_owner TO platform`);
  await inPool.query(`CREATE SCHEMA app AUTHORIZATION ${POOL}_owner`);
  await inPool.query(`REVOKE ${POOL}_owner FROM platform`);
}
