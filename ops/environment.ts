import { z } from "zod";
import { OpsFailure } from "./failure.ts";
import type { DatabaseLogin } from "./postgres.ts";

export const text = z.string().min(1);

/** The login that a command works with, as every Job gets it. */
export const databaseEnvironment = z.object({
  DATABASE_HOST: text.describe("host of the database server"),
  DATABASE_PORT: z
    .string()
    .regex(/^\d{1,5}$/)
    .describe("its port"),
  DATABASE_NAME: text.describe("database that is entered"),
  DATABASE_USER: text.describe("login"),
  DATABASE_PASSWORD: text.describe("its password"),
  DATABASE_SSLMODE: z
    .enum(["disable", "require", "verify-ca", "verify-full"])
    .describe("as libpq's sslmode; certificates from PGSSLROOTCERT"),
});

/**
 * Reads the environment. Its failure names variables, never their values.
 * @throws OpsFailure "configuration"
 */
export function readEnvironment<T>(schema: z.ZodType<T>): T {
  const { success, data, error } = schema.safeParse(process.env);
  if (success) return data;
  const names = [...new Set(error.issues.map((issue) => issue.path.join(".")))].join(", ");
  throw new OpsFailure("configuration", `missing or invalid in the environment: ${names}`);
}

export const databaseLogin = (env: z.infer<typeof databaseEnvironment>): DatabaseLogin => ({
  host: env.DATABASE_HOST,
  port: env.DATABASE_PORT,
  name: env.DATABASE_NAME,
  user: env.DATABASE_USER,
  password: env.DATABASE_PASSWORD,
  sslmode: env.DATABASE_SSLMODE,
});

/** How long to wait for a lock in the database or a word from the bucket, seconds. Default: 60. */
export const waitSeconds = (): number =>
  readEnvironment(z.object({ OPS_WAIT_SECONDS: z.coerce.number().int().positive().default(60) }))
    .OPS_WAIT_SECONDS;
