import { readCellConfig, stackNames } from "../components/cell/clashes.ts";
import type { CellConfig } from "../components/cell/config.ts";
import { formatIssues, type Checked } from "../registry/issues.ts";
import { SANDBOX_CONTEXT, SANDBOX_STACK } from "../registry/naming.ts";
import { Refusal, UsageError } from "./failures.ts";
import type { Io } from "./io.ts";
import { pulumi } from "./pulumi.ts";

/** Who asks: the checkout, and the environment that pulumi runs in. */
export type Asking = Pick<Io, "projectDir" | "env">;

/**
 * Whether a stack counts where a command runs: in the environment of the sandbox (`npm run sandbox env`) those on its
 * cluster, elsewhere all others.
 * @param context `warehouse:kubernetes` → `context` of the stack
 */
export const countsIn = (env: NodeJS.ProcessEnv, context: unknown): boolean =>
  (context === SANDBOX_CONTEXT) === (env["PULUMI_STACK"] === SANDBOX_STACK);

/** A stack with its configuration, complete. */
export interface Stack {
  readonly name: string;
  readonly cell: CellConfig;
}

/**
 * The stack whose cluster a command works on.
 * @param given Default: the only one whose configuration is complete, of those that may deploy the tenant
 * @param cell the tenant's cell; undefined where any deploys it
 */
export function stackOf(asking: Asking, given: string | undefined, cell: string | undefined): Stack {
  if (given !== undefined) {
    const config = readConfig(asking.projectDir, given);
    if (!config.ok) throw new Refusal(formatIssues(config.issues));
    if (cell !== undefined && config.value.cell !== cell)
      throw new Refusal(
        `the tenant belongs to the cell ${cell}, and Pulumi.${given}.yaml is ${config.value.cell}; name the --stack of ${cell}`,
      );
    return { name: given, cell: config.value };
  }
  const complete = completeStacks(asking).filter((stack) => cell === undefined || stack.cell.cell === cell);
  const [only, ...others] = complete;
  if (only === undefined)
    throw new UsageError(
      `no Pulumi.<stack>.yaml is complete${cell === undefined ? "" : ` for the cell ${cell}`}; with --stack the command says what is missing${sandboxHint(asking)}`,
    );
  if (others.length > 0)
    throw new UsageError(`name the --stack: ${complete.map(({ name }) => name).join(", ")}`);
  return only;
}

/** What leads to the sandbox from where its stacks do not count; empty where there is none. */
export const sandboxHint = ({ projectDir, env }: Asking): string =>
  !countsIn(env, SANDBOX_CONTEXT) && stackNames(projectDir).includes(SANDBOX_STACK)
    ? `, and eval "$(npm run --silent sandbox env)" leads to the sandbox`
    : "";

/** Every stack whose configuration is complete and that counts here, by name. */
export const completeStacks = ({ projectDir, env }: Asking): Stack[] =>
  stackNames(projectDir).flatMap((name): Stack[] => {
    const config = readConfig(projectDir, name);
    return config.ok && countsIn(env, config.value.kubernetes.context) ? [{ name, cell: config.value }] : [];
  });

/** The outputs of a stack's last run; none before the first. */
export async function stackOutputs(
  { projectDir, env }: Asking,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await pulumi({ cwd: projectDir, env, stack: name }, ["stack", "output", "--json"]);
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

function readConfig(projectDir: string, stack: string): Checked<CellConfig> {
  try {
    return readCellConfig(projectDir, stack);
  } catch {
    throw new Refusal(`there is no Pulumi.${stack}.yaml; name another --stack`);
  }
}
