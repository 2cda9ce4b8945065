import { physicalId, type ExportedStack, type ResourceState } from "./state.ts";

/**
 * Moves pending creations into the resources, or out of the state where creating again is harmless. For each object
 * whose creation had begun the engine cannot know whether it exists: creating it again would fail, forgetting it would
 * orphan it.
 */
export function settlePendingCreates(exported: ExportedStack): {
  readonly stack: ExportedStack;
  readonly adopted: readonly string[];
  readonly dropped: readonly string[];
} {
  const { resources = [], pending_operations: pending = [] } = exported.deployment;
  const known = new Set(resources.map(({ urn }) => urn));
  const adopted: ResourceState[] = [];
  const dropped: string[] = [];
  for (const { type, resource } of pending) {
    if (type !== "creating") continue;
    const id = physicalId(resource);
    // A resource that is in the state too was being replaced: the next `up` sees the old one.
    if (id === undefined || known.has(resource.urn)) dropped.push(resource.urn);
    else adopted.push({ ...resource, id, outputs: resource.inputs ?? {} });
  }
  const deployment = {
    ...exported.deployment,
    resources: [...resources, ...adopted],
    pending_operations: pending.filter(({ type }) => type !== "creating"),
  };
  return { stack: { ...exported, deployment }, adopted: adopted.map(({ urn }) => urn), dropped };
}
