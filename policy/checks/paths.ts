import { MAINTENANCE, namespaceName } from "../../registry/naming.ts";
import type { Manifest } from "../manifest.ts";
import type { CellView, Check } from "../cell.ts";
import { at, fieldsOf, listOf, textOf } from "../fields.ts";
import { selects } from "../network.ts";

/** Kinds whose annotations could steer a controller, where their specification says all. */
const PLAIN = ["Ingress", "HTTPRoute", "ListenerSet", "Service", "Certificate"];

export const annotationsArePlain: Check = function* ({ manifests }) {
  for (const manifest of manifests)
    for (const key of PLAIN.includes(manifest.kind) ? Object.keys(manifest.metadata.annotations ?? {}) : [])
      if (!/^(?:pulumi\.com|tenantstack\.io)\//.test(key))
        yield [manifest, `annotation ${key} steers a controller`];
};

/** Services stay in the cluster and select the pods of one Deployment, which have the ports they lead to. */
export const servicesLeadToPods: Check = function* (cell) {
  for (const service of cell.ofKind("Service")) {
    const { type, selector, ports, externalIPs, externalName } = fieldsOf(service["spec"]);
    if (type !== "ClusterIP" || externalIPs !== undefined || externalName !== undefined)
      yield [service, "must be of type ClusterIP, without addresses outside"];
    const pods = cell.workloads.filter(
      ({ namespace, labels }) =>
        namespace === service.metadata.namespace &&
        Object.keys(fieldsOf(selector)).length > 0 &&
        selects({ matchLabels: selector }, labels),
    );
    if (pods.length !== 1 || pods[0]?.manifest.kind !== "Deployment")
      yield [service, "must select the pods of one Deployment"];
    for (const { manifest, containers } of pods) {
      const has = containers.flatMap((each) => listOf(each["ports"]).map(({ name }) => name));
      for (const { targetPort } of listOf(ports))
        // What stands in for the application is not measured.
        if (
          !has.includes(targetPort) &&
          (targetPort !== "metrics" || manifest.metadata.name === "warehouse-app")
        )
          yield [service, `leads to port ${textOf(targetPort)}, which its pods do not have`];
    }
  }
};

const hasPort = (cell: CellView, namespace: string, service: unknown, port: unknown): boolean =>
  cell
    .ofKind("Service", namespace)
    .some(
      ({ metadata, spec }) =>
        metadata.name === service &&
        listOf(at(spec, "ports")).some((each) => each["name"] === port || each["port"] === port),
    );

/** Routes lead to ports of Services that exist, and where they cross namespaces by permission of their own. */
export const routesLeadToServices: Check = function* (cell) {
  for (const route of cell.ofKind("HTTPRoute")) {
    const home = route.metadata.namespace ?? "";
    for (const { backendRefs, filters } of listOf(at(route["spec"], "rules"))) {
      if (listOf(filters).length > 0) yield [route, "changes requests on their way"];
      for (const { name, namespace = home, port } of listOf(backendRefs)) {
        const target = textOf(namespace);
        if (!hasPort(cell, target, name, port))
          yield [route, `leads to ${textOf(name)} in ${target}, which does not exist`];
        const granted = cell
          .ofKind("ReferenceGrant", target)
          .some(({ spec }) => listOf(at(spec, "from")).some((from) => from["namespace"] === home));
        if (target !== home && !granted) yield [route, `nothing allows it to lead to ${target}`];
      }
    }
    const parents = listOf(at(route["spec"], "parentRefs"));
    if (!parents.some(({ kind, sectionName }) => kind === "Gateway" && sectionName === "https"))
      yield [route, "must be attached to the HTTPS listener of the Gateway, and no other"];
    for (const { kind, name } of parents)
      if (kind === "ListenerSet" && !cell.has(kind, home, name))
        yield [route, `ListenerSet ${textOf(name)} does not exist`];
  }
  for (const grant of cell.ofKind("ReferenceGrant")) {
    const { from, to } = fieldsOf(grant["spec"]);
    const tenants = cell.namespaces.filter((each) => each.startsWith(namespaceName("")));
    const routes = listOf(from).every(
      (each) => each["kind"] === "HTTPRoute" && tenants.includes(textOf(each["namespace"])),
    );
    if (!routes || listOf(to).some(({ kind }) => kind !== "Service"))
      yield [grant, "lets more in than routes of the cell's tenants to Services"];
  }
  for (const ingress of cell.ofKind("Ingress"))
    for (const { http } of listOf(at(ingress["spec"], "rules")))
      for (const { backend, pathType, path } of listOf(at(http, "paths"))) {
        const { name, port } = fieldsOf(at(backend, "service"));
        if (!hasPort(cell, ingress.metadata.namespace ?? "", name, at(port, "name")))
          yield [ingress, `leads to ${textOf(name)}, which does not exist`];
        if (pathType !== "Prefix" || path !== "/") yield [ingress, "must answer all paths of its hosts"];
      }
};

/** The ports of a Service that a monitor has scraped. */
function scraped(monitor: Manifest, { metadata, spec }: Manifest): readonly unknown[] {
  const { selector, namespaceSelector, endpoints } = fieldsOf(monitor["spec"]);
  const isNear = metadata.namespace === monitor.metadata.namespace || at(namespaceSelector, "any") === true;
  if (!isNear || !selects(fieldsOf(selector), metadata.labels ?? {})) return [];
  const ports = listOf(at(spec, "ports")).map(({ name }) => name);
  return listOf(endpoints).flatMap(({ port }) => (ports.includes(port) ? [port] : []));
}

/** Prometheus is told to scrape what is there, all of it, and once. */
export const monitorsFindPods: Check = function* (cell) {
  const monitors = cell.ofKind("ServiceMonitor");
  const services = cell.ofKind("Service");
  for (const monitor of monitors) {
    // One for tenants of a cell is there before the first of them.
    if (at(monitor["spec"], "namespaceSelector") !== undefined) continue;
    const ports = services.flatMap((service) => scraped(monitor, service));
    for (const { port } of listOf(at(monitor["spec"], "endpoints")))
      if (!ports.includes(port)) yield [monitor, `scrapes port ${textOf(port)}, which no Service has`];
  }
  for (const service of services) {
    // What stands in for the application is not measured.
    if (service.metadata.labels?.["app"] === MAINTENANCE) continue;
    const times = monitors.flatMap((monitor) => scraped(monitor, service)).length;
    if (times !== 1) yield [service, times === 0 ? "is not measured" : "is measured more than once"];
  }
};
