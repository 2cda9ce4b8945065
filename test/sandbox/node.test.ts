import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeClient, KubeObject } from "../../sandbox/kube/client.ts";
import { adoptedContainers } from "../../sandbox/node/adopt.ts";
import { Addresses } from "../../sandbox/node/addresses.ts";
import { restartDelay } from "../../sandbox/node/backoff.ts";
import { volumeFor, wantsExpansion, wantsVolume } from "../../sandbox/node/claims.ts";
import { containerLog, logRequest, type LogRequest } from "../../sandbox/node/containerLog.ts";
import { containerEnvironment, expand } from "../../sandbox/node/environment.ts";
import { type ContainerRecord, phase, podStatus } from "../../sandbox/node/podStatus.ts";
import { programArguments } from "../../sandbox/node/process.ts";
import { MissingReference, References } from "../../sandbox/node/references.ts";
import { type ContainerStatus, isOpsImage, type Pod, type PodSpec } from "../../sandbox/node/types.ts";
import { below, containerRoot, prepareVolumes } from "../../sandbox/node/volumes.ts";

const NOW = "2026-01-02T03:04:05Z";
const pod = (spec: Partial<PodSpec>, status: Pod["status"] = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "customer-acme", uid: "u1", labels: { customer: "acme" } },
  spec: { containers: [{ name: "c", image: "php:8" }], ...spec },
  status,
});

const running: ContainerRecord = { state: { running: { startedAt: NOW } }, restarts: 0 };
const ended = (exitCode: number): ContainerRecord => ({
  state: {
    terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt: NOW, finishedAt: NOW },
  },
  restarts: 0,
});
const record = (containers: Readonly<Record<string, ContainerRecord>>) => ({
  ip: "10.244.0.2",
  startTime: NOW,
  containers: new Map(Object.entries(containers)),
});

describe("the phase of a pod", () => {
  it.each([
    ["Pending", "Always", {}],
    ["Running", "Always", { c: running }],
    ["Running", "Always", { c: ended(0) }],
    ["Succeeded", "Never", { c: ended(0) }],
    ["Failed", "Never", { c: ended(3) }],
    ["Running", "OnFailure", { c: ended(3) }],
    ["Succeeded", "OnFailure", { c: ended(0) }],
    ["Running", "OnFailure", { c: { state: { waiting: { reason: "CrashLoopBackOff" } }, restarts: 1 } }],
  ] as const)("is %s with restart policy %s and %j", (expected, restartPolicy, containers) => {
    expect(phase(pod({ restartPolicy }), record(containers))).toBe(expected);
  });

  it("waits for init containers, and fails with them", () => {
    const spec = pod({ restartPolicy: "Never", initContainers: [{ name: "i" }] });
    expect(phase(spec, record({ i: running }))).toBe("Pending");
    expect(phase(spec, record({ i: ended(1) }))).toBe("Failed");
    expect(phase(spec, record({ i: ended(0), c: running }))).toBe("Running");
  });

  it("is Failed when the node ended the pod", () => {
    const failure = { reason: "DeadlineExceeded", message: "too long" };
    expect(podStatus(pod({}), { ...record({ c: running }), failure }, NOW)).toMatchObject({
      phase: "Failed",
      ...failure,
    });
  });
});

describe("the status of a pod", () => {
  it("is ready when all containers run", () => {
    const status = podStatus(pod({}), record({ c: running }), NOW);
    expect(status).toMatchObject({
      phase: "Running",
      podIP: "10.244.0.2",
      hostIP: "127.0.0.1",
      startTime: NOW,
      containerStatuses: [{ name: "c", image: "php:8", ready: true, started: true, restartCount: 0 }],
    });
    expect(status.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
    ]);
  });

  it("is completed, not unready, after success", () => {
    const status = podStatus(pod({ restartPolicy: "Never" }), record({ c: ended(0) }), NOW);
    expect(status.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
      status: "False",
      reason: "PodCompleted",
    });
  });

  it("keeps others' conditions and the time of those that did not change", () => {
    const before = pod(
      {},
      {
        conditions: [
          { type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" },
          { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:01Z" },
          { type: "ContainersReady", status: "False", lastTransitionTime: "2026-01-01T00:00:01Z" },
        ],
      },
    );
    const times = Object.fromEntries(
      (podStatus(before, record({ c: running }), NOW).conditions ?? []).map(
        ({ type, lastTransitionTime }) => [type, lastTransitionTime],
      ),
    );
    expect(times).toMatchObject({
      PodScheduled: "2026-01-01T00:00:00Z",
      Ready: "2026-01-01T00:00:01Z",
      ContainersReady: NOW,
    });
  });
});

describe("a restarted node", () => {
  const status = (name: string, state: ContainerStatus["state"]): ContainerStatus => ({
    name,
    image: "",
    imageID: "",
    ready: false,
    started: true,
    restartCount: 2,
    state,
    lastState: {},
  });

  it("keeps what ended and what was only reported, and knows that processes died", () => {
    const containers = [
      { name: "c", image: "php:8" },
      { name: "ops", image: "registry.example.com/warehouse-ops:v1" },
      { name: "done", image: "registry.example.com/warehouse-ops:v1" },
    ];
    const containerStatuses = [
      status("c", running.state),
      status("ops", running.state),
      status("done", ended(0).state),
      status("gone", running.state),
    ];
    const known = adoptedContainers(pod({ containers }, { containerStatuses }), NOW);
    expect([...known.keys()]).toEqual(["c", "ops", "done"]);
    expect(known.get("c")).toEqual({ ...running, restarts: 2 });
    expect(known.get("ops")?.state.terminated).toMatchObject({
      exitCode: 137,
      reason: "ContainerStatusUnknown",
    });
    expect(known.get("done")?.state.terminated?.exitCode).toBe(0);
  });
});

/** A server with some Secrets and ConfigMaps. */
function client(objects: Readonly<Record<string, unknown>>): KubeClient {
  const get = ({ kind, name }: { kind: string; name: string }): Promise<KubeObject | undefined> =>
    Promise.resolve(objects[`${kind}/${name}`] as KubeObject | undefined);
  return { get } as unknown as KubeClient;
}
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const server = client({
  "Secret/db": { data: { password: base64("p$w"), user: base64("u") } },
  "ConfigMap/features": { data: { THEME: "dark" }, binaryData: { LOGO: base64("x") } },
});
const references = (): References => new References(server, "customer-acme");

describe("a container's environment", () => {
  const environment = async (container: object): Promise<Record<string, string>> =>
    Object.fromEntries(
      await containerEnvironment(pod({}), { name: "c", ...container }, references(), "10.244.0.9"),
    );

  it("comes from Secrets, ConfigMaps and the pod itself, later entries winning", async () => {
    expect(
      await environment({
        envFrom: [
          { prefix: "F_", configMapRef: { name: "features" } },
          { secretRef: { name: "none", optional: true } },
        ],
        env: [
          { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } },
          { name: "URL", value: "x://$(PASSWORD)@$(UNKNOWN)$$(PASSWORD)" },
          { name: "NS", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
          { name: "CUSTOMER", valueFrom: { fieldRef: { fieldPath: "metadata.labels['customer']" } } },
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "F_THEME", value: "light" },
        ],
      }),
    ).toEqual({
      F_THEME: "light",
      F_LOGO: "x",
      PASSWORD: "p$w",
      URL: "x://p$w@$(UNKNOWN)$(PASSWORD)",
      NS: "customer-acme",
      CUSTOMER: "acme",
      IP: "10.244.0.9",
    });
  });

  it.each([
    [{ secretKeyRef: { name: "none", key: "k" } }, 'secret "none" not found'],
    [{ secretKeyRef: { name: "db", key: "k" } }, "couldn't find key k in Secret customer-acme/db"],
    [
      { configMapKeyRef: { name: "features", key: "k" } },
      "couldn't find key k in ConfigMap customer-acme/features",
    ],
  ])("waits for %j", async (valueFrom, message) => {
    const attempt = environment({ env: [{ name: "X", valueFrom }] });
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toBeInstanceOf(MissingReference);
  });

  it("leaves out what is optional and missing", async () => {
    expect(
      await environment({
        env: [{ name: "X", valueFrom: { secretKeyRef: { name: "db", key: "k", optional: true } } }],
      }),
    ).toEqual({});
  });

  it("expands arguments too", () => {
    expect(expand("--id=$(ID)", new Map([["ID", "acme"]]))).toBe("--id=acme");
  });
});

describe("volumes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandbox-volumes-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const prepare = (
    volumes: PodSpec["volumes"],
    kube: KubeClient = server,
    write = true,
  ): Promise<ReadonlyMap<string, string>> =>
    prepareVolumes({
      client: kube,
      references: new References(kube, "customer-acme"),
      pod: pod({ volumes: volumes ?? [] }),
      podIP: "10.244.0.9",
      folder: join(folder, "pod"),
      claims: join(folder, "claims"),
      write,
    });

  it("are files with the modes that are asked for, at their mount paths", async () => {
    const volumes = await prepare([
      {
        name: "db",
        secret: {
          secretName: "db",
          items: [{ key: "password", path: "deep/pw", mode: 0o400 }],
          defaultMode: 0o440,
        },
      },
      {
        name: "all",
        projected: {
          sources: [
            { configMap: { name: "features" } },
            { downwardAPI: { items: [{ path: "ns", fieldRef: { fieldPath: "metadata.namespace" } }] } },
          ],
        },
      },
      { name: "tmp", emptyDir: {} },
    ]);
    const root = containerRoot(
      join(folder, "pod"),
      {
        name: "c",
        volumeMounts: [
          { name: "tmp", mountPath: "/tmp" },
          { name: "db", mountPath: "/etc/db" },
          { name: "all", mountPath: "/etc/one", subPath: "THEME" },
        ],
      },
      volumes,
    );
    expect(readFileSync(join(root, "etc/db/deep/pw"), "utf8")).toBe("p$w");
    expect(statSync(join(root, "etc/db/deep/pw")).mode & 0o777).toBe(0o400);
    expect(readFileSync(join(root, "etc/one"), "utf8")).toBe("dark");
    expect(readFileSync(join(volumes.get("all") ?? "", "ns"), "utf8")).toBe("customer-acme");
    expect(statSync(join(root, "tmp")).isDirectory()).toBe(true);
  });

  it("leave nothing on the disk for pods that run nothing", async () => {
    await prepare([{ name: "db", secret: { secretName: "db" } }], server, false);
    expect(existsSync(join(folder, "pod"))).toBe(false);
  });

  it("wait for what is missing", async () => {
    await expect(prepare([{ name: "x", secret: { secretName: "none" } }])).rejects.toThrow(
      'secret "none" not found',
    );
    await expect(
      prepare([{ name: "x", configMap: { name: "features", items: [{ key: "k", path: "k" }] } }]),
    ).rejects.toThrow("references non-existent configmap key: features/k");
    await expect(prepare([{ name: "x", persistentVolumeClaim: { claimName: "up" } }])).rejects.toThrow(
      'persistentvolumeclaim "up" not found',
    );
  });

  it("persist where their claim is bound", async () => {
    const bound = client({ "PersistentVolumeClaim/up": { status: { phase: "Bound" } } });
    const volumes = await prepare([{ name: "x", persistentVolumeClaim: { claimName: "up" } }], bound);
    expect(volumes.get("x")).toBe(join(folder, "claims", "customer-acme", "up"));
  });

  it("may be mounted in part, by a folder that is made, and by none that leads elsewhere", () => {
    const volume = join(folder, "volume");
    mkdirSync(join(volume, "beta"), { recursive: true });
    symlinkSync(join(volume, "beta"), join(volume, "link"));
    const mount = (subPath: string): string =>
      containerRoot(
        join(folder, "pod"),
        { name: "c", volumeMounts: [{ name: "uploads", mountPath: "/uploads", subPath }] },
        new Map([["uploads", volume]]),
      );
    writeFileSync(join(mount("acme"), "uploads", "a"), "of acme");
    expect(readFileSync(join(volume, "acme", "a"), "utf8")).toBe("of acme");
    expect(() => mount("acme/../beta")).toThrow('the path "acme/../beta" contains ".."');
    expect(() => mount("link")).toThrow('the path "link" leads through a symbolic link');
  });

  it("stay below their folder", () => {
    expect(below("/v", "a/../b")).toBe("/v/b");
    expect(() => below("/v", "../other")).toThrow('the path "../other" leaves its volume');
    expect(() => below("/v", "a/../../v2/x")).toThrow(MissingReference);
  });
});

describe("claims", () => {
  const claim = (spec: object): KubeObject => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "up", namespace: "customer-acme", uid: "u2" },
    spec,
  });

  it("get a volume that is theirs alone and is kept", () => {
    const spec = {
      storageClassName: "uploads",
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: "5Gi" } },
    };
    expect(volumeFor(claim(spec), "/volumes")).toMatchObject({
      metadata: { name: "pvc-u2" },
      spec: {
        capacity: { storage: "5Gi" },
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { name: "up", namespace: "customer-acme", uid: "u2" },
        hostPath: { path: "/volumes/customer-acme/up" },
      },
    });
  });

  it("that ask for more than they have get it", () => {
    const grown = (storageClassName: string, storage: string) => ({
      ...claim({ storageClassName, volumeName: "pvc-u2", resources: { requests: { storage } } }),
      status: { capacity: { storage: "5Gi" } },
    });
    expect(wantsExpansion(grown("uploads", "10Gi"))).toBe("10Gi");
    expect(wantsExpansion(grown("uploads", "5Gi"))).toBeUndefined();
    expect(wantsExpansion(grown("gp3", "10Gi"))).toBeUndefined();
    expect(wantsExpansion(claim({ storageClassName: "uploads" }))).toBeUndefined();
  });

  it("of other classes, or bound ones, are left alone", () => {
    expect(wantsVolume(claim({ storageClassName: "uploads" }))).toBe(true);
    expect(wantsVolume(claim({ storageClassName: "gp3" }))).toBe(false);
    expect(wantsVolume(claim({ storageClassName: "uploads", volumeName: "pvc-u2" }))).toBe(false);
  });
});

describe("the node", () => {
  it.each([
    ["registry.example.com/warehouse-ops@sha256:0000", true],
    ["localhost:5000/team/warehouse-ops:v1", true],
    ["warehouse-ops", true],
    ["registry.example.com/warehouse-ops-evil:v1", false],
    ["registry.example.com/not-warehouse-ops", false],
    ["php:8", false],
  ])("knows whether %s is the operations image", (image, expected) => {
    expect(isOpsImage(image)).toBe(expected);
  });

  it("passes the container's arguments to the program", () => {
    const env = new Map([["ID", "acme"]]);
    expect(programArguments({ name: "c", args: ["backup", "--id=$(ID)"] }, env)).toEqual([
      "backup",
      "--id=acme",
    ]);
    expect(
      programArguments({ name: "c", command: ["node", "/app/ops/main.ts", "backup"], args: ["-v"] }, env),
    ).toEqual(["backup", "-v"]);
    expect(programArguments({ name: "c", command: ["sh", "-c", "true"] }, env)).toBeUndefined();
  });

  it("waits longer before each restart, five minutes at most", () => {
    expect([0, 1, 2, 9].map(restartDelay)).toEqual([10_000, 20_000, 40_000, 300_000]);
  });

  it("gives each pod an address of its own", () => {
    const addresses = new Addresses();
    addresses.reserve("10.244.0.2");
    const taken = Array.from({ length: 600 }, () => addresses.take());
    expect(taken[0]).toBe("10.244.0.3");
    expect(new Set(taken).size).toBe(600);
    expect(taken).not.toContain("10.244.1.0");
    addresses.release("10.244.0.3");
    expect(addresses.take()).not.toBe(taken.at(-1));
  });
});

describe("the log of a container", () => {
  const LINES = [
    "2026-01-02T03:04:05.000Z dumping\n",
    "  pg_dump: a line without a time\n",
    "2026-01-02T03:04:07.500Z done\n",
  ];
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "container-log-"));
    file = join(folder, "p_c.log");
    writeFileSync(file, LINES.join(""));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const never = new AbortController().signal;
  const all: LogRequest = { follow: false, timestamps: false };

  async function sent(request: LogRequest, isRunning = () => false, signal = never): Promise<string> {
    let text = "";
    for await (const part of containerLog(file, request, isRunning, signal)) text += part.toString();
    return text;
  }

  it("is asked for as the API server does", () => {
    const query = "follow=true&tailLines=2&sinceSeconds=10&limitBytes=99&timestamps=true";
    expect(logRequest(new URLSearchParams(query), 20_000)).toEqual({
      follow: true,
      tailLines: 2,
      since: 10_000,
      limitBytes: 99,
      timestamps: true,
    });
    const sinceTime = new URLSearchParams({ sinceTime: "2026-01-02T03:04:05Z" });
    expect(logRequest(sinceTime, 0)).toEqual({ ...all, since: Date.parse(NOW) });
  });

  it.each([
    ["all of it", {}, LINES],
    ["the last lines", { tailLines: 2 }, LINES.slice(1)],
    ["no line", { tailLines: 0 }, []],
    ["no more bytes than wanted", { limitBytes: 30 }, [LINES.join("").slice(0, 30)]],
    ["the lines since a time", { since: Date.parse("2026-01-02T03:04:06Z") }, LINES.slice(2)],
    ["the last lines, of those since a time", { tailLines: 3, since: Date.parse(NOW) }, LINES],
    [
      "lines with their times",
      { timestamps: true },
      [NOW.replace("Z", ".000Z"), NOW.replace("Z", ".000Z"), "2026-01-02T03:04:07.500Z"].map(
        (time, index) => `${time} ${LINES[index] ?? ""}`,
      ),
    ],
  ])("is %s", async (_, options, expected) => {
    expect(await sent({ ...all, ...options })).toBe(expected.join(""));
  });

  it("is followed line by line until the container has ended, and ends then with its last words", async () => {
    const parts: string[] = [];
    let asked = 0;
    const isRunning = (): boolean => {
      asked += 1;
      if (asked === 2) appendFileSync(file, "half a li");
      if (asked === 4) appendFileSync(file, "ne\n");
      if (asked === 6) appendFileSync(file, "killed");
      return asked < 6;
    };
    for await (const part of containerLog(file, { ...all, follow: true, tailLines: 1 }, isRunning, never))
      parts.push(part.toString());
    expect(parts).toEqual([LINES[2], "half a line\n", "killed"]);
  });

  it("ends when nobody reads it any more", async () => {
    const closed = new AbortController();
    const reading = sent({ ...all, follow: true }, () => true, closed.signal);
    closed.abort();
    expect(await reading).toBe(LINES.join(""));
  });
});
