import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measure, type Measured } from "./measure.ts";

/**
 * The floor for a tool that keeps state: OpenTofu with `for_each` over the same registry, and as many `terraform_data` a
 * tenant as Pulumi has resources. They are made by nobody: what is measured is the program, the graph and the state.
 */
export interface Floor {
  apply(registry: string): Promise<Measured>;
  plan(): Promise<Measured>;
}

export async function openFloor(
  folder: string,
  tofu: string,
  resourcesPerTenant: number,
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
  const run = (...args: readonly string[]): Promise<Measured> =>
    measure([tofu, ...args, "-no-color", "-input=false"], place);
  writeFileSync(join(folder, "tenants.yaml"), "tenants: []\n");
  await run("init");
  return {
    apply(registry) {
      writeFileSync(join(folder, "tenants.yaml"), registry);
      return run("apply", "-auto-approve");
    },
    plan: () => run("plan"),
  };
}
