/**
 * Text of a registry of many tenants, spread over cells of fifty, as operators write it: every fifth has features of
 * its own and a custom domain, the others what everybody has.
 * @param head what comes before `tenants:`
 */
export function manyTenants(count: number, head: string): string {
  const entries = Array.from({ length: count }, (_, n) => {
    const common = `
  - id: tenant-${n}
    displayName: Tenant ${n} & Sons
    plan: ${n % 3 === 0 ? "enterprise" : "ai_enhanced"}
    since: "2025-10-01T00:00:00Z"
    cell: cell-${Math.floor(n / 50)}
    billing: { customerRef: cus_${n}, subscriptionRef: sub_${n} }
`;
    const own = `    features: { custom_theme: theme_${n}, integrations: [sap, oracle] }
    domains: [{ host: wms.customer-${n}.com, verification: verified }]
`;
    return n % 5 === 0 ? common + own : common;
  });
  return `${head}tenants:${entries.join("")}`;
}
