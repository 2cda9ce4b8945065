import { z } from "zod";
import { parseBytes, parseCpu } from "./quantities.ts";

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

const money = z.int().min(0, "must be 0 or more").max(100_000_000, "must be at most 100000000");
const count = (min: number, max: number) =>
  z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`);

/** A CPU quantity; the value is millicores. */
const cpu = z.string().transform((text, context) => {
  const value = parseCpu(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: 'is no CPU quantity; write "500m" or "2"' });
  return z.NEVER;
});

/** A memory or storage quantity; the value is bytes. */
const bytes = z.string().transform((text, context) => {
  const value = parseBytes(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: 'is no quantity in binary units; write "512Mi" or "10Gi"' });
  return z.NEVER;
});

const CRON_FIELDS = /^(?:\*|\d{1,2}) (?:\*|\*\/\d{1,2}|\d{1,2}) \* \* \*$/;

const plan = z
  .strictObject({
    displayName: z
      .string()
      .min(1, "must not be empty")
      .max(60, "must be at most 60 characters")
      .meta({ description: "Name on invoices and dashboards." }),
    priceMinor: money.meta({ description: "Price a month in minor units (cents)." }),
    cost: z
      .strictObject({
        totalMinor: money.meta({ description: "Estimated cost a month, minor units." }),
        aiMinor: money.meta({ description: "Share of the total for AI processing, minor units." }),
        supportMinor: money.meta({ description: "Share of the total for dedicated support, minor units." }),
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
      .strictObject({ min: count(1, 100), max: count(1, 100) })
      .meta({ description: "Bounds of the autoscaler." }),
    database: z
      .strictObject({
        appConnections: count(1, 1000).meta({ description: "Connections of the application's login." }),
        migrateConnections: count(1, 100).meta({ description: "Connections of the migration login." }),
        backupConnections: count(1, 100).meta({ description: "Connections of the backup login." }),
        connections: count(1, 1000).meta({ description: "Connections to the database in all." }),
      })
      .meta({
        description: "Connection limits (facts: one tenant without limits locked its neighbours out).",
      }),
    entitlements: z
      .strictObject({
        aiWorkflows: z.enum(AI_WORKFLOWS).meta({ description: "The most a tenant of this plan may use." }),
        chatbot: z.enum(CHATBOTS).meta({ description: "The most a tenant of this plan may use." }),
        support: z.enum(["standard", "dedicated"]).meta({ description: "Support level." }),
        customDomains: count(0, 100).meta({ description: "The most custom domains." }),
        branding: z.boolean().meta({ description: "Whether a custom theme may be set." }),
        integrations: z.boolean().meta({ description: "Whether integrations may be set." }),
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
        retainDays: count(1, 3650).meta({ description: "Days a backup is kept." }),
      })
      .meta({ description: "Backup schedule and retention." }),
    slo: z
      .strictObject({
        availability: z
          .number()
          .gt(0, "must be above 0")
          .lt(1, "must be below 1")
          .meta({ description: "Share of good requests over 30 days." }),
        p95Ms: count(1, 60_000).meta({ description: "95th percentile of the response time, milliseconds." }),
        backupMaxAgeMinutes: count(1, 100_000).meta({
          description: "Age of the newest verified backup that raises an alert, minutes.",
        }),
      })
      .meta({ description: "Service level objective." }),
  })
  .superRefine((value, context) => {
    if (value.cost.aiMinor + value.cost.supportMinor > value.cost.totalMinor) {
      context.addIssue({
        code: "custom",
        path: ["cost", "totalMinor"],
        message: "is less than its AI and support shares together",
      });
    }
    if (value.replicas.min > value.replicas.max) {
      context.addIssue({
        code: "custom",
        path: ["replicas", "max"],
        message: `is below replicas.min (${value.replicas.min})`,
      });
    }
    const { appConnections, migrateConnections, backupConnections, connections } = value.database;
    if (connections < appConnections + migrateConnections + backupConnections) {
      context.addIssue({
        code: "custom",
        path: ["database", "connections"],
        message: `is below what its logins may open together (${appConnections + migrateConnections + backupConnections})`,
      });
    }
  });

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
    plans: z.strictObject({ starter: plan, professional: plan, ai_enhanced: plan, enterprise: plan }),
  })
  .meta({ title: "Plan catalogue", description: "What the warehouse SaaS sells." });

export type Catalogue = z.output<typeof catalogueSchema>;
export type Plan = Catalogue["plans"][PlanName];
