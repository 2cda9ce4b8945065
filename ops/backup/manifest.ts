import { z } from "zod";

/** Why a backup was taken. */
export const BACKUP_KINDS = ["scheduled", "manual", "final", "pre-restore"] as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const object = z.object({
  key: z.string(),
  bytes: z.int().min(1),
  /** Of the object as it lies in the bucket, hexadecimal. */
  sha256,
});

/**
 * The manifest of a backup, v1: `customers/<id>/<kind of object>/<time>.manifest.json`. A backup exists only if its
 * manifest does, which is written last and never again.
 */
export const manifestSchema = z.object({
  schemaVersion: z.literal(1),
  /** `<tenant>-<time>`, the time as RFC 3339 basic UTC: acme-20260101T020304Z. */
  id: z.string().regex(/^[a-z0-9-]{3,40}-\d{8}T\d{6}Z$/),
  kind: z.enum(BACKUP_KINDS),
  tenantId: z.string(),
  /** RFC 3339 UTC. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** 0: until the tenant is erased. */
  retainDays: z.int().min(0),
  source: z.object({
    database: z.string(),
    /** database: all of it; rows: the tenant's rows of a database that tenants share. */
    scope: z.enum(["database", "rows"]),
    /** As `server_version_num`: 150018. */
    serverVersion: z.int(),
    /** When the snapshot was taken that everything below was read in. */
    snapshotAt: z.string(),
  }),
  database: object.extend({
    format: z.literal("pg_dump-custom"),
    tables: z.array(z.object({ name: z.string(), rows: z.int().min(0) })),
    /** SHA-256 of the definitions of tables, keys, indexes, functions and policies. */
    schemaDigest: sha256,
  }),
  /** The uploaded files; null where the tenant's files are on a volume that it shares. */
  files: object.extend({ format: z.literal("tar+zstd"), count: z.int().min(0) }).nullable(),
  tool: z.object({ name: z.literal("warehouse-ops"), pgDump: z.string() }),
});

export type Manifest = z.output<typeof manifestSchema>;

/** To the second, RFC 3339 UTC. */
export const utcTime = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, "Z");

/** Times in names, RFC 3339 basic UTC: 20260101T020304Z. */
export const basicTime = (time: Date): string => utcTime(time).replaceAll(/[-:]/g, "");

export const manifestKey = (prefix: string, time: string): string => `${prefix}db/${time}.manifest.json`;

/** The manifest's key of a backup by its id: acme-20260101T020304Z. */
export const manifestKeyOf = (prefix: string, id: string): string =>
  manifestKey(prefix, id.slice(id.lastIndexOf("-") + 1));
