import { z } from "zod";
import { bytes, count, cpu, label } from "./fields.ts";
import { integrationCatalogue } from "./integrations.ts";
import { planChecks } from "./planChecks.ts";
import { RETENTION_DAYS } from "./retention.ts";

/** The four plans, cheapest first. */
export const PLAN_NAMES = ["starter", "professional", "ai_enhanced", "enterprise"] as const;
export type PlanName = (typeof PLAN_NAMES)[number];

/**
 * Where a tenant runs. pool: shared container, shared database; bridge: shared container, own database;
 * silo: own container, own database.
 */
export const PLACEMENTS = ["pool", "bridge", "silo"] as const;
export type Placement = (typeof PLACEMENTS)[number];

export const AI_WORKFLOWS = ["none", "core", "full"] as const;
export const CHATBOTS = ["none", "advanced", "enterprise"] as const;

/** Money in minor units (cents). */
const money = count(0, 100_000_000).meta({ unit: "minor units" });

/** A minute, and an hour, every hour or every so many hours. */
const CRON_FIELDS = /^[1-5]?\d (?:\*|\*\/(?:[1-9]|1\d|2[0-3])|1?\d|2[0-3]) \* \* \*$/;

const planFields = z.strictObject({
  displayName: label(60).meta({ description: "Name on invoices and dashboards." }),
  priceMinor: money.meta({ description: "Price a month." }),
  cost: z
    .strictObject({
      totalMinor: money.meta({ description: "Estimated cost a month." }),
      aiMinor: money.meta({ description: "Share of the total for AI processing." }),
      supportMinor: money.meta({ description: "Share of the total for dedicated support." }),
    })
    .meta({ description: "Cost estimate; what is neither AI nor support is compute." }),
  placement: z.enum(PLACEMENTS).meta({ description: "pool, bridge or silo." }),
  resources: z
    .strictObject({
      cpu: cpu.meta({
        description: "CPU guaranteed to the tenant over its minimum of replicas, e.g. 500m or 2.",
      }),
      memory: bytes.meta({
        description: "Memory guaranteed to the tenant over its minimum of replicas, e.g. 2Gi.",
      }),
      storage: bytes.meta({ description: "Storage for uploaded files, e.g. 50Gi." }),
    })
    .meta({ description: "What the plan sells." }),
  replicas: z
    .strictObject({
      min: count(1, 100).meta({ description: "Fewest pods." }),
      max: count(1, 100).meta({ description: "Most pods." }),
    })
    .meta({ description: "Bounds of the autoscaler: of the tenant's own pods, or of the pool's." }),
  pool: z
    .strictObject({
      cpu: cpu.meta({ description: "CPU of each pod of the pool, e.g. 500m." }),
      memory: bytes.meta({ description: "Memory of each pod of the pool, e.g. 1Gi." }),
      storage: bytes.meta({ description: "Storage for the uploaded files of all its tenants, e.g. 500Gi." }),
    })
    .optional()
    .meta({
      description: "The application that tenants of placement pool or bridge share. Required there.",
    }),
  database: z
    .strictObject({
      appConnections: count(1, 1000).meta({ description: "Connections of the application's login." }),
      migrateConnections: count(1, 100).meta({ description: "Connections of the migration login." }),
      backupConnections: count(1, 100).meta({ description: "Connections of the backup login." }),
      connections: count(1, 1000).meta({ description: "Connections to the database in all." }),
    })
    .meta({
      description: "Connection limits: one tenant without them can lock its neighbours out.",
    }),
  entitlements: z
    .strictObject({
      aiWorkflows: z.enum(AI_WORKFLOWS).meta({ description: "The most a tenant of this plan may use." }),
      chatbot: z.enum(CHATBOTS).meta({ description: "The most a tenant of this plan may use." }),
      support: z.enum(["standard", "dedicated"]).meta({ description: "Support level." }),
      customDomains: count(0, 100).meta({ description: "The most custom domains." }),
      branding: z.boolean().meta({ description: "Whether a custom theme and a white label may be set." }),
      integrations: z.boolean().meta({ description: "Whether integrations may be set." }),
      customization: z.boolean().meta({ description: "Whether overrides may be set." }),
      versionPin: z.boolean().meta({ description: "Whether the tenant may be pinned to a version." }),
    })
    .meta({ description: "What the plan allows; a tenant's features stay within it." }),
  backup: z
    .strictObject({
      schedule: z
        .string()
        .regex(
          CRON_FIELDS,
          'is no supported schedule; write minute and hour, e.g. "0 2 * * *" or "0 */6 * * *"',
        )
        .meta({ description: "Cron schedule in UTC; the minute is spread by tenant." }),
      retainDays: z
        .literal(RETENTION_DAYS)
        .meta({ description: "How long a backup is kept: one of the bucket's rules.", unit: "days" }),
    })
    .meta({ description: "Backup schedule and retention." }),
  slo: z
    .strictObject({
      availability: z
        .number()
        .gt(0, "must be above 0")
        .lt(1, "must be below 1")
        .meta({ description: "Share of good requests over 30 days, above 0 and below 1." }),
      p95Ms: count(1, 60_000).meta({ description: "95th percentile of the response time.", unit: "ms" }),
      backupMaxAgeMinutes: count(1, 100_000).meta({
        description: "Age of the newest verified backup that raises an alert.",
        unit: "minutes",
      }),
    })
    .meta({ description: "Service level objective." }),
});

/** One plan. */
export type Plan = z.output<typeof planFields>;

const plan = planFields
  .superRefine((value, context) => {
    for (const check of planChecks) {
      const found = check(value);
      if (found !== undefined) context.addIssue({ code: "custom", ...found, path: [...found.path] });
    }
  })
  .meta({ description: "A plan, by its name." });

/** `tenants/plans.yaml`: prices, costs and what each plan grants. */
export const catalogueSchema = z
  .strictObject({
    apiVersion: z.literal("tenantstack.io/plans/v1").meta({ description: "Format of this file." }),
    catalogVersion: z
      .string()
      .min(1, "must not be empty")
      .meta({ description: "Raised whenever a price or cost changes; billing records carry it." }),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'is no ISO 4217 code; write e.g. "USD"')
      .meta({ description: "ISO 4217 code." }),
    plans: z
      .strictObject({ starter: plan, professional: plan, ai_enhanced: plan, enterprise: plan })
      .meta({ description: "The four plans; all have the same fields." }),
    integrations: integrationCatalogue,
  })
  .meta({ title: "Plan catalogue", description: "What the warehouse SaaS sells." });

export type Catalogue = z.output<typeof catalogueSchema>;
