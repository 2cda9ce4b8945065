import { join } from "node:path";
import { stringify } from "yaml";
import type { Layout } from "./layout.ts";
import { writeIfChanged } from "./lib/files.ts";
import type { Ports } from "./lib/ports.ts";

/** The bucket the sandbox makes for backups. */
export const BACKUP_BUCKET = "warehouse-backups";

/** The image whose containers the sandbox runs as local processes; nothing pulls it. */
export const OPS_IMAGE = `registry.example.com/warehouse-ops@sha256:${"0".repeat(64)}`;

/** The configuration of the stack `sandbox`: the facts of this sandbox as Pulumi.prod.yaml states those of production. */
export function stackConfig(ports: Pick<Ports, "postgres" | "aws">): string {
  const config = {
    "pulumi:disable-default-providers": ["*"],
    "warehouse:cell": "sandbox",
    "warehouse:region": "us-west-2",
    "warehouse:baseDomain": "yourwarehousesaas.com",
    "warehouse:kubernetes": { context: "sandbox" },
    "warehouse:database": { host: "127.0.0.1", port: ports.postgres, user: "platform", sslmode: "disable" },
    "warehouse:aws": { endpoint: `http://127.0.0.1:${ports.aws}` },
    "warehouse:backup": { bucket: BACKUP_BUCKET, image: OPS_IMAGE },
    "warehouse:edge": { mode: "gateway", gateway: { name: "platform", namespace: "gateway-system" } },
    "warehouse:network": { clusterCidrs: ["10.0.0.0/8"], databaseCidrs: ["127.0.0.1/32"] },
    "warehouse:storage": { uploadsClass: "uploads" },
  };
  return `# Written by \`npm run sandbox\`; changes are lost.\n${stringify({ config }, { lineWidth: 0 })}`;
}

/** Writes the stack's file into the project if it differs. */
export function writeStackConfig(paths: Layout, ports: Ports, salt: string | undefined): void {
  const text = stackConfig(ports) + (salt === undefined ? "" : `encryptionsalt: ${salt}\n`);
  writeIfChanged(join(paths.project, "Pulumi.sandbox.yaml"), text);
}
