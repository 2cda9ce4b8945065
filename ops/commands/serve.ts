import type { Server } from "node:http";
import { z } from "zod";
import { MAINTENANCE_STATUS, serveMaintenance } from "../maintenance.ts";
import { BackupMetrics } from "../metrics/collect.ts";
import { serveMetrics } from "../metrics/serve.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import { bucketEnvironment } from "./environment.ts";

const listen = (port: number) =>
  z
    .string()
    .regex(/^.+:\d+$/)
    .default(`0.0.0.0:${port}`)
    .describe("where it listens");

export const maintenanceCommand = command(
  "Answers the hosts of a tenant that is not served, until it is ended.",
  z.object({
    MAINTENANCE_MODE: z.enum(["maintenance", "payment_required"]).describe("503 or 402"),
    OPS_LISTEN: listen(8080),
  }),
  async (env, { log }) => {
    const { server, address } = await serveMaintenance(env.MAINTENANCE_MODE, env.OPS_LISTEN);
    log(`answering ${MAINTENANCE_STATUS[env.MAINTENANCE_MODE]} on ${address}`);
    closeWhenAsked(server);
    return undefined;
  },
);

export const metricsCommand = command(
  "Serves what the bucket says of backups and drills to Prometheus, on /metrics, until it is ended.",
  bucketEnvironment.extend({
    OPS_LISTEN: listen(9090),
    METRICS_REFRESH_SECONDS: z.coerce
      .number()
      .int()
      .positive()
      .default(300)
      .describe("how often the bucket is read"),
  }),
  async (env, { log }) => {
    const { server, address } = await serveMetrics(
      new BackupMetrics(new Storage(env.BACKUP_BUCKET)),
      { listen: env.OPS_LISTEN, refreshSeconds: env.METRICS_REFRESH_SECONDS },
      log,
    );
    log(`answering /metrics on ${address}`);
    closeWhenAsked(server);
    return undefined;
  },
);

function closeWhenAsked(server: Server): void {
  process.once("SIGTERM", () => {
    server.close();
    server.closeIdleConnections();
  });
}
