import { databaseEnvironment, databaseLogin, text } from "../environment.ts";
import { assertIsolation } from "../isolation.ts";
import { bootstrapPool } from "../pool/bootstrap.ts";
import { checkPool } from "../pool/check.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { prepareSchema } from "../schema.ts";
import { command, type Command } from "./command.ts";

const onDatabase = (
  summary: string,
  act: (login: DatabaseLogin) => Promise<void>,
  done: (database: string) => string,
): Command =>
  command(summary, databaseEnvironment, async (env, { log }) => {
    const login = databaseLogin(env);
    await act(login);
    log(done(login.name));
    return undefined;
  });

export const poolBootstrap = onDatabase(
  "Prepares the database that tenants share for the application's migrations.",
  bootstrapPool,
  (name) => `${name} is ready for the application's migrations`,
);

export const poolCheck = onDatabase(
  "Makes sure that row-level security covers every table of the database that tenants share.",
  checkPool,
  (name) => `row-level security covers ${name}`,
);

export const schemaPrepare = command(
  "Lets a tenant's roles use what its migrations create in the database of its own.",
  databaseEnvironment.extend({ TENANT_ID: text.describe("id of the tenant") }),
  async (env, { log }) => {
    const login = databaseLogin(env);
    await prepareSchema(login, env.TENANT_ID);
    log(`${login.name} is ready for the application's migrations`);
    return undefined;
  },
);

export const isolationAssert = onDatabase(
  "Makes sure that no tenant's login reaches another's database, anywhere on the server.",
  assertIsolation,
  () => "tenants' databases are isolated",
);
