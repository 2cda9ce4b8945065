import type { TenantRecord } from "./records.ts";

/** What to say of an entry that was there before and is no more. */
export function missingMessage(gone: TenantRecord, added: readonly TenantRecord[]): string {
  if (gone.state === "deleted")
    return "is a tombstone that is no longer in the registry: it keeps the id and its hosts from being given away again; put it back";
  const heir = added.map((record) => ({ record, sign: sameTenant(gone, record) })).find(({ sign }) => sign);
  return heir === undefined
    ? "is live but no longer in the registry: removing or renaming an entry would destroy the tenant's data; put it back, ids never change (another name is a displayName)"
    : `is live but no longer in the registry, where "${heir.record.id}" has its ${heir.sign ?? ""}: this looks like a renaming, which would destroy the tenant's data; put the id back, ids never change (another name is a displayName)`;
}

/** What shows that an entry is another under a new id. */
function sameTenant(gone: TenantRecord, record: TenantRecord): string | undefined {
  if (gone.subscriptionRef !== undefined && gone.subscriptionRef === record.subscriptionRef)
    return "subscription";
  const host = gone.hosts?.find((name) => record.hosts?.includes(name));
  if (host !== undefined) return `host ${host}`;
  return gone.customerRef !== undefined && gone.customerRef === record.customerRef ? "customer" : undefined;
}
