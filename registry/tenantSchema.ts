import { z } from "zod";
import { PLAN_NAMES } from "./catalogue.ts";
import { bytes, cellName, label, region, utcTime } from "./fields.ts";
import { integrationServers } from "./integrations.ts";
import { STATES } from "./lifecycle.ts";
import { legalHold, offboarding, pin, suspension, trial } from "./lifecycleBlocks.ts";
import { TENANT_ID, TENANT_ID_LENGTH } from "./naming.ts";
import {
  billing,
  branding,
  credentials,
  domain,
  features,
  migration,
  observability,
  overrides,
} from "./productBlocks.ts";

/** Rollout rings: 0 internal, 1 early, 2 general. */
export const RINGS = [0, 1, 2] as const;
export type Ring = (typeof RINGS)[number];
export const ring = z.literal(RINGS);

const id = z
  .string()
  .min(TENANT_ID_LENGTH.min, `must have at least ${TENANT_ID_LENGTH.min} characters`)
  .max(TENANT_ID_LENGTH.max, `must have at most ${TENANT_ID_LENGTH.max} characters`)
  .regex(
    TENANT_ID,
    "must be lower-case letters, digits and single hyphens, starting with a letter and ending with a letter or digit",
  )
  .meta({
    description: "Identity for ever: every name derives from it, it is never changed and never reused.",
    examples: ["acme"],
  });

/** One tenant. Which blocks a state requires or forbids is said by registry/rules/states.ts. */
export const tenantSchema = z.strictObject({
  id,
  displayName: label(60).optional().meta({
    description:
      "Name in reports and on a dashboard of its own; no personal data, Git keeps it. Default: the id.",
  }),
  plan: z.enum(PLAN_NAMES).meta({ description: "What the customer bought." }),
  state: z
    .enum(STATES)
    .default("active")
    .meta({ description: "Where the tenant stands in its life; past_due is served as before." }),
  since: utcTime.meta({ description: "When the present plan and state took effect. Billing's effectiveAt." }),
  trial: trial.optional(),
  suspension: suspension.optional(),
  offboarding: offboarding.optional(),
  legalHold: legalHold.optional(),
  region: region
    .optional()
    .meta({ description: "Region the tenant lives in. Default: defaults.region, else the cell's." }),
  cell: cellName.optional().meta({
    description: "Cell that deploys the tenant. Default: defaults.cell, else any that reads the file.",
  }),
  ring: ring
    .optional()
    .meta({ description: "Rollout ring: 0 internal, 1 early, 2 general. Default: defaults.ring, else 2." }),
  pin: pin.optional(),
  domains: z.array(domain).default([]).meta({ description: "The customer's own host names." }),
  features: features.prefault({}),
  integrationServers: integrationServers.prefault({}),
  branding: branding.prefault({}),
  overrides: overrides.prefault({}),
  uploadsVolume: bytes.optional().meta({
    description:
      "Size of an uploads volume that was made under a larger plan: a volume never shrinks. Above the plan's storage. Default: the plan's.",
    examples: ["100Gi"],
  }),
  billing: billing.prefault({}),
  migration: migration.optional(),
  credentials: credentials.prefault({}),
  observability: observability.prefault({}),
});

export type TenantEntry = z.output<typeof tenantSchema>;
