import { DatabaseServer } from "../../components/cell/databaseServer.ts";
import { Operations } from "../../components/cell/operations.ts";
import { gatewayCell } from "../support/cell.ts";
import { register, type Registration } from "../support/mocks.ts";

let registrations: Registration[];

interface Container {
  readonly name: string;
  readonly args: string[];
  readonly env: { name: string; value?: string; valueFrom?: { secretKeyRef: object } }[];
}

/** The specification and the container of a CronJob. */
function cronJob(name: string) {
  const { metadata, spec } = inputs("CronJob", name) as {
    metadata: { name: string; namespace: string };
    spec: {
      suspend: boolean;
      concurrencyPolicy: string;
      jobTemplate: { spec: { template: { spec: { serviceAccountName: string; containers: [Container] } } } };
    };
  };
  const { serviceAccountName, containers } = spec.jobTemplate.spec.template.spec;
  return { metadata, spec, serviceAccountName, container: containers[0] };
}

function inputs(type: string, name: string): Record<string, unknown> {
  const found = registrations.find((r) => r.type.endsWith(`:${type}`) && r.name === name);
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found.inputs;
}

beforeAll(async () => {
  registrations = await register(() => {
    const server = new DatabaseServer({ isClosed: true }, {});
    new Operations({ cell: gatewayCell, foundation: [], server, keys: undefined }, {});
  });
});

describe("operations", () => {
  it("log in by a role that makes databases and is a member of nothing", () => {
    expect(inputs("Role", "operations-login")).toMatchObject({
      name: "warehouse_ops",
      login: true,
      createDatabase: true,
      connectionLimit: 6,
    });
    expect(inputs("Role", "operations-login")).not.toHaveProperty("roles");
    expect(inputs("Grant", "operations-connect")).toEqual({
      database: "postgres",
      role: "warehouse_ops",
      objectType: "database",
      privileges: ["CONNECT"],
    });
  });

  it("drill and clean up every night with that login, never two at once", () => {
    for (const command of ["drills", "janitor"]) {
      const { metadata, spec, serviceAccountName, container } = cronJob(`operations-${command}`);
      expect(metadata).toMatchObject({ name: `warehouse-${command}`, namespace: "warehouse-ops" });
      expect(spec).toMatchObject({ suspend: false, concurrencyPolicy: "Forbid" });
      expect(serviceAccountName).toBe("warehouse-restore");
      expect(container.args).toEqual([command]);
      expect(container.env.find(({ name }) => name === "DATABASE_PASSWORD")).toEqual({
        name: "DATABASE_PASSWORD",
        valueFrom: { secretKeyRef: { name: "warehouse-ops-secret", key: "password" } },
      });
    }
  });

  it("hold the pattern of a restore, which has no password and never runs by itself", () => {
    const { spec, serviceAccountName, container } = cronJob("operations-restore");
    expect(spec.suspend).toBe(true);
    expect(serviceAccountName).toBe("warehouse-restore");
    expect(container).toMatchObject({ name: "warehouse-restore", args: ["restore"] });
    expect(Object.fromEntries(container.env.map(({ name, value }) => [name, value]))).toEqual({
      BACKUP_BUCKET: "warehouse-backups",
      AWS_REGION: "us-west-2",
      DATABASE_HOST: "db.internal",
      DATABASE_PORT: "5432",
      DATABASE_NAME: "postgres",
      DATABASE_USER: "platform",
      DATABASE_SSLMODE: "verify-full",
    });
  });

  it("tell Prometheus of backups and drills, which alone reaches that port", () => {
    const { spec } = inputs("Deployment", "operations-metrics") as {
      spec: {
        template: {
          metadata: { labels: object };
          spec: { serviceAccountName: string; containers: [Container] };
        };
      };
    };
    const { metadata, spec: pod } = spec.template;
    expect(metadata.labels).toMatchObject({ app: "warehouse-metrics" });
    expect(pod).toMatchObject({
      serviceAccountName: "warehouse-metrics",
      containers: [{ args: ["metrics"], ports: [{ name: "metrics", containerPort: 9090 }] }],
    });
    expect(inputs("Service", "operations-metrics-service")).toMatchObject({
      spec: { selector: { app: "warehouse-metrics" }, ports: [{ name: "metrics", port: 9090 }] },
    });
    expect(inputs("ServiceMonitor", "operations-service-monitor")).toMatchObject({
      spec: { selector: { matchLabels: { app: "warehouse-metrics" } }, endpoints: [{ port: "metrics" }] },
    });
    expect(inputs("NetworkPolicy", "operations-metrics-ingress")).toMatchObject({
      spec: {
        podSelector: { matchLabels: { app: "warehouse-metrics" } },
        ingress: [
          {
            from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
            ports: [{ protocol: "TCP", port: 9090 }],
          },
        ],
      },
    });
  });
});
