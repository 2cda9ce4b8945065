import * as pulumi from "@pulumi/pulumi";
import { setImmediate } from "node:timers/promises";
import type { Billing } from "../../billing/contract.ts";
import { buildBilling } from "../../billing/build.ts";
import { formatIssue, formatIssues, type Checked, type Issue } from "../../registry/issues.ts";
import { loadRegistry, type LoadContext } from "../../registry/load.ts";
import { OPERATIONS } from "../../registry/naming.ts";
import { appliedTenants, forbiddenTransitions, shrinkingTenants } from "../../registry/transitions.ts";
import { accessKeysOf } from "../accessKeys.ts";
import { clashIssues, renamedPools } from "./clashes.ts";
import { checkCellConfig, type CellConfig } from "./config.ts";
import { DatabaseServer } from "./databaseServer.ts";
import { directoryIssues } from "./directory.ts";
import { evidenceIssues, lifecycleHooks } from "./leaving.ts";
import { limitOf } from "./limit.ts";
import { limitIssues, requireTargets } from "./limitedRun.ts";
import { missingDataIssues } from "./returning.ts";
import { Operations } from "./operations.ts";
import { poolOutputs, tenantOutputs, type PoolOutput, type TenantOutput } from "./outputs.ts";
import { Fleet } from "./fleet.ts";
import { Foundation } from "./foundation.ts";
import { neededPools } from "./pool.ts";
import { createProviders } from "./providers.ts";
import { CellRecord } from "./record.ts";
import { deployTenants } from "./tenants.ts";

/** Secret configuration `warehouse:databasePassword`; kept out of what is validated and printed. */
const PASSWORD_KEY = "databasePassword";
/** libpq's variable, in place of the configuration. */
const PASSWORD_VARIABLE = "PGPASSWORD";

/** Outputs of a cell's stack. */
export interface CellOutputs {
  readonly tenants: Record<string, TenantOutput>;
  readonly pools: Record<string, PoolOutput>;
  readonly billing: Billing;
}

/**
 * Deploys a cell: configuration → registry → what tenants share → one TenantStack per entry → outputs.
 * Validates everything first and throws once, with every issue, before the first resource is registered.
 * @param projectDir folder of Pulumi.yaml
 */
export async function deployCell(projectDir: string): Promise<CellOutputs> {
  const stack = pulumi.getStack();
  const config = checkCellConfig(plainConfig(), projectDir, stack);
  const password = databasePassword(stack);
  // The registry is checked in any case, so that all issues come at once.
  const loaded = loadRegistry(projectDir, config.ok ? registryContext(config.value) : { baseDomain: "" });
  const clashes = config.ok ? clashIssues(projectDir, stack, config.value) : [];
  if (!config.ok || !loaded.ok || !password.ok || clashes.length > 0) {
    const problems = [config, loaded, password].flatMap((checked) => (checked.ok ? [] : checked.issues));
    throw invalid([...problems, ...clashes]);
  }
  const outputs = await lastOutputs();
  const applied = appliedTenants(outputs);
  const { tenants } = loaded.value;
  const pools = neededPools(loaded.value.pools, tenants, Object.keys(outputs["pools"] ?? {}));
  const limitedTo = limitOf(process.env);
  const forbidden = [
    ...forbiddenTransitions(applied, loaded.value),
    ...renamedPools(projectDir, stack, outputs["pools"], loaded.value.pools),
    ...directoryIssues(tenants, config.value),
    ...(limitedTo === undefined ? [] : limitIssues(limitedTo, config.value, tenants, pools, outputs)),
  ];
  // The bucket is asked only about what the registry may do.
  if (forbidden.length === 0) {
    forbidden.push(...(await evidenceIssues(applied, loaded.value, config.value)));
    forbidden.push(...(await missingDataIssues(applied, loaded.value, config.value)));
  }
  if (forbidden.length > 0) throw invalid(forbidden);

  for (const warning of loaded.value.warnings) await pulumi.log.warn(formatIssue(warning));

  if (limitedTo !== undefined) await requireTargets();
  const cell = config.value;
  const providers = createProviders(cell, password.value);
  // The engine begins while the rest is declared.
  await setImmediate();
  const foundation = new Foundation(cell, { providers }).parts;
  const server = new DatabaseServer({ isClosed: cell.operations }, { providers });
  const keys = accessKeysOf(cell, { providers });
  const operations = cell.operations
    ? new Operations({ cell, foundation, server, keys }, { providers })
    : undefined;
  const { catalogue } = loaded.value;
  // Another cell makes the namespace of the operations where this one does not.
  const namespace = operations === undefined ? OPERATIONS.namespace : operations.namespace;
  const fleet = new Fleet({ cell, namespace, catalogue }, { providers });
  const hooks = lifecycleHooks(loaded.value, cell, () => valueOf(password.value));
  const shrinking = shrinkingTenants(applied, tenants);
  const parts = { cell, foundation, seed: server.seed, keys, tenants, pools, shrinking, hooks };
  const deployed = await deployTenants(limitedTo === undefined ? parts : { ...parts, limitedTo }, {
    providers,
  });
  const all = [server, fleet, ...(operations === undefined ? [] : [operations]), ...deployed];
  new CellRecord({ cell, hooks, all }, { providers });
  return {
    tenants: tenantOutputs(tenants),
    pools: poolOutputs(pools),
    billing: buildBilling(loaded.value, cell.cell),
  };
}

/** How the registry resolves in a cell. */
const registryContext = ({ cell, region, baseDomain, qualifier, maxTenants }: CellConfig): LoadContext => ({
  ...{ cell, region, baseDomain, qualifier },
  ceilings: new Map([[cell, maxTenants]]),
});

/** The value of an output that is known before anything is deployed. */
const valueOf = (output: pulumi.Output<string>): Promise<string> =>
  new Promise((resolve) => {
    output.apply(resolve);
  });

/** An error that the engine prints without a stack trace. */
const invalid = (issues: readonly Issue[]): Error => new pulumi.RunError(formatIssues(issues));

/** The stack's configuration as the engine passes it, without the password. */
function plainConfig(): Record<string, string> {
  const entries = Object.entries(pulumi.runtime.allConfig());
  return Object.fromEntries(entries.filter(([key]) => key !== `warehouse:${PASSWORD_KEY}`));
}

/** The password of the platform's database role: a secret of the stack, or PGPASSWORD of the environment. */
function databasePassword(stack: string): Checked<pulumi.Output<string>> {
  const configured = new pulumi.Config("warehouse").getSecret(PASSWORD_KEY);
  if (configured !== undefined) return { ok: true, value: configured };
  const inherited = process.env[PASSWORD_VARIABLE];
  if (inherited !== undefined && inherited !== "") return { ok: true, value: pulumi.secret(inherited) };
  const message = `is missing; run: pulumi config set --secret warehouse:${PASSWORD_KEY} (or set ${PASSWORD_VARIABLE})`;
  return {
    ok: false,
    issues: [{ file: `Pulumi.${stack}.yaml`, subject: `warehouse:${PASSWORD_KEY}`, message }],
  };
}

/** The outputs that this stack had after its last `up`; none before the first. */
async function lastOutputs(): Promise<Record<string, unknown>> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const result = (await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name })) as {
    outputs?: Record<string, unknown>;
  };
  return result.outputs ?? {};
}
