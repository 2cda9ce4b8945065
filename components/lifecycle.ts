import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { Resource, ResourceHook } from "@pulumi/pulumi";
import { LIFECYCLE } from "../registry/naming.ts";
import { FIRST_TO_GO } from "./cell/leaving.ts";
import type { TenantScope } from "./scope.ts";

/**
 * Where the tenant stands in its life, as it was brought about completely: the ConfigMap depends on everything of the
 * tenant, so it changes last, and goes first. Its hook decides whether anything may go.
 * @param all what it depends on
 */
export function createLifecycle(
  { spec, name, labels, parent, namespace }: TenantScope,
  all: Resource,
  beforeDelete: readonly ResourceHook[],
): Resource {
  const { state, since, leaving } = spec;
  return new ConfigMap(
    `${name}-${FIRST_TO_GO}`,
    {
      metadata: { name: LIFECYCLE, namespace, labels },
      data: {
        state,
        since,
        ...(leaving === undefined ? {} : { purgeAfter: leaving.purgeAfter }),
        ...(leaving?.finalBackup === undefined ? {} : { finalBackup: leaving.finalBackup.id }),
      },
    },
    { parent, dependsOn: [all], hooks: { beforeDelete: [...beforeDelete] } },
  );
}
