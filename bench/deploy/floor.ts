import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { measure, type Measured } from "./measure.ts";

/**
 * The floor for a tool that keeps state: Terraform with `for_each` over the same registry, and as many `terraform_data` a
 * tenant as Pulumi has resources. They are made by nobody: what is measured is the program, the graph and the state.
 */
export interface Floor {
  apply(registry: string): Promise<Measured>;
  /** Of what was applied last: fails if that is not all there. */
  plan(): Promise<Measured>;
  stateBytes(): number;
}

interface Tenants {
  readonly tenants: readonly { readonly id: string; readonly plan: string }[];
}
interface State {
  readonly serial: number;
  readonly resources: readonly { readonly instances: readonly object[] }[];
}

const SAMPLE = { id: "sample-id", plan: "sample-plan" };

/** A floor whose state has all tenants of a registry. */
export async function openFloor(
  folder: string,
  terraform: string,
  resourcesPerTenant: number,
  registry: string,
  env: NodeJS.ProcessEnv,
): Promise<Floor> {
  mkdirSync(folder, { recursive: true });
  const parts = Array.from(
    { length: resourcesPerTenant },
    (_, n) => `resource "terraform_data" "part_${n}" {
  for_each = local.tenants
  input    = { tenant = each.key, plan = each.value.plan, name = "\${each.key}-part-${n}", labels = { customer = each.key } }
}
`,
  );
  writeFileSync(
    join(folder, "main.tf"),
    `locals {
  tenants = { for tenant in yamldecode(file("\${path.module}/tenants.yaml")).tenants : tenant.id => tenant }
}
${parts.join("")}`,
  );
  const place = { cwd: folder, env: { ...env, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1" } };
  const [tenantsFile, stateFile] = [join(folder, "tenants.yaml"), join(folder, "terraform.tfstate")];
  const run = (...args: readonly string[]): Promise<Measured> =>
    measure([terraform, ...args, "-no-color", "-input=false"], place);
  const apply = (text: string): Promise<Measured> => {
    writeFileSync(tenantsFile, text);
    return run("apply", "-auto-approve");
  };

  // Terraform writes the whole state after each resource: the first apply of some hundred tenants would take most of an hour. So
  // one tenant is applied, and its part of the state is written for the others.
  await run("init");
  await apply(stringify({ tenants: [SAMPLE] }));
  const sample = JSON.parse(readFileSync(stateFile, "utf8")) as State;
  const { tenants } = parse(registry) as Tenants;
  const resources = sample.resources.map((resource) => {
    const text = JSON.stringify(resource.instances[0]);
    const instances = tenants.map(
      ({ id, plan }) => JSON.parse(text.replaceAll(SAMPLE.id, id).replaceAll(SAMPLE.plan, plan)) as object,
    );
    return { ...resource, instances };
  });
  writeFileSync(stateFile, JSON.stringify({ ...sample, serial: sample.serial + 1, resources }, null, 2));
  writeFileSync(tenantsFile, registry);

  return {
    apply,
    plan: () => run("plan", "-detailed-exitcode"),
    stateBytes: () => statSync(stateFile).size,
  };
}
