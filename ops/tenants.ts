import type { ObjectStore } from "./storage.ts";

/** A tenant as the bucket knows it. */
export interface StoredTenant {
  readonly tenantId: string;
  /** customers/<id>/ */
  readonly prefix: string;
}

const ROOT = "customers/";

/** The tenants that the bucket has a descriptor of, in the order of their ids. */
export async function tenantsOf(store: ObjectStore): Promise<StoredTenant[]> {
  const tenants: StoredTenant[] = [];
  for (const prefix of await store.folders(ROOT)) {
    if ((await store.size(`${prefix}tenant.json`)) !== undefined)
      tenants.push({ tenantId: prefix.slice(ROOT.length, -1), prefix });
  }
  // Of prefixes, acme-2/ comes before acme/.
  return tenants.sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
}
