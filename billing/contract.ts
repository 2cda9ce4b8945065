import { z } from "zod";
import { PLACEMENTS } from "../registry/catalogue.ts";
import { STATES } from "../registry/lifecycle.ts";

const minor = z.int();

const tenantRecord = z.object({
  tenantId: z.string(),
  customerRef: z.string().nullable().meta({ description: "Customer in the billing system." }),
  subscriptionRef: z.string().nullable().meta({ description: "Subscription in the billing system." }),
  plan: z.string().meta({ description: "Plan that serves, e.g. enterprise. There may be others later." }),
  placement: z
    .enum(PLACEMENTS)
    .meta({ description: "Where the tenant runs: pool, bridge or silo. No part of the revision." }),
  state: z.enum(STATES),
  billable: z
    .boolean()
    .meta({ description: "Whether the price is due: not in a trial, a suspension or after the end." }),
  effectiveAt: z.string().meta({ description: "RFC 3339 UTC: since when plan and state hold." }),
  interval: z.literal("month"),
  priceMinor: minor.min(0).meta({ description: "Price an interval, minor units." }),
  estimatedCostMinor: minor.min(0).meta({ description: "Estimated cost an interval, minor units." }),
  costBreakdownMinor: z.object({ compute: minor, ai: minor, support: minor }),
  grossMarginMinor: minor.meta({ description: "Price less estimated cost." }),
  grossMarginBps: minor.meta({
    description: "Margin in basis points of the price, rounded; 0 for a price of 0.",
  }),
  entitlements: z.object({
    cpuMillicores: z.int().min(0),
    memoryBytes: z.int().min(0),
    storageBytes: z.int().min(0),
  }),
  revision: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .meta({ description: "Digest of what is charged and granted: the same revision asks for nothing new." }),
  idempotencyKey: z.string().meta({ description: "billing-v1:<tenant>:<revision>" }),
});

/**
 * Contract v1 of the stack output `billing`. Consumers ignore fields they do not know: the published schema lets them
 * pass, and a later 1.x may bring some. What is here stays.
 */
export const billingSchema = z
  .object({
    contract: z.literal("tenantstack.io/billing"),
    contractVersion: z.string().regex(/^1\.\d+\.\d+$/),
    cell: z.string().meta({ description: "The cell whose tenants these are." }),
    catalogVersion: z.string().meta({ description: "Version of the plan catalogue the prices are from." }),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .meta({ description: "ISO 4217." }),
    tenants: z.record(z.string(), tenantRecord),
    totals: z.object({
      billableCount: z.int().min(0),
      mrrMinor: minor.meta({ description: "Prices of the billable tenants." }),
      estimatedCostMinor: minor.meta({ description: "Estimated cost of the tenants that still exist." }),
    }),
  })
  .meta({ title: "Stack output `billing`, contract v1" });

export type Billing = z.output<typeof billingSchema>;
export type BillingRecord = z.output<typeof tenantRecord>;
