import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Role } from "@pulumi/postgresql/role.js";
import { all, output, secret, type Input, type Output, type Resource } from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { createHmac } from "node:crypto";
import { SCHEMA } from "../registry/naming.ts";
import type { CellConfig } from "./cell/config.ts";
import type { LoginScope, NamespacedScope } from "./scope.ts";

/** Length of a password: hexadecimal digits, so there is nothing to escape in a URL. */
export const PASSWORD_LENGTH = 64;

/** What the passwords of logins follow from; another one makes other passwords for all of them. */
export const createSeed = (logicalName: string, parent: Resource): Output<string> =>
  new RandomPassword(logicalName, { length: PASSWORD_LENGTH, special: false }, { parent }).result;

/**
 * The password of a login. It follows from a seed, so that no login needs a resource for it.
 * @param generation another one makes another password
 */
export const passwordOf = (seed: string, roleName: string, generation: number): string =>
  createHmac("sha256", seed).update(`${roleName}/${generation}`).digest("hex");

/** The URL that a login connects with. */
export const databaseUrl = (
  { host, port, sslmode }: CellConfig["database"],
  user: string,
  password: string,
  database: string,
): string => `postgres://${user}:${password}@${host}:${port}/${database}?sslmode=${sslmode}`;

/** A role that logs in, and its password. */
export interface Login {
  readonly role: Role;
  readonly password: Output<string>;
}

/** How a login is made. */
export interface LoginArgs {
  readonly connectionLimit: number;
  readonly createDatabase?: boolean;
  readonly roles?: Input<string>[];
  readonly assumeRole?: Input<string>;
  /** Default: 0. */
  readonly generation?: number;
  /** Keeps the password that it has. Default: false. */
  readonly retired?: boolean;
  /** What must be done before it is made or changed. Default: nothing. */
  readonly after?: readonly Resource[];
}

/**
 * A role that logs in.
 * @param purpose completes the logical name, e.g. migrate
 * @param roleName name on the server
 */
export function createLogin(
  { name, parent, seed }: LoginScope,
  purpose: string,
  roleName: string,
  { generation = 0, retired = false, after = [], ...args }: LoginArgs,
): Login {
  const password = secret(output(seed).apply((text) => passwordOf(text, roleName, generation)));
  const role = new Role(
    `${name}-${purpose}`,
    { ...args, name: roleName, password, login: true, searchPaths: [SCHEMA] },
    { parent, dependsOn: [...after], ignoreChanges: retired ? ["password"] : [] },
  );
  return { role, password };
}

/** What the keys of a login begin with in a Secret that holds several. */
export type KeyPrefix = "" | "migrate-" | "backup-" | "target-";

/** Where a pod finds a login: a Secret of its namespace, and the keys in it. */
export interface LoginRef {
  readonly secret: Input<string>;
  readonly prefix: KeyPrefix;
}

/** A login in a Secret. */
export interface HeldLogin {
  readonly prefix: KeyPrefix;
  readonly login: Login;
  /** The database it connects to. */
  readonly database: string;
}

/**
 * The Secret that pods of a namespace log in with. Each login has its own keys, and a pod is given those it uses.
 * @param name of the Secret, and what completes its logical name
 * @param ready what must be there before anybody reads it, so that who does finds working logins
 * @returns its name, once it is there
 */
export function createCredentials(
  { name: owner, labels, cell, parent, namespace }: NamespacedScope,
  { suffix, name }: { readonly suffix: string; readonly name: string },
  logins: readonly HeldLogin[],
  ready: readonly Resource[],
): Output<string> {
  const { host, port } = cell.database;
  const held = logins.flatMap(({ prefix, login, database }) => [
    { key: `${prefix}username`, value: login.role.name },
    { key: `${prefix}password`, value: login.password },
    { key: `${prefix}name`, value: database },
    { key: `${prefix}url`, value: loginUrl(cell, login, database) },
  ]);
  const entries = [{ key: "host", value: host }, { key: "port", value: String(port) }, ...held];
  const data = all(entries).apply((known) =>
    Object.fromEntries(known.map(({ key, value }) => [key, Buffer.from(value).toString("base64")])),
  );
  return new Secret(
    `${owner}-${suffix}`,
    // `stringData` would only ever add keys.
    { metadata: { name, namespace, labels }, data },
    { parent, dependsOn: [...ready], additionalSecretOutputs: ["data"] },
  ).metadata.name;
}

/** The URL of a login's database, a secret. */
export const loginUrl = (cell: CellConfig, { role, password }: Login, database: string): Output<string> =>
  all([role.name, password]).apply(([user, text]) => databaseUrl(cell.database, user, text, database));
