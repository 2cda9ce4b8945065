import { z } from "zod";
import { isIpv6Range, isPublic, prefixOf } from "./addresses.ts";
import { count, hostName } from "./fields.ts";
import { compareText } from "./issues.ts";
import type { Egress } from "./spec.ts";

/** Integrations the application ships. */
export const INTEGRATIONS = ["sap", "oracle", "quickbooks", "shopify", "woocommerce"] as const;
export type Integration = (typeof INTEGRATIONS)[number];

/** Open to every pod already, to the whole public internet. */
export const HTTPS = 443;

/** Ports that no integration speaks on, and that abuse does: mail, remote shells and file shares. */
const REFUSED_PORTS: readonly number[] = [22, 23, 25, 135, 139, 445, 465, 587, 3389];

/** The largest ranges: 65,536 addresses, and what one organisation gets of IPv6. */
const WIDEST = { ipv4: 16, ipv6: 32 } as const;

const cidr = z
  .union([z.cidrv4(), z.cidrv6()], { error: 'is no range of addresses; write e.g. "203.0.113.10/32"' })
  .superRefine((range, context) => {
    const { ipv4, ipv6 } = WIDEST;
    const widest = isIpv6Range(range) ? ipv6 : ipv4;
    const message =
      prefixOf(range) < widest
        ? `is too wide; name ranges of /${widest} or smaller`
        : isPublic(range)
          ? undefined
          : "is not public: it could be a neighbour, the cluster or a metadata service";
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ examples: ["203.0.113.10/32"] });

const port = count(1, 65_535).refine((value) => !REFUSED_PORTS.includes(value), {
  error: "is a port that no integration uses and abuse does; choose another",
});

const ports = z
  .array(port)
  .min(1, "must name at least one port")
  .max(10, "must be at most 10")
  .meta({ description: "TCP ports. 443 is open to every application; others need cidrs." });

const cidrs = z
  .array(cidr)
  .max(20, "must be at most 20")
  .meta({ description: "Public ranges of addresses that the other ports are opened to. Default: none." });

/** Network policies know addresses only: a port that is not open anyway needs some. */
const addressesAreNamed = ({
  ports,
  cidrs,
}: {
  ports: readonly number[];
  cidrs: readonly string[];
}): boolean => cidrs.length > 0 || ports.every((each) => each === HTTPS);
const NEEDS_CIDRS = {
  path: ["ports"],
  error: "other than 443 need cidrs, the addresses that they are opened to",
};

/** Where the servers of an integration are that all its customers share. */
const shared = z
  .strictObject({
    hosts: z
      .array(
        z
          .string()
          .regex(
            /^(?:\*\.)?(?:[a-z0-9-]+\.)+[a-z]{2,63}$/,
            'is no host; write "api.example.com" or "*.example.com"',
          ),
      )
      .max(20, "must be at most 20")
      .meta({
        description: "Hosts, for people and for firewalls that go by names: no policy enforces them.",
      }),
    ports,
    cidrs: cidrs.default([]),
    ownServers: z.boolean().meta({ description: "Whether a tenant may name a server of its own." }),
  })
  .refine(addressesAreNamed, NEEDS_CIDRS)
  .prefault({ hosts: [], ports: [HTTPS], ownServers: false })
  .meta({ description: "An integration, by its name. Default: HTTPS alone, no servers of customers' own." });

/** `integrations` of tenants/plans.yaml. */
export const integrationCatalogue = z
  .strictObject({ sap: shared, oracle: shared, quickbooks: shared, shopify: shared, woocommerce: shared })
  .prefault({})
  .meta({ description: "What each integration reaches. Default: HTTPS alone." });

type Catalogue = z.output<typeof integrationCatalogue>;

const ownServer = z
  .strictObject({
    host: hostName.meta({ description: "The server's host, for people." }),
    ports,
    cidrs: cidrs.default([]),
  })
  .refine(addressesAreNamed, NEEDS_CIDRS)
  .meta({ description: "A server of the customer's own." });

/** `integrationServers` of an entry. */
export const integrationServers = z.partialRecord(z.enum(INTEGRATIONS), ownServer).meta({
  description: "Servers of the customer's own, for integrations that are switched on. Default: none.",
});

type Servers = z.output<typeof integrationServers>;

/** What the integrations of a tenant reach beside HTTPS: of the servers that all share, and of its own. */
export function egressOf(
  integrations: readonly Integration[],
  servers: Servers,
  catalogue: Catalogue,
): Egress[] {
  return [...integrations].sort(compareText).flatMap((integration) =>
    [catalogue[integration], servers[integration]].flatMap((server) => {
      const special = server?.ports.filter((each) => each !== HTTPS) ?? [];
      return server === undefined || special.length === 0
        ? []
        : [{ integration, cidrs: server.cidrs, ports: special }];
    }),
  );
}
