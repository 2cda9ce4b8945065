/**
 * The stack file of a cell, a line a setting: on a cluster of its own, with everything that is needed.
 * @param settings YAML by key, without `warehouse:`
 */
export function stackFile(settings: Readonly<Record<string, string>> = {}): string {
  const all = {
    cell: "east",
    baseDomain: "yourwarehousesaas.com",
    kubernetes: "{ context: prod }",
    database: "{ host: db.internal, user: platform }",
    backup: `{ bucket: backups, image: "registry.example.com/ops@sha256:${"0".repeat(64)}", identity: { kind: podIdentity, cluster: prod } }`,
    edge: "{ mode: ingress, ingressClass: nginx, controllerNamespace: ingress-nginx }",
    network: "{ clusterCidrs: [10.0.0.0/16], databaseCidrs: [10.0.64.0/20] }",
    storage: "{ uploadsClass: efs }",
    ...settings,
  };
  return `config:\n${Object.entries(all)
    .map(([key, value]) => `  warehouse:${key}: ${value}\n`)
    .join("")}`;
}
