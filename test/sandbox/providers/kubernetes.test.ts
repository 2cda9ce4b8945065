import fc from "fast-check";
import { changesBetween } from "../../../sandbox/providers/base/diff.ts";
import type { Props } from "../../../sandbox/providers/base/wire.ts";
import { checkpoint, inputsOf, pruneToInputs, quantity } from "../../../sandbox/providers/kubernetes/live.ts";
import {
  autoname,
  fieldManagerOf,
  idOf,
  nameOf,
  named,
  parseId,
  timeoutOf,
} from "../../../sandbox/providers/kubernetes/metadata.ts";
import { kubernetes } from "../../../sandbox/providers/kubernetes/provider.ts";
import { type Mutability, replaceRule } from "../../../sandbox/providers/kubernetes/replace.ts";

const MUTABLE: Mutability = { configMaps: true, secrets: true };
const replaced = (old: Props, now: Props, mutable = MUTABLE): string[] =>
  changesBetween(old, now, replaceRule(now, mutable))
    .filter(({ replace }) => replace)
    .map(({ path }) => path);
const object = (apiVersion: string, kind: string, rest: Props = {}): Props => ({
  apiVersion,
  kind,
  metadata: { name: "a", namespace: "n" },
  ...rest,
});

describe("replacement rules", () => {
  it("replaces any object whose name or namespace changes", () => {
    const old = object("example.com/v1", "Widget");
    expect(replaced(old, { ...old, metadata: { name: "b", namespace: "m" } })).toEqual([
      "metadata.name",
      "metadata.namespace",
    ]);
  });

  it.each([
    [
      "apps/v1",
      "Deployment",
      { selector: { matchLabels: { app: "a" } } },
      { selector: { matchLabels: { app: "b" } } },
    ],
    ["batch/v1", "Job", { template: { spec: { x: 1 } } }, { template: { spec: { x: 2 } } }],
    ["v1", "PersistentVolumeClaim", { accessModes: ["ReadWriteOnce"] }, { accessModes: ["ReadWriteMany"] }],
    ["v1", "Service", { clusterIP: "10.0.0.1" }, { clusterIP: "None" }],
    ["v1", "Pod", { containers: [{ image: "a" }] }, { containers: [{ image: "b" }] }],
  ])("replaces a %s %s for a change of its immutable fields", (apiVersion, kind, before, after) => {
    expect(
      replaced(object(apiVersion, kind, { spec: before }), object(apiVersion, kind, { spec: after })),
    ).toHaveLength(1);
  });

  it.each([
    ["apps/v1", "Deployment", { template: { spec: 1 }, replicas: 1 }, { template: { spec: 2 }, replicas: 2 }],
    ["v1", "PersistentVolumeClaim", { resources: { requests: 1 } }, { resources: { requests: 2 } }],
    ["v1", "Pod", { tolerations: [] }, { tolerations: [{ key: "a" }] }],
  ])("updates a %s %s in place for other changes", (apiVersion, kind, before, after) => {
    expect(
      replaced(object(apiVersion, kind, { spec: before }), object(apiVersion, kind, { spec: after })),
    ).toEqual([]);
  });

  it("replaces Secrets and ConfigMaps for new data unless they are mutable", () => {
    const [old, now] = [{ data: { a: "1" } }, { data: { a: "2" } }];
    for (const kind of ["Secret", "ConfigMap"]) {
      const pair = [object("v1", kind, old), object("v1", kind, now)] as const;
      expect(replaced(...pair, { configMaps: false, secrets: false })).toEqual(["data.a"]);
      expect(replaced(...pair)).toEqual([]);
      const frozen = { immutable: true };
      expect(replaced({ ...pair[0], ...frozen }, { ...pair[1], ...frozen })).toEqual(["data.a"]);
    }
    expect(replaced(object("v1", "Secret", { type: "a" }), object("v1", "Secret", { type: "b" }))).toEqual([
      "type",
    ]);
  });
});

describe("names", () => {
  it("generates valid names that keep the resource's own", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,300}$/), (base) => {
        const name = autoname(base);
        expect(name).toMatch(/^[a-z0-9-]+-[a-z0-9]{8}$/);
        expect(name.length).toBeLessThanOrEqual(253);
      }),
    );
  });

  it("keeps a generated name from one update to the next, and a given one as it is", () => {
    const first = named(object("v1", "ConfigMap", { metadata: {} }), "config", undefined);
    expect(nameOf(first)).toMatch(/^config-[a-z0-9]{8}$/);
    expect(nameOf(named({ metadata: {} }, "config", first))).toBe(nameOf(first));
    expect(nameOf(named({ metadata: { name: "mine" } }, "config", first))).toBe("mine");
    expect(nameOf(named({ metadata: {} }, "config", object("v1", "ConfigMap")))).not.toBe("a");
  });

  it("identifies objects as namespace/name, or by name alone", () => {
    expect(idOf(object("v1", "Secret"))).toBe("n/a");
    expect(idOf({ metadata: { name: "a" } })).toBe("a");
    expect(parseId("n/a")).toEqual({ namespace: "n", name: "a" });
    expect(parseId("a")).toEqual({ namespace: undefined, name: "a" });
  });

  it("uses one field manager a resource: annotated, recorded, or from the URN", () => {
    const annotated = { metadata: { annotations: { "pulumi.com/patchFieldManager": "me" } } };
    expect(fieldManagerOf("urn:a", annotated, { __fieldManager: "old" })).toBe("me");
    expect(fieldManagerOf("urn:a", {}, { __fieldManager: "old" })).toBe("old");
    expect(fieldManagerOf("urn:a", {}, {})).toBe(fieldManagerOf("urn:a", {}, {}));
    expect(fieldManagerOf("urn:a", {}, {})).not.toBe(fieldManagerOf("urn:b", {}, {}));
  });

  it("waits as long as customTimeouts say, else the annotation, else the kind's default", () => {
    const annotated = { metadata: { annotations: { "pulumi.com/timeoutSeconds": "30" } } };
    expect(timeoutOf(5, annotated, 600)).toBe(5);
    expect(timeoutOf(undefined, annotated, 600)).toBe(30);
    expect(timeoutOf(undefined, {}, 600)).toBe(600);
  });
});

describe("live state", () => {
  it("shows drift only in fields the program sets", () => {
    const inputs = object("apps/v1", "Deployment", { spec: { replicas: 1, template: { a: 1 } } });
    const live = object("apps/v1", "Deployment", {
      spec: { replicas: 3, template: { a: 1 }, extra: true },
      status: {},
    });
    expect(pruneToInputs(live, inputs)).toEqual({ ...inputs, spec: { replicas: 3, template: { a: 1 } } });
  });

  it("drops fields that somebody removed, but not empty ones the server leaves out", () => {
    const inputs = object("v1", "ConfigMap", { data: { a: "1", b: "2" }, spec: { selector: {} } });
    expect(pruneToInputs(object("v1", "ConfigMap", { data: { a: "1" } }), inputs)).toEqual({
      ...object("v1", "ConfigMap", { data: { a: "1" } }),
      spec: inputs.spec,
    });
    expect(
      pruneToInputs(object("v1", "X", { spec: {} }), object("v1", "X", { spec: { podSelector: {} } })),
    ).toEqual(object("v1", "X", { spec: { podSelector: {} } }));
  });

  it("takes quantities for what they amount to, and labels for what they say", () => {
    const inputs = { spec: { cpu: "1000m", memory: "1024Mi" }, metadata: { labels: { v: "1000m" } } };
    const live = { spec: { cpu: "1", memory: "1Gi" }, metadata: { labels: { v: "1" } } };
    expect(pruneToInputs(live, inputs)).toEqual({ ...inputs, metadata: { labels: { v: "1" } } });
    expect([quantity("1.5Gi"), quantity("250m"), quantity("2"), quantity("abc")]).toEqual([
      1.5 * 2 ** 30,
      0.25,
      2,
      undefined,
    ]);
  });

  it("matches list items by their key and ignores those others have added", () => {
    const inputs = { spec: { containers: [{ name: "app", image: "a" }] } };
    const live: Props = {
      spec: {
        containers: [
          { name: "sidecar", image: "s" },
          { name: "app", image: "b", tty: false },
        ],
      },
    };
    expect(pruneToInputs(live, inputs)).toEqual({ spec: { containers: [{ name: "app", image: "b" }] } });
    expect(pruneToInputs({ args: ["a", "b"] }, { args: ["a"] })).toEqual({ args: ["a", "b"] });
  });

  it("reads a Secret's stringData back from its data", () => {
    const inputs = object("v1", "Secret", { stringData: { user: "u", gone: "x" } });
    const live = object("v1", "Secret", {
      data: { user: Buffer.from("changed").toString("base64"), other: "eA==" },
    });
    expect(pruneToInputs(live, inputs)).toEqual({ ...inputs, stringData: { user: "changed" } });
  });

  it("imports all but the server's own fields", () => {
    const live = object("v1", "ConfigMap", {
      metadata: { name: "a", uid: "u", resourceVersion: "1", labels: { x: "y" }, managedFields: [] },
      data: { k: "v" },
      status: {},
    });
    expect(inputsOf(live)).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", labels: { x: "y" } },
      data: { k: "v" },
    });
  });

  it("keeps the inputs beside the live object for the vendor's plugin, without managed fields", () => {
    const live = { kind: "X", metadata: { name: "a", managedFields: [1] } };
    expect(checkpoint(live, { kind: "X" }, "m", "v1")).toEqual({
      kind: "X",
      metadata: { name: "a" },
      __inputs: { kind: "X" },
      __initialApiVersion: "v1",
      __fieldManager: "m",
    });
  });
});

describe("the kubernetes provider", () => {
  it.each(["kubernetes:core/v1:Secret", "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"])(
    "knows %s",
    (type) => {
      expect(kubernetes.handler(type)).toBeDefined();
    },
  );

  it.each([
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:core/v1:SecretList",
    "kubernetes:apps/v1:DeploymentPatch",
    "x:y:Z",
  ])("does not pretend to know %s", (type) => {
    expect(kubernetes.handler(type)).toBeUndefined();
  });

  it("keeps every Secret's data secret", () => {
    const secrets = kubernetes.handler("kubernetes:core/v1:Secret")?.secrets;
    expect(secrets?.(object("v1", "Secret"))).toContainEqual(["data"]);
    expect(secrets?.(object("v1", "ConfigMap"))).toEqual([]);
  });
});
