import { z } from "zod";
import { AI_WORKFLOWS, CHATBOTS, PLAN_NAMES } from "./catalogue.ts";
import { bytes, count, hostName, label, reference, sha256, slug } from "./fields.ts";
import { INTEGRATIONS } from "./integrations.ts";
import { MOVE_PHASES } from "./placement.ts";

/** Blocks of an entry about what the tenant gets and pays. */

export const domain = z.strictObject({
  host: hostName.meta({ description: "The customer's host name; other scripts in punycode." }),
  verification: z
    .enum(["pending", "verified"])
    .meta({ description: "Only verified domains get a certificate and a route." }),
});

export const features = z
  .strictObject({
    ai_workflows: z
      .enum(AI_WORKFLOWS)
      .optional()
      .meta({ description: "AI workflows. Default: the plan's entitlement." }),
    chatbot: z.enum(CHATBOTS).optional().meta({ description: "Chatbot. Default: the plan's entitlement." }),
    custom_theme: slug.optional().meta({
      description: "Theme that the application loads. Default: its own.",
      examples: ["acme_branding"],
    }),
    integrations: z
      .array(z.enum(INTEGRATIONS))
      .max(INTEGRATIONS.length, `must be at most ${INTEGRATIONS.length}`)
      .default([])
      .meta({ description: "Integrations that are switched on, each once." }),
  })
  .meta({ description: "Features within the plan's entitlements." });

export const branding = z
  .strictObject({
    productName: label(60)
      .optional()
      .meta({ description: "Name of the product. Default: the application's." }),
    primaryColor: z
      .string()
      .regex(/^#[0-9a-f]{6}$/, 'is no colour; write "#1a2b3c" in lower case')
      .optional()
      .meta({ description: "Main colour. Default: the theme's.", examples: ["#1a2b3c"] }),
    logoUrl: z
      .url({ protocol: /^https$/, hostname: z.regexes.domain, error: 'is no URL; write "https://…"' })
      .max(2048, "must be at most 2048 characters")
      .refine(isPlainUrl, "must have no user name and no password")
      .optional()
      .meta({ description: "Logo. Default: the theme's.", examples: ["https://cdn.example.com/logo.svg"] }),
  })
  .meta({ description: "White label, where the plan includes branding." });

/** A URL that carries no credentials. */
function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === "" && url.password === "";
}

export const overrides = z
  .strictObject({
    replicas: z
      .strictObject({
        min: count(1, 100).meta({ description: "Fewest pods; the plan's CPU and memory spread over them." }),
        max: count(1, 100).meta({ description: "Most pods." }),
      })
      .optional()
      .meta({ description: "Bounds of the autoscaler within the plan's. Default: the plan's." }),
    storage: bytes
      .optional()
      .meta({ description: "Uploads volume, at most the plan's. It never shrinks. Default: the plan's." }),
  })
  .meta({ description: "Where the plan includes customization. Default: none." });

export const billing = z
  .strictObject({
    customerRef: reference
      .optional()
      .meta({ description: "The customer in the billing system. Default: none.", examples: ["cus_acme"] }),
    subscriptionRef: reference.optional().meta({
      description: "The subscription in the billing system, one tenant's alone. Default: none.",
      examples: ["sub_acme"],
    }),
  })
  .meta({ description: "References into the billing system; opaque here." });

export const migration = z
  .strictObject({
    kind: z.enum(["placement", "region", "cell"]).meta({ description: "What the tenant moves between." }),
    from: z
      .enum(PLAN_NAMES)
      .optional()
      .meta({ description: "The plan the tenant moves from. Required for kind placement." }),
    phase: z.enum(MOVE_PHASES).meta({
      description: "How far the move has come. Until cutover the tenant is served and billed by `from`.",
    }),
    checksum: sha256.optional().meta({
      description:
        "Checksum of the data, as the cutover's Job printed it. Required in phases soak and cleanup.",
    }),
  })
  .meta({
    description:
      "A move to a plan with another placement, phase by phase; docs/runbooks/move-a-tenant.md. Moves between regions or cells are not deployable in this version.",
  });

/** How a tenant is looked at: its plan's dashboard, in which one chooses it, or one of its own besides. */
export const DASHBOARDS = ["shared", "dedicated"] as const;

export const observability = z
  .strictObject({
    dashboard: z.enum(DASHBOARDS).default("shared").meta({
      description:
        "dedicated: a dashboard of the tenant's own beside its plan's. Plans of placement silo only.",
    }),
  })
  .meta({ description: "What Grafana shows of the tenant." });

export const credentials = z
  .strictObject({
    rotation: count(0, 10_000)
      .default(0)
      .meta({ description: "Raise it by one to replace the passwords of the tenant's database logins." }),
  })
  .meta({ description: "The tenant's generated credentials." });
