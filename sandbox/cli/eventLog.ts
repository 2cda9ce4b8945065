/** One line of the engine's event log, as far as it matters here. */
interface EngineEvent {
  readonly timestamp?: number;
  readonly resourcePreEvent?: { readonly metadata?: EventMetadata };
  readonly resOutputsEvent?: { readonly metadata?: EventMetadata };
  readonly resOpFailedEvent?: { readonly metadata?: EventMetadata };
}

interface EventMetadata {
  readonly urn?: string;
  readonly op?: string;
}

const COMPONENT = "warehouse:tenancy:TenantStack";

/**
 * The tenant a resource belongs to, from its URN: its parent types name the component, and its logical name
 * starts with the tenant's id. Of `acme` and `acme-2`, the longer one that fits.
 */
export function tenantOf(urn: string, tenants: readonly string[]): string | undefined {
  const [, , , type = "", ...rest] = urn
    .split("::")
    .flatMap((part, index) => (index === 0 ? ["", part] : [part]));
  const name = rest.join("::");
  if (!type.split("$").includes(COMPONENT)) return undefined;
  return tenants
    .filter((id) => name === id || name.startsWith(`${id}-`))
    .sort((left, right) => right.length - left.length)[0];
}

/** A step that changed a resource: which, and when (seconds). */
export interface Step {
  readonly urn: string;
  readonly at: number;
}

/** What matters of a line of the event log, whose other parts hold the resources' secrets. */
export function changeOf(line: string): Step | undefined {
  let event: EngineEvent;
  try {
    event = JSON.parse(line) as EngineEvent;
  } catch {
    return undefined; // The last line of a killed update.
  }
  const metadata = (event.resourcePreEvent ?? event.resOutputsEvent ?? event.resOpFailedEvent)?.metadata;
  if (metadata?.urn === undefined || event.timestamp === undefined) return undefined;
  return metadata.op === "same" || metadata.op === "read"
    ? undefined
    : { urn: metadata.urn, at: event.timestamp };
}

/** Seconds from the first to the last step of each tenant that the update changed; unchanged ones are left out. */
export function tenantSeconds(
  steps: readonly Step[],
  tenants: readonly string[],
): ReadonlyMap<string, number> {
  const spans = new Map<string, { first: number; last: number }>();
  for (const { urn, at } of steps) {
    const tenant = tenantOf(urn, tenants);
    if (tenant === undefined) continue;
    const span = spans.get(tenant);
    spans.set(tenant, { first: Math.min(span?.first ?? at, at), last: Math.max(span?.last ?? at, at) });
  }
  return new Map([...spans].map(([tenant, { first, last }]) => [tenant, last - first]));
}
