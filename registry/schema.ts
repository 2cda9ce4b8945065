import { z } from "zod";
import { AI_WORKFLOWS, CHATBOTS, PLAN_NAMES } from "./catalogue.ts";
import { TENANT_ID, TENANT_ID_LENGTH } from "./naming.ts";

/** States a tenant can be in while it is served. past_due has no effect on the service. */
export const STATES = ["trial", "active", "past_due"] as const;
export type TenantState = (typeof STATES)[number];

/** Integrations the application ships. */
export const INTEGRATIONS = ["sap", "oracle", "quickbooks", "shopify", "woocommerce"] as const;

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;
const VERSION = /^v\d+\.\d+\.\d+$/;
const slug = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,62}$/,
    "must be lower-case letters, digits, - and _, at most 63 characters, starting with a letter",
  );

const timestamp = z.iso.datetime({ error: 'is no UTC time; write "2026-01-31T00:00:00Z"' });

const tenant = z.strictObject({
  id: z
    .string()
    .min(TENANT_ID_LENGTH.min, `must have at least ${TENANT_ID_LENGTH.min} characters`)
    .max(TENANT_ID_LENGTH.max, `must have at most ${TENANT_ID_LENGTH.max} characters`)
    .regex(
      TENANT_ID,
      "must be lower-case letters, digits and single hyphens, starting with a letter and ending with a letter or digit",
    )
    .meta({
      description:
        "Identity for ever: every name derives from it, it is never changed and never reused. 3–40 characters.",
    }),
  displayName: z
    .string()
    .min(1, "must not be empty")
    .max(60, "must be at most 60 characters")
    .optional()
    .meta({ description: "Name on dashboards. Default: the id. No personal data: Git keeps it." }),
  plan: z.enum(PLAN_NAMES).meta({ description: "What the customer bought." }),
  state: z
    .enum(STATES)
    .default("active")
    .meta({ description: "trial, active or past_due (unpaid, served as before). Default: active." }),
  since: timestamp.meta({
    description: "When the present plan and state took effect, RFC 3339 UTC. Billing's effectiveAt.",
  }),
  release: z
    .string()
    .regex(VERSION, 'is no version; write "v2.1.0"')
    .meta({ description: "Version of the application; one of releases.versions." }),
  domains: z
    .array(
      z.strictObject({
        host: z
          .string()
          .max(253, "must be at most 253 characters")
          .regex(HOST, 'is no host name; write e.g. "wms.example.com" in lower case')
          .meta({ description: "The customer's host name." }),
        verification: z
          .enum(["pending", "verified"])
          .meta({ description: "Only verified domains get a certificate and a route." }),
      }),
    )
    .default([])
    .meta({ description: "The customer's own host names. Default: none." }),
  features: z
    .strictObject({
      ai_workflows: z.enum(AI_WORKFLOWS).optional().meta({ description: "Default: the plan's entitlement." }),
      chatbot: z.enum(CHATBOTS).optional().meta({ description: "Default: the plan's entitlement." }),
      custom_theme: slug
        .optional()
        .meta({ description: "Theme that the application loads. Default: its own." }),
      integrations: z
        .array(z.enum(INTEGRATIONS))
        .max(INTEGRATIONS.length)
        .default([])
        .meta({ description: "Default: none." }),
    })
    .prefault({})
    .meta({ description: "Features within the plan's entitlements." }),
  billing: z
    .strictObject({
      customerRef: z
        .string()
        .min(1)
        .max(255)
        .optional()
        .meta({ description: "The customer in the billing system, e.g. cus_…" }),
      subscriptionRef: z
        .string()
        .min(1)
        .max(255)
        .optional()
        .meta({ description: "The subscription in the billing system, e.g. sub_…" }),
    })
    .prefault({})
    .meta({ description: "References into the billing system; opaque here." }),
});

/** `tenants/tenants.yaml`: the registry that operators edit. */
export const registrySchema = z
  .strictObject({
    apiVersion: z.literal("tenantstack.io/tenants/v1").meta({ description: "Format of this file." }),
    releases: z
      .strictObject({
        image: z
          .string()
          .regex(
            /^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+$/,
            'is no image repository; write "registry.example.com/warehouse-saas" without a tag',
          )
          .meta({ description: "Repository of the application's image, without tag." }),
        versions: z
          .record(
            z.string().regex(VERSION, 'is no version; write "v2.1.0"'),
            z.strictObject({
              digest: z
                .string()
                .regex(/^sha256:[0-9a-f]{64}$/, 'is no image digest; write "sha256:" and 64 hex digits')
                .meta({ description: "Digest of the image: tags can move, digests cannot." }),
            }),
          )
          .meta({ description: "Versions that tenants may run." }),
      })
      .meta({ description: "Released versions of the application." }),
    tenants: z
      .array(tenant)
      .min(1, "is empty; an empty registry would end every tenant")
      .meta({ description: "One entry per customer. Entries are never removed." }),
  })
  .meta({ title: "Tenant registry", description: "Every entry becomes an isolated tenant environment." });

export type Registry = z.output<typeof registrySchema>;
export type TenantEntry = Registry["tenants"][number];
