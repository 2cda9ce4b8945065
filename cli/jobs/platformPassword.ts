import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import type { Stack } from "../stack.ts";

const KEY = "warehouse:databasePassword";
const TIMEOUT_MS = 60_000;

/** The password of the platform's database role: PGPASSWORD, else the stack's secret, as `pulumi up` takes it. */
export async function platformPassword({ env, projectDir: cwd }: Io, { name }: Stack): Promise<string> {
  const inherited = env["PGPASSWORD"] ?? "";
  if (inherited !== "") return inherited;
  try {
    const args = ["config", "get", KEY, "--stack", name, "--non-interactive"];
    const { stdout } = await promisify(execFile)("pulumi", args, { cwd, env, timeout: TIMEOUT_MS });
    if (stdout.trim() !== "") return stdout.trim();
  } catch {
    // What it says could hold what it has decrypted.
  }
  throw new Refusal(
    `a restore takes the password of the platform's database role: set PGPASSWORD, or see that \`pulumi config get ${KEY} --stack ${name}\` prints it`,
  );
}
