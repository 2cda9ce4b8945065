import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { Resource } from "@pulumi/pulumi";
import { LIFECYCLE } from "../registry/naming.ts";
import { lifecycleData } from "../registry/records.ts";
import { FIRST_TO_GO, type LifecycleHooks } from "./cell/leaving.ts";
import type { TenantScope } from "./scope.ts";

/**
 * Where the tenant stands in its life, as it was brought about completely: the ConfigMap depends on everything of the
 * tenant, so it changes last, and goes first. Its hooks decide whether anything may go, and hold what is in the bucket.
 * @param all what it depends on
 */
export function createLifecycle(
  { spec, name, labels, parent, namespace }: TenantScope,
  all: Resource,
  { tenant, hold }: Pick<LifecycleHooks, "tenant" | "hold">,
): Resource {
  return new ConfigMap(
    `${name}-${FIRST_TO_GO}`,
    {
      metadata: { name: LIFECYCLE, namespace, labels },
      data: lifecycleData(spec),
    },
    {
      parent,
      dependsOn: [all],
      hooks: { beforeCreate: [...hold], beforeUpdate: [...hold], beforeDelete: [...tenant] },
    },
  );
}
