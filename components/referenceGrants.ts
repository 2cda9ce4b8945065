import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { createHash } from "node:crypto";
import { GATEWAY_API, GRANT, namespaceName } from "../registry/naming.ts";
import type { TenantSpec } from "../registry/spec.ts";
import type { NamespacedScope } from "./scope.ts";

/** Namespaces that a ReferenceGrant can list at most (Gateway API 1.x, `spec.from`). */
const MOST = 16;

/** Allows the routes of a pool's tenants, and no other kind of object of theirs, to lead to the pool's Services. */
export function createReferenceGrants(
  { name, labels, parent, namespace }: NamespacedScope,
  tenants: readonly TenantSpec[],
): void {
  for (const [suffix, ids] of grantGroups(tenants.map(({ id }) => id))) {
    const end = suffix === "" ? "" : `-${suffix}`;
    new CustomResource(
      `${name}-reference-grant${end}`,
      {
        apiVersion: `${GATEWAY_API}/v1`,
        kind: "ReferenceGrant",
        metadata: { name: `${GRANT}${end}`, namespace, labels },
        spec: {
          from: ids.map((id) => ({ group: GATEWAY_API, kind: "HTTPRoute", namespace: namespaceName(id) })),
          to: [{ group: "", kind: "Service" }],
        },
      },
      { parent },
    );
  }
}

/**
 * Ids in groups of at most 16, by the first bits of their hashes, which are the group's key. A group that grows too large
 * makes way for two: a tenant stays where it is, or is in the new group before the old one goes.
 */
export function grantGroups(ids: readonly string[], key = ""): [key: string, ids: readonly string[]][] {
  if (ids.length <= MOST) return ids.length === 0 ? [] : [[key, ids]];
  return ["0", "1"].flatMap((bit) =>
    grantGroups(
      ids.filter((id) => bitOf(id, key.length) === bit),
      key + bit,
    ),
  );
}

function bitOf(id: string, index: number): string {
  const byte = createHash("sha256").update(id).digest()[Math.floor(index / 8)] ?? 0;
  return String((byte >> (7 - (index % 8))) & 1);
}
