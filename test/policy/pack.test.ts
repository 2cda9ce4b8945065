import { policies } from "../../policy/pack/policies.ts";
import type { Declared } from "../../policy/pack/resource.ts";
import {
  bucketsAreProtected,
  cellIsHardened,
  costLeavesCompute,
  dataIsProtected,
  deletionIsVerified,
  noPlaintextSecret,
  objectsAreHardened,
  scalingFollowsPlan,
  type ResourceRule,
  type StackRule,
} from "../../policy/pack/rules.ts";
import { gatewayCell, ingressCell } from "../support/cell.ts";
import { renderResources } from "../support/manifests.ts";
import { loadValid, PROJECT } from "../support/registry.ts";

let resources: readonly Declared[];

beforeAll(async () => {
  resources = await renderResources(gatewayCell);
}, 120_000);

const find = (name: string, type: string): Declared => {
  const found = resources.find((each) => each.name === name && each.type.endsWith(type));
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found;
};

/** What a rule says of a resource with other inputs. */
const changed = (rule: ResourceRule, { inputs, ...resource }: Declared, change: object): string[] => [
  ...rule({ ...resource, inputs: { ...inputs, ...change } }),
];

const OFF = Symbol("left out");

/** What a rule says of the stack in which one resource is another, or is left out. */
function stackWith(rule: StackRule, resource: Declared, change: Partial<Declared> | typeof OFF): string[] {
  const stack = resources.flatMap((each) =>
    each !== resource ? [each] : change === OFF ? [] : [{ ...each, ...change }],
  );
  return [...rule(stack)].map(([{ name }, message]) => `${name}: ${message}`);
}

const RESOURCE_RULES = { noPlaintextSecret, objectsAreHardened, bucketsAreProtected };
const STACK_RULES = { dataIsProtected, deletionIsVerified, cellIsHardened };

describe("the policy pack", () => {
  it.each(["gateway", "ingress"])(
    "finds nothing in what the program makes, edge mode %s",
    async (mode) => {
      const made = mode === "gateway" ? resources : await renderResources(ingressCell);
      const found = [
        ...Object.values(RESOURCE_RULES).flatMap((rule) =>
          made.flatMap((each) => [...rule(each)].map((message) => `${each.name}: ${message}`)),
        ),
        ...Object.values(STACK_RULES).flatMap((rule) =>
          [...rule(made)].map(([{ name }, message]) => `${name}: ${message}`),
        ),
      ];
      expect(found).toEqual([]);
    },
    120_000,
  );

  it("serves each rule as a policy, all mandatory but what a plan costs", () => {
    const levels = policies(PROJECT).map(({ name, enforcementLevel }) => `${name} ${enforcementLevel ?? ""}`);
    expect(levels).toEqual([
      "no-plaintext-secret remediate",
      "hardened-objects mandatory",
      "protected-buckets mandatory",
      "protected-data mandatory",
      "verified-deletion mandatory",
      "hardened-cell mandatory",
      "scaling-follows-plan mandatory",
      "cost-leaves-compute advisory",
    ]);
  });
});

describe("no-plaintext-secret", () => {
  it("finds what a Secret holds unmarked", () => {
    const secret = find("acme-db-secret", ":Secret");
    expect(changed(noPlaintextSecret, secret, { stringData: { password: "x" } })).toEqual([
      "stringData.password is not marked as secret",
    ]);
  });

  it("finds a password of a role, and a credential anywhere else", () => {
    expect(changed(noPlaintextSecret, find("acme-app-a", ":Role"), { password: "x" })).toEqual([
      "password is not marked as secret",
    ]);
    const map = find("acme-lifecycle", ":ConfigMap");
    expect(changed(noPlaintextSecret, map, { data: { DSN: "postgres://a:b@host/db" } })).toEqual([
      "data holds a credential that is not marked as secret",
    ]);
  });

  it("leaves to `up` what a preview does not know", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    expect(changed(noPlaintextSecret, find("acme-app-a", ":Role"), { password: unknown })).toEqual([]);
    expect(changed(noPlaintextSecret, find("acme-db-secret", ":Secret"), { stringData: unknown })).toEqual(
      [],
    );
  });
});

describe("hardened-objects", () => {
  const pod = (change: object): object => {
    const { spec } = find("acme-app", ":Deployment").inputs as {
      spec: { template: { spec: { containers: object[] } } };
    };
    return {
      spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, ...change } } },
    };
  };

  it("finds pods that may run as root, unconfined, with a token or an unlimited container", () => {
    const app = find("acme-app", ":Deployment");
    const found = (change: object): string[] => changed(objectsAreHardened, app, pod(change));
    expect(found({ securityContext: {} })).toEqual(["may run as root", "has no seccomp profile"]);
    expect(found({ automountServiceAccountToken: true })).toEqual(["mounts a token of the API server"]);
    expect(found({ hostNetwork: true })).toEqual(["shares the node's: hostNetwork"]);
    expect(found({ containers: [{ name: "x", image: "x:latest" }] })).toEqual(
      expect.arrayContaining([
        "image x:latest is not named by its digest",
        "x has no limits of memory",
        "x may gain privileges",
        "x keeps capabilities",
      ]),
    );
  });
});

describe("protected-buckets", () => {
  it("finds a bucket that is not", () => {
    expect([...bucketsAreProtected({ ...find("backup-bucket", ":Bucket"), protect: false })]).toEqual([
      "holds backups and is not protected",
    ]);
  });
});

describe("protected-data", () => {
  it.each([
    ["acme-namespace", ":Namespace"],
    ["pool-starter-namespace", ":Namespace"],
    ["acme-database", ":Database"],
    ["shared-database", ":Database"],
    ["acme-uploads", ":PersistentVolumeClaim"],
    ["pool-starter-uploads", ":PersistentVolumeClaim"],
    ["acme-backup-prefix", ":BucketObjectv2"],
  ])("finds %s without protection", (name, type) => {
    expect(stackWith(dataIsProtected, find(name, type), { protect: false })).toEqual([
      `${name}: holds data and is not protected`,
    ]);
  });

  it("asks for none where the tenant is archived, or the data is a copy for a move", () => {
    for (const [name, type] of [
      ["hugo-namespace", ":Namespace"],
      ["hugo-database", ":Database"],
      ["fred-database", ":Database"],
      ["fred-uploads", ":PersistentVolumeClaim"],
    ] as const)
      expect({ name, protect: find(name, type).protect }).toEqual({ name, protect: false });
  });
});

describe("verified-deletion", () => {
  it("finds a tenant without its gates", () => {
    for (const [name, type] of [
      ["acme-lifecycle", ":ConfigMap"],
      ["acme-backup-prefix", ":BucketObjectv2"],
    ] as const)
      expect(stackWith(deletionIsVerified, find(name, type), OFF)).toEqual([
        "acme: lacks the gates that look at its final backup before anything of it goes",
      ]);
  });

  it("finds a live tenant that may be deleted", () => {
    const space = find("acme-namespace", ":Namespace");
    const { metadata } = space.inputs as { metadata: { annotations: object } };
    const marked = (id: string): Partial<Declared> => ({
      inputs: {
        metadata: {
          ...metadata,
          annotations: { ...metadata.annotations, "tenantstack.io/allow-delete": id },
        },
      },
    });
    const found = stackWith(deletionIsVerified, space, marked("acme"));
    expect(found).toContain("acme: may be deleted without the evidence of a final backup");
    expect(found).toContain("acme-app: serves acme, which may be deleted");
    expect(found).toContain("acme-route: serves acme, which may be deleted");
    expect(stackWith(deletionIsVerified, space, marked("dora"))).toContain(
      "acme-namespace: may be deleted in the name of dora, whose it is not",
    );
  });

  it("finds an archived tenant without its evidence", () => {
    const gate = find("hugo-lifecycle", ":ConfigMap");
    const inputs = { ...gate.inputs, data: { state: "archived" } };
    expect(stackWith(deletionIsVerified, gate, { inputs })).toEqual([
      "hugo: may be deleted without the evidence of a final backup",
    ]);
  });
});

describe("hardened-cell", () => {
  it("finds a namespace without isolation, quota or Pod Security", () => {
    expect(stackWith(cellIsHardened, find("acme-isolation", ":NetworkPolicy"), OFF)).toContain(
      "acme-namespace: does not deny Egress by default",
    );
    expect(stackWith(cellIsHardened, find("acme-quota", ":ResourceQuota"), OFF)).toContain(
      "acme-namespace: has no quota",
    );
    const space = find("acme-namespace", ":Namespace");
    const { metadata } = space.inputs as { metadata: { labels: object } };
    const labels = { ...metadata.labels, "pod-security.kubernetes.io/enforce": "baseline" };
    expect(stackWith(cellIsHardened, space, { inputs: { metadata: { ...metadata, labels } } })).toEqual([
      'acme-namespace: Pod Security does not enforce "restricted"',
    ]);
  });

  it("finds egress to anywhere, whatever ranges the configuration names", () => {
    const policy = find("acme-isolation", ":NetworkPolicy");
    const { spec, ...rest } = policy.inputs as { spec: { egress: object[] } };
    const adding = (rule: object): string[] =>
      stackWith(cellIsHardened, policy, {
        inputs: { ...rest, spec: { ...spec, egress: [...spec.egress, rule] } },
      });
    const ports = [{ protocol: "TCP", port: 443 }];
    expect(adding({ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports })).toContain(
      "acme-app: reaches the metadata service (169.254.169.254) on port 443",
    );
    expect(adding({ to: [{ ipBlock: { cidr: "10.200.0.0/24" } }], ports })).toEqual([]);
  });
});

describe("scaling-follows-plan", () => {
  it("finds an autoscaler beyond its plan, a tenant's or a pool's", () => {
    const rule = scalingFollowsPlan(loadValid().catalogue);
    expect([...rule(resources)]).toEqual([]);
    const bounds = (name: string, minReplicas: number, maxReplicas: number): string[] => {
      const scaler = find(name, ":HorizontalPodAutoscaler");
      const { spec, ...rest } = scaler.inputs as { spec: object };
      return stackWith(rule, scaler, { inputs: { ...rest, spec: { ...spec, minReplicas, maxReplicas } } });
    };
    const beyond = "scales beyond what Enterprise includes: 2 to 6 pods";
    expect(bounds("acme-autoscaler", 2, 7)).toEqual([`acme-autoscaler: ${beyond}`]);
    expect(bounds("acme-autoscaler", 1, 6)).toEqual([`acme-autoscaler: ${beyond}`]);
    expect(bounds("acme-autoscaler", 3, 5)).toEqual([]);
    expect(bounds("pool-starter-autoscaler", 2, 20)).toEqual([
      "pool-starter-autoscaler: scales beyond what Starter includes: 2 to 6 pods",
    ]);
  });
});

describe("cost-leaves-compute", () => {
  it("names plans of the stack whose AI and support leave no more for compute than the plan below has", () => {
    const { catalogue } = loadValid();
    const found = [...costLeavesCompute(catalogue)(resources)].map(
      ([{ name }, message]) => `${name}: ${message}`,
    );
    expect(found).toContain(
      "acme-namespace: Enterprise sells for 699.00 USD and leaves 0.00 for compute after AI and support, no more than AI Enhanced (25.00) with less of it; correct cost in tenants/plans.yaml",
    );
    expect(found.filter((each) => each.startsWith("carla"))).toEqual([]);
    const { enterprise } = catalogue.plans;
    const mended = {
      ...catalogue,
      plans: { ...catalogue.plans, enterprise: { ...enterprise, cost: { ...enterprise.cost, aiMinor: 0 } } },
    };
    expect(
      [...costLeavesCompute(mended)([find("acme-namespace", ":Namespace")])].map(([, message]) => message),
    ).toEqual([]);
  });
});
