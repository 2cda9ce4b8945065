import { isDeepStrictEqual } from "node:util";
import { ComponentResource, ResourceHook } from "@pulumi/pulumi";
import { REGISTRY_FILE } from "../../registry/files.ts";
import type { Issue } from "../../registry/issues.ts";
import { concernsItAlone, type PoolSpec, type TenantSpec } from "../../registry/spec.ts";
import { LIMIT_VARIABLE } from "./limit.ts";
import type { CellConfig } from "./config.ts";
import { poolOutputs, tenantOutputs, type TenantOutput } from "./outputs.ts";

/**
 * Why a run cannot be limited to these tenants: one of them has a part in what others share but for a pool's directory,
 * or another tenant or a pool changes too, whose new record the outputs would have although nothing was done about it.
 * @param outputs those of the last `up`
 */
export function limitIssues(
  limitedTo: ReadonlySet<string>,
  { edge }: Pick<CellConfig, "edge">,
  tenants: readonly TenantSpec[],
  pools: readonly PoolSpec[],
  outputs: Readonly<Record<string, unknown>>,
): Issue[] {
  const refused = (subject: string, why: string): Issue => ({
    file: REGISTRY_FILE,
    subject,
    message: `${why}, so the run cannot be limited to some tenants; run the whole cell: npx tenant up --whole`,
  });
  const deployed = (outputs["tenants"] ?? {}) as Readonly<Record<string, TenantOutput>>;
  const specs = new Map(tenants.map((spec) => [spec.id, spec]));
  const changed = (next: Readonly<Record<string, unknown>>, output: unknown): string[] => {
    const last = (output ?? {}) as Readonly<Record<string, unknown>>;
    return [...new Set([...Object.keys(next), ...Object.keys(last)])].filter(
      (key) => !isDeepStrictEqual(next[key], last[key]),
    );
  };
  return [
    ...[...limitedTo].flatMap((id) => {
      const spec = specs.get(id);
      if (spec === undefined) return [refused(id, "is no tenant of this cell that exists")];
      return concernsItAlone(deployed[id], spec, edge.mode === "gateway")
        ? []
        : [refused(id, "has a part in what tenants share")];
    }),
    ...[
      ...changed(tenantOutputs(tenants), outputs["tenants"]).filter((id) => !limitedTo.has(id)),
      ...changed(poolOutputs(pools), outputs["pools"]),
    ].map((subject) => refused(subject, "differs from what was deployed last")),
  ];
}

/**
 * Fails unless the run is limited by `--target` too: the engine then leaves out this component, which is no target. In
 * any other run its creation fails, before anything else is registered and long before anything is deleted.
 */
export async function requireTargets(): Promise<void> {
  const refuse = new ResourceHook("run-needs-targets", () =>
    Promise.reject(
      new Error(
        `${LIMIT_VARIABLE} is set, but the run has no --target; unset it, or let \`npx tenant up\` set both`,
      ),
    ),
  );
  const guard = new LimitedRun({ hooks: { beforeCreate: [refuse] } });
  await new Promise((resolve) => guard.urn.apply(resolve));
}

/** Never created. */
class LimitedRun extends ComponentResource {
  constructor(opts: ConstructorParameters<typeof ComponentResource>[3]) {
    super("warehouse:tenancy:LimitedRun", "limited-run", {}, opts);
    this.registerOutputs({});
  }
}
