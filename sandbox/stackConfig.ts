import { join } from "node:path";
import { parse, stringify } from "yaml";
import { SANDBOX_CONTEXT } from "../registry/naming.ts";
import type { Layout } from "./layout.ts";
import { readText, writeIfChanged } from "./lib/files.ts";
import type { Ports } from "./lib/ports.ts";

/** The bucket that the program makes for backups. */
export const BACKUP_BUCKET = "warehouse-backups";

/** The image whose containers the sandbox runs as local processes; nothing pulls it. */
export const OPS_IMAGE = `registry.example.com/warehouse-ops@sha256:${"0".repeat(64)}`;

/** The cell that the sandbox is as long as the registry names none. */
export const SANDBOX_CELL = "sandbox";

/**
 * The configuration of the stack `sandbox`: the facts of this sandbox as Pulumi.prod.yaml states those of production.
 * @param cell the cell whose tenants it has
 */
export function stackConfig(ports: Pick<Ports, "postgres" | "aws">, cell = SANDBOX_CELL): string {
  const config = {
    "pulumi:disable-default-providers": ["*"],
    "warehouse:cell": cell,
    "warehouse:region": "us-west-2",
    "warehouse:baseDomain": "yourwarehousesaas.com",
    "warehouse:kubernetes": { context: SANDBOX_CONTEXT },
    "warehouse:database": { host: "127.0.0.1", port: ports.postgres, user: "platform", sslmode: "disable" },
    "warehouse:aws": { endpoint: `http://127.0.0.1:${ports.aws}` },
    "warehouse:backup": {
      bucket: BACKUP_BUCKET,
      image: OPS_IMAGE,
      identity: { kind: "staticKeys", secret: { namespace: "ops", name: "backup-keys" } },
    },
    "warehouse:edge": { mode: "gateway", gateway: { name: "platform", namespace: "gateway-system" } },
    "warehouse:network": { clusterCidrs: ["10.244.0.0/16", "10.96.0.0/16"], databaseCidrs: ["127.0.0.1/32"] },
    "warehouse:storage": { uploadsClass: "uploads" },
  };
  return `# Written by \`npm run sandbox\`; changes are lost.\n${stringify({ config }, { lineWidth: 0 })}`;
}

/** The stack's file in the project. */
export const stackConfigFile = (paths: Layout): string => join(paths.project, "Pulumi.sandbox.yaml");

/**
 * Writes the stack's file if it differs. The salt of the stack's secrets is in that file too: it is kept in
 * the sandbox, since the file may be deleted or belong to another sandbox of the same project.
 */
export function writeStackConfig(paths: Layout, ports: Pick<Ports, "postgres" | "aws">, cell: string): void {
  const salt = readText(saltFile(paths));
  writeIfChanged(
    stackConfigFile(paths),
    stackConfig(ports, cell) + (salt === undefined ? "" : `encryptionsalt: ${salt}\n`),
  );
}

const saltFile = (paths: Layout): string => join(paths.secrets, "encryptionsalt");

/** The salt that `pulumi stack init` has written. */
export function writtenSalt(paths: Layout): string | undefined {
  const content = (parse(readText(stackConfigFile(paths)) ?? "") ?? {}) as {
    readonly encryptionsalt?: string;
  };
  return content.encryptionsalt;
}

/** Keeps the stack's salt with the sandbox. */
export function keepSalt(paths: Layout, salt: string | undefined): void {
  if (salt !== undefined) writeIfChanged(saltFile(paths), salt, 0o600);
}
