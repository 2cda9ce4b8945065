import { z } from "zod";
import { cellName, count, imageDigest, label, region, version } from "./fields.ts";
import { ring, tenantSchema } from "./tenantSchema.ts";

/** How a version of the application gets its secrets. */
export const SECRET_DELIVERIES = ["environment", "files"] as const;

const released = z
  .record(
    version,
    z.strictObject({
      digest: imageDigest.meta({ description: "Digest of the image: tags can move, digests cannot." }),
      secrets: z.enum(SECRET_DELIVERIES).default("environment").meta({
        description:
          "How this version reads its database login: from its environment, or from files below /etc/warehouse/database.",
      }),
    }),
  )
  .meta({ description: "Versions that tenants may run, by their number." });

const ringFields = {
  name: label(40).meta({ description: "Name of the ring, for people.", examples: ["general"] }),
  version: version.meta({ description: "Version of the ring. Promotion is an edit of this line." }),
};

/** Rings roll a version out step by step: no ring runs a newer version than the ring before it. */
const rings = z
  .strictObject({
    "0": z.strictObject(ringFields).meta({ description: "Internal tenants, first to get a version." }),
    "1": z.strictObject(ringFields).meta({ description: "Early adopters." }),
    "2": z
      .strictObject({
        ...ringFields,
        percent: count(0, 100).optional().meta({
          description:
            "Share of the ring that runs version; the others run previous. Tenants keep their turn. Default: 100.",
          unit: "%",
        }),
        previous: version
          .optional()
          .meta({ description: "Version of the tenants outside percent. Required with percent." }),
      })
      .meta({ description: "Everybody else." }),
  })
  .meta({ description: "Rollout rings." });

const releases = z
  .strictObject({
    image: z
      .string()
      .regex(
        /^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+$/,
        'is no image repository; write "registry.example.com/warehouse-saas" without a tag',
      )
      .meta({
        description: "Repository of the application's image, without tag.",
        examples: ["registry.example.com/warehouse-saas"],
      }),
    versions: released,
    rings,
  })
  .meta({ description: "Released versions of the application and who runs them." });

const defaults = z
  .strictObject({
    region: region.optional().meta({ description: "Region of entries that name none. Default: the cell's." }),
    cell: cellName
      .optional()
      .meta({ description: "Cell of entries that name none. Default: any that reads the file." }),
    ring: ring.optional().meta({ description: "Ring of entries that name none. Default: 2." }),
  })
  .meta({ description: "What entries have that do not say otherwise." });

/** `tenants/tenants.yaml`: releases, defaults and tenants. */
export const registrySchema = z
  .strictObject({
    apiVersion: z.literal("tenantstack.io/tenants/v1").meta({ description: "Format of this file." }),
    releases,
    defaults: defaults.prefault({}),
    tenants: z
      .array(tenantSchema)
      .default([])
      .meta({ description: "One entry per customer, in any order. Entries are never removed." }),
  })
  .meta({ title: "Tenant registry", description: "Every entry becomes an isolated tenant environment." });

/** `tenants/<id>.yaml`: one tenant; its fields stand at the top level. */
export const tenantFileSchema = tenantSchema.meta({
  title: "Tenant",
  description: "One tenant of the registry, in a file named after its id.",
});

export type Registry = z.output<typeof registrySchema>;
export type Releases = Registry["releases"];
export type Defaults = Registry["defaults"];
