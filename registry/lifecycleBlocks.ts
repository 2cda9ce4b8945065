import { z } from "zod";
import { day, label, reference, sha256, utcTime, version } from "./fields.ts";
import {
  EXPORTS,
  GRACE_DAYS,
  OFFBOARDING_REASONS,
  SUSPENSION_MODES,
  SUSPENSION_REASONS,
} from "./lifecycle.ts";

/** Blocks of an entry about where the tenant stands in its life and in a rollout. */

export const trial = z
  .strictObject({
    endsAt: utcTime.meta({ description: "When the trial ends; a warning says so, nothing stops by itself." }),
  })
  .meta({ description: "Required in state trial, and only there." });

export const suspension = z
  .strictObject({
    reason: z.enum(SUSPENSION_REASONS).meta({ description: "Why the tenant is suspended." }),
    mode: z
      .enum(SUSPENSION_MODES)
      .default("maintenance")
      .meta({ description: "What its hosts answer: maintenance 503, payment_required 402." }),
  })
  .meta({
    description: "Required in state suspended, and only there. No pods run; data and backups are kept.",
  });

const finalBackup = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^[a-z0-9-]{3,40}-\d{8}T\d{6}Z$/,
        'is no backup id; write "<tenant>-20260131T020000Z" as the final backup printed it',
      )
      .meta({ description: "Identity of the final backup.", examples: ["acme-20260131T020000Z"] }),
    sha256: sha256.meta({ description: "Checksum of the final backup's manifest." }),
    verifiedAt: utcTime.meta({ description: "When its restore was verified." }),
  })
  .meta({ description: "Evidence of the final backup. Required in states archived and deleted." });

export const offboarding = z
  .strictObject({
    reason: z.enum(OFFBOARDING_REASONS).meta({ description: "Why the tenant leaves." }),
    purgeAfter: utcTime.meta({
      description: `Data is kept until then, at least ${GRACE_DAYS} days after since.`,
    }),
    export: z
      .enum(EXPORTS)
      .default("return")
      .meta({ description: "Whether the customer gets the data as a bundle." }),
    finalBackup: finalBackup.optional(),
    confirm: z
      .string()
      .optional()
      .meta({
        description: "The tenant's platform host, repeated. Required in state deleted.",
        examples: ["acme.yourwarehousesaas.com"],
      }),
  })
  .meta({ description: "Required in states offboarding, archived and deleted, and only there." });

export const legalHold = z
  .strictObject({
    caseRef: reference.meta({ description: "The case, opaque here.", examples: ["case-2026-17"] }),
    since: utcTime.meta({ description: "Since when the hold stands." }),
  })
  .meta({ description: "A legal hold: the tenant's data cannot be deleted while it stands. Default: none." });

export const pin = z
  .strictObject({
    version: version.meta({
      description: "Version the tenant runs instead of its ring's; one of releases.versions.",
    }),
    until: day.meta({ description: "Last day of the pin, UTC; past it a warning asks to lift it." }),
    reason: label(200).meta({ description: "Why the tenant does not follow its ring." }),
  })
  .meta({ description: "Keeps the tenant on a version for a time. Default: the tenant follows its ring." });
