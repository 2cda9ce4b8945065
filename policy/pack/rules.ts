import { type Catalogue, PLAN_NAMES } from "../../registry/catalogue.ts";
import { crowdedOutPlans } from "../../registry/margins.ts";
import {
  ALLOW_DELETE,
  ISOLATION,
  PLAN_ANNOTATION,
  POOL_LABEL,
  SHARED_READ_WRITE,
  TENANT_LABEL,
} from "../../registry/naming.ts";
import { CHECKS, ownFindings } from "../checks/index.ts";
import { at, type Fields, fieldsOf, listOf, numberOf, textOf, textsOf } from "../fields.ts";
import { objectName } from "../finding.ts";
import type { Manifest } from "../manifest.ts";
import { isSecret, isUnknown, manifestOf, mentionsUnknown, type Declared } from "./resource.ts";

/** Looks at one resource alone, before it is made. */
export type ResourceRule = (resource: Declared) => Iterable<string>;

/** Looks at all resources of a stack together. */
export type StackRule = (resources: readonly Declared[]) => Iterable<readonly [Declared, string]>;

const BUCKET = "aws:s3/bucket:Bucket";
const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";
const DATABASE = "postgresql:index/database:Database";
const ROLE = "postgresql:index/role:Role";
const NAMESPACE = "kubernetes:core/v1:Namespace";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
const SECRET = "kubernetes:core/v1:Secret";
const TENANT = "warehouse:tenancy:TenantStack";

const SECRET_FIELD = /password|secret_?key|private_?key|access_?key|token$/i;
const CREDENTIAL = /:\/\/[^/\s:"]+:[^@\s"]+@|BEGIN [A-Z ]*PRIVATE KEY/;

/** Secrets are marked as such, or they would stand in the state for all to read. What is known only later, `up` judges. */
export const noPlaintextSecret: ResourceRule = function* ({ type, inputs }) {
  if (type === SECRET)
    for (const field of ["data", "stringData"])
      for (const [key, value] of isSecret(inputs[field]) ? [] : Object.entries(fieldsOf(inputs[field])))
        if (!isSecret(value) && !isUnknown(value)) yield `${field}.${key} is not marked as secret`;
  for (const [field, value] of Object.entries(inputs)) {
    if (SECRET_FIELD.test(field) && textOf(value) !== "" && !isUnknown(value))
      yield `${field} is not marked as secret`;
    if (hasCredential(value)) yield `${field} holds a credential that is not marked as secret`;
  }
};

function hasCredential(value: unknown): boolean {
  if (typeof value === "string") return CREDENTIAL.test(value);
  if (typeof value !== "object" || value === null || isSecret(value)) return false;
  return Object.values(value).some(hasCredential);
}

/** Checks that one object answers alone. */
const ALONE = [
  "imagesAreDigests",
  "podsAreHardened",
  "podsAreRestricted",
  "secretsAreReferences",
  "annotationsArePlain",
];
/** Goes by the addresses of the tests' cells. */
const OF_TESTS = ["podsReachWhatTheyNeed"];

const pick = (wanted: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(CHECKS).filter(([name]) => wanted(name)));
const SINGLE = pick((name) => ALONE.includes(name));
const TOGETHER = pick((name) => !ALONE.includes(name) && !OF_TESTS.includes(name));

/** What an object of Kubernetes shows by itself: security contexts, limits, images by digest, no steering annotation. */
export const objectsAreHardened: ResourceRule = function* (resource) {
  const manifest = manifestOf(resource);
  if (manifest === undefined) return;
  for (const { message } of ownFindings([manifest], SINGLE)) yield message;
};

/** A bucket is protected always: nothing that a tenant does takes it away. */
export const bucketsAreProtected: ResourceRule = function* ({ type, protect }) {
  if (type === BUCKET && !protect) yield "holds backups and is not protected";
};

/** Tenants whose namespace is marked as one that may be deleted: archived ones. */
const leavingTenants = (resources: readonly Declared[]): ReadonlySet<string> =>
  new Set(
    resources
      .filter(({ type }) => type === NAMESPACE)
      .map(({ inputs }) => textOf(at(inputs, "metadata", "annotations", ALLOW_DELETE)))
      .filter((id) => id !== ""),
  );

/** The tenant that a resource of it is named after. */
const tenantOf = (name: string, tenants: readonly string[]): string | undefined =>
  tenants
    .filter((id) => name.startsWith(`${id}-`))
    .sort((one, other) => other.length - one.length)
    .at(0);

/**
 * What holds data is protected, unless its tenant is archived, or it holds but a copy while the tenant moves: a database
 * whose tenant is served by the shared one, a volume that no application mounts.
 */
export const dataIsProtected: StackRule = function* (resources) {
  const tenants = resources.filter(({ type }) => type === TENANT).map(({ name }) => name);
  const leaving = leavingTenants(resources);
  const enterShared = new Set(
    resources
      .filter(
        ({ type, inputs }) =>
          type === ROLE && textsOf(inputs["roles"]).some((role) => SHARED_READ_WRITE.test(role)),
      )
      .map(({ name }) => name),
  );
  const mounted = new Set(
    resources
      .filter(({ type }) => type === "kubernetes:apps/v1:Deployment")
      .map(({ inputs }) => textOf(at(inputs, "metadata", "namespace"))),
  );
  const isCopy = ({ type, inputs }: Declared, id: string): boolean =>
    (type === DATABASE && enterShared.has(`${id}-rw`)) ||
    (type === CLAIM && !mounted.has(textOf(at(inputs, "metadata", "namespace"))));
  for (const resource of resources) {
    const { type, name, inputs, protect } = resource;
    if (protect) continue;
    const holdsData =
      [NAMESPACE, CLAIM, DATABASE].includes(type) ||
      (type === OBJECT && /^customers\/[^/]+\/tenant\.json$/.test(textOf(inputs["key"])));
    if (!holdsData) continue;
    const id = tenantOf(name, tenants);
    if (id !== undefined && (leaving.has(id) || isCopy(resource, id))) continue;
    yield [resource, "holds data and is not protected"];
  }
};

/** Nothing of a tenant goes before its data is verified: the gates are there, and only an archived tenant may go. */
export const deletionIsVerified: StackRule = function* (resources) {
  const named = new Map(resources.map((each) => [each.name, each]));
  const leaving = leavingTenants(resources);
  for (const tenant of resources) {
    if (tenant.type !== TENANT) continue;
    const gate = named.get(`${tenant.name}-lifecycle`);
    if (gate === undefined || !named.has(`${tenant.name}-backup-prefix`))
      yield [tenant, "lacks the gates that look at its final backup before anything of it goes"];
    if (!leaving.has(tenant.name)) continue;
    const { state, finalBackup } = fieldsOf(gate?.inputs["data"]);
    if (state !== "archived" || textOf(finalBackup) === "")
      yield [tenant, "may be deleted without the evidence of a final backup"];
  }
  for (const resource of resources) {
    const manifest = manifestOf(resource);
    if (manifest === undefined) continue;
    const { kind, metadata } = manifest;
    const id = metadata.labels?.[TENANT_LABEL] ?? "";
    if (leaving.has(id) && ["Deployment", "CronJob", "HTTPRoute", "Ingress"].includes(kind))
      yield [resource, `serves ${id}, which may be deleted`];
    const marked = metadata.annotations?.[ALLOW_DELETE];
    if (kind === "Namespace" && marked !== undefined && marked !== metadata.annotations?.[TENANT_LABEL])
      yield [resource, `may be deleted in the name of ${marked}, whose it is not`];
  }
};

/** The objects of a cell together: isolation, quotas, Pod Security labels, hosts, references: see policy/checks. */
export const cellIsHardened: StackRule = function* (resources) {
  const byObject = new Map<string, Declared>();
  const manifests: Manifest[] = [];
  for (const resource of resources) {
    const manifest = manifestOf(resource);
    if (manifest === undefined) continue;
    manifests.push(withoutRanges(manifest));
    byObject.set(objectName(manifest.kind, manifest.metadata.namespace, manifest.metadata.name), resource);
  }
  for (const { object, message } of ownFindings(manifests, TOGETHER)) {
    const resource = byObject.get(object);
    // What is known only later cannot be found wanting yet.
    if (resource !== undefined && !mentionsUnknown(message)) yield [resource, message];
  }
};

const ANYWHERE = ["0.0.0.0/0", "::/0"];

/** Without the egress to ranges that the configuration names, such as the database's: checks know none of them. */
function withoutRanges(manifest: Manifest): Manifest {
  if (manifest.kind !== "NetworkPolicy" || ![ISOLATION, "warehouse-bucket"].includes(manifest.metadata.name))
    return manifest;
  const spec = fieldsOf(manifest["spec"]);
  const isRange = (peer: Fields): boolean => {
    const cidr = at(peer, "ipBlock", "cidr");
    return cidr !== undefined && !ANYWHERE.includes(textOf(cidr));
  };
  const egress = listOf(spec["egress"]).filter(({ to }) => {
    const peers = listOf(to);
    return peers.length === 0 || !peers.every(isRange);
  });
  return { ...manifest, spec: { ...spec, egress } };
}

/** Autoscalers stay within what the plan sells: more would be given away, fewer would break what was promised. */
export const scalingFollowsPlan = ({ plans }: Catalogue): StackRule =>
  function* (resources) {
    const planOf = new Map<string, string>();
    for (const { type, inputs } of resources) {
      if (type !== NAMESPACE) continue;
      const plan =
        textOf(at(inputs, "metadata", "annotations", PLAN_ANNOTATION)) ||
        textOf(at(inputs, "metadata", "labels", POOL_LABEL));
      planOf.set(textOf(at(inputs, "metadata", "name")), plan);
    }
    for (const resource of resources) {
      if (!resource.type.endsWith(":HorizontalPodAutoscaler")) continue;
      const name = PLAN_NAMES.find(
        (each) => each === planOf.get(textOf(at(resource.inputs, "metadata", "namespace"))),
      );
      const { minReplicas, maxReplicas } = fieldsOf(resource.inputs["spec"]);
      if (name === undefined) continue;
      const { min, max } = plans[name].replicas;
      if (!(numberOf(minReplicas) >= min && numberOf(maxReplicas) <= max))
        yield [resource, `scales beyond what ${plans[name].displayName} includes: ${min} to ${max} pods`];
    }
  };

/** What AI and support leave of a plan's cost pays for its compute: more than the plan below gets. */
export const costLeavesCompute = ({ plans, currency }: Catalogue): StackRule =>
  function* (resources) {
    const sold = crowdedOutPlans(plans);
    for (const resource of resources) {
      if (resource.type !== NAMESPACE) continue;
      const plan = textOf(at(resource.inputs, "metadata", "annotations", PLAN_ANNOTATION));
      const found = sold.find(({ name }) => name === plan);
      if (found === undefined) continue;
      const [own, below] = [found.computeMinor, found.below.computeMinor].map((minor) =>
        (minor / 100).toFixed(2),
      );
      const { priceMinor, displayName } = plans[found.name];
      yield [
        resource,
        `${displayName} sells for ${(priceMinor / 100).toFixed(2)} ${currency} and leaves ${own} for compute after AI and support, ` +
          `no more than ${plans[found.below.name].displayName} (${below}) with less of it; correct cost in tenants/plans.yaml`,
      ];
    }
  };
