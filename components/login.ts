import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Role } from "@pulumi/postgresql/role.js";
import { all, type Input, type Output, type Resource } from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { SCHEMA } from "../registry/naming.ts";
import type { CellConfig } from "./cell/config.ts";
import type { NamespacedScope, Scope } from "./scope.ts";

/** Length of a generated password: letters and digits, so there is nothing to escape in a URL. */
export const PASSWORD_LENGTH = 32;

/** The URL that a login connects with. */
export const databaseUrl = (
  { host, port, sslmode }: CellConfig["database"],
  user: string,
  password: string,
  database: string,
): string => `postgres://${user}:${password}@${host}:${port}/${database}?sslmode=${sslmode}`;

/** A role that logs in, and its generated password. */
export interface Login {
  readonly role: Role;
  readonly password: Output<string>;
}

/** A Secret with the credentials of a login. */
export interface LoginSecret {
  /** Its name, known once the login can be used. */
  readonly name: Output<string>;
  /** The connection URL in it, a secret. */
  readonly url: Output<string>;
}

/**
 * A role that logs in.
 * @param purpose completes the logical names, e.g. migrate
 * @param roleName name on the server
 * @param generation another one makes another password
 */
export function createLogin(
  { name, parent }: Scope,
  purpose: string,
  roleName: string,
  args: {
    connectionLimit: number;
    createDatabase?: boolean;
    roles?: Input<string>[];
    assumeRole?: Input<string>;
  },
  generation = 0,
): Login {
  const { result: password } = new RandomPassword(
    `${name}-${purpose}-password`,
    { length: PASSWORD_LENGTH, special: false, keepers: { generation: String(generation) } },
    { parent },
  );
  const role = new Role(
    `${name}-${purpose}`,
    { ...args, name: roleName, password, login: true, searchPaths: [SCHEMA] },
    { parent },
  );
  return { role, password };
}

/**
 * The Secret a pod logs in with.
 * @param database the database it connects to
 * @param ready what must be there before anybody reads it, so that who does finds a working login
 */
export function createLoginSecret(
  { name: prefix, labels, cell, parent, namespace }: NamespacedScope,
  suffix: string,
  name: string,
  { role, password }: Login,
  database: string,
  ready: Resource,
): LoginSecret {
  const { host, port } = cell.database;
  const url = all([role.name, password]).apply(([user, text]) =>
    databaseUrl(cell.database, user, text, database),
  );
  const secret = new Secret(
    `${prefix}-${suffix}`,
    {
      metadata: { name, namespace, labels },
      stringData: { username: role.name, password, host, port: String(port), name: database, url },
    },
    { parent, dependsOn: [ready], additionalSecretOutputs: ["stringData", "data"] },
  );
  return {
    name: secret.metadata.name,
    url: all([url, secret.metadata.name]).apply(([text]) => text),
  };
}
