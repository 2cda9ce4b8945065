import { platformHost } from "../naming.ts";
import { perTenant, unique, type Rule } from "./rule.ts";

/** A host leads to one tenant; tombstones keep theirs. */
export const uniqueHosts: Rule = unique(
  ({ domains }) => domains.map(({ host }, at) => ({ key: host, path: ["domains", at, "host"] })),
  (host, _tenant, first) =>
    `"${host}" already belongs to "${first.entry.id}" at ${first.place}; a host leads to one tenant`,
);

/** Hosts on the platform's own domain come from ids, never from `domains`. */
export const domainsAreForeign: Rule = perTenant(({ domains }, { context: { baseDomain } }) =>
  domains.map(({ host }, at) => {
    const path = ["domains", at, "host"];
    if (host === baseDomain || host.endsWith(`.${baseDomain}`))
      return {
        path,
        message: `"${host}" is on the platform's domain ${baseDomain}; remove it, ids give those hosts`,
      };
    if (baseDomain.endsWith(`.${host}`))
      return {
        path,
        message: `"${host}" is above the platform's domain ${baseDomain}; it cannot be a customer's`,
      };
    return undefined;
  }),
);

/** The platform's host of a tenant is short enough to be looked up. */
export const platformHostsFit: Rule = perTenant(({ id }, { context: { baseDomain } }) => [
  platformHost(id, baseDomain).length > 253
    ? { path: ["id"], message: `"${id}" makes a host of more than 253 characters on ${baseDomain}` }
    : undefined,
]);
