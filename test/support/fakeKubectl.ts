// Stands in for kubectl in tests: keeps objects in a file, writes down how it was called, and plays what a plan says of
// the Jobs. usage: node fakeKubectl.ts <folder> <what kubectl is called with…>
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the Jobs of a command of the operations program do. */
export interface Play {
  readonly log?: readonly string[];
  readonly exitCode?: number;
  /** It goes on for ever. */
  readonly hangs?: boolean;
  /** Its pod cannot start. */
  readonly waiting?: { readonly reason: string; readonly message: string };
  /** No pod is made of it. */
  readonly warning?: string;
}

export interface Plan {
  readonly jobs: Readonly<Record<string, Play>>;
  /** Kinds whose creation is refused, with the message. */
  readonly refusals?: Readonly<Record<string, string>>;
}

export interface Call {
  readonly argv: readonly string[];
  readonly stdin: string;
}

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly { readonly readOnly?: boolean }[];
}

/** An object as this cluster keeps it. */
export interface StoredObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly generateName?: string;
    readonly namespace: string;
    readonly uid: string;
    readonly creationTimestamp?: string;
  };
  readonly spec: {
    readonly suspend?: boolean;
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
  /** A Job whose log was read to its end. */
  readonly ended?: boolean;
}

export type Objects = Readonly<Record<string, StoredObject>>;

/** `job/customer-acme/backup`, of a kind in singular or plural. */
export const keyOf = (kind: string, namespace: string, name: string): string =>
  `${kind.toLowerCase().replace(/s$/, "")}/${namespace}/${name}`;

function main(folder: string, argv: readonly string[]): void {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const plan = read("plan.json") as Plan;
  const objects = read("objects.json") as Objects;
  const save = (changed: Objects): void => {
    const temporary = join(folder, `objects.${process.pid}`);
    writeFileSync(temporary, JSON.stringify(changed));
    renameSync(temporary, join(folder, "objects.json"));
  };
  // --context <name> --request-timeout=… come first.
  const args = argv.slice(argv[2]?.startsWith("--request-timeout") === true ? 3 : 2);
  const option = (name: string): string => args[args.indexOf(name) + 1] ?? "";
  const stdin = args.includes("-") ? readFileSync(0, "utf8") : "";
  appendFileSync(join(folder, "calls.jsonl"), `${JSON.stringify({ argv, stdin })}\n`);
  const [verb, kind = "", name = ""] = args;
  const namespace = option("-n");
  const jobs = Object.values(objects).filter((object) => object.kind === "Job");
  const answer = (value: unknown): void => {
    process.stdout.write(value === undefined ? "" : JSON.stringify(value));
  };
  const refuse = (reason: string, message: string): void => {
    process.stderr.write(`Error from server (${reason}): ${message}\n`);
    process.exitCode = 1;
  };
  const playOf = (job: StoredObject): Play =>
    plan.jobs[job.spec.template.spec.containers[0]?.args[0] ?? ""] ?? {};
  const podsOf = (job: StoredObject): object[] => podOf(job, playOf(job));

  switch (verb) {
    case "create": {
      const object = JSON.parse(stdin) as StoredObject;
      const count = Object.keys(objects).length;
      const { generateName = "", ...metadata } = object.metadata;
      const given = (metadata as { readonly name?: string }).name ?? `${generateName}x${count}`;
      const key = keyOf(object.kind, metadata.namespace, given);
      const refusal = plan.refusals?.[object.kind];
      if (refusal !== undefined) refuse("Forbidden", refusal);
      else if (objects[key] !== undefined) refuse("AlreadyExists", `${key} already exists`);
      else {
        const made = {
          name: given,
          uid: `uid-${count}-${process.pid}`,
          creationTimestamp: new Date().toISOString(),
        };
        const created = { ...object, metadata: { ...metadata, ...made } };
        save({ ...objects, [key]: created });
        answer(created);
      }
      return;
    }
    case "get":
      if (kind === "pods" && args.includes("-l")) {
        const wanted = option("-l").replace("job-name=", "");
        answer({ items: jobs.filter(({ metadata }) => metadata.name === wanted).flatMap(podsOf) });
      } else if (kind === "pods") {
        answer(jobs.filter(({ metadata }) => podName(metadata) === name).flatMap(podsOf)[0]);
      } else if (kind === "events") {
        const warnings = jobs.map((job) => playOf(job).warning).filter((warning) => warning !== undefined);
        answer({ items: warnings.map((message) => ({ metadata: {}, message })) });
      } else {
        const found = objects[keyOf(kind, namespace, name)];
        answer(found?.kind === "Job" ? withStatus(found, playOf(found)) : found);
      }
      return;
    case "patch": {
      const key = keyOf(kind, namespace, name);
      const found = objects[key];
      const { spec } = JSON.parse(option("-p")) as { readonly spec: object };
      if (found !== undefined) save({ ...objects, [key]: { ...found, spec: { ...found.spec, ...spec } } });
      return;
    }
    case "delete": {
      const raw = /namespaces\/(.+)\/jobs\/(.+)$/.exec(name);
      const key = raw === null ? keyOf(kind, namespace, name) : keyOf("job", raw[1] ?? "", raw[2] ?? "");
      const uid =
        raw === null
          ? undefined
          : (JSON.parse(stdin) as { preconditions: { uid: string } }).preconditions.uid;
      if (uid !== undefined && objects[key]?.metadata.uid !== uid) refuse("Conflict", "another uid");
      else save(Object.fromEntries(Object.entries(objects).filter(([each]) => each !== key)));
      return;
    }
    case "logs": {
      const job = jobs.find(({ metadata }) => podName(metadata) === args[2]);
      if (job === undefined) {
        refuse("NotFound", "no such pod");
        return;
      }
      const { log = [], hangs = false } = playOf(job);
      for (const line of log)
        process.stdout.write(line.startsWith("{") ? `${line}\n` : `2026-01-02T03:04:05.678Z ${line}\n`);
      if (hangs) setInterval(() => undefined, 1_000);
      else
        save({
          ...objects,
          [keyOf("Job", job.metadata.namespace, job.metadata.name)]: { ...job, ended: true },
        });
      return;
    }
    default:
      throw new Error(`kubectl ${args.join(" ")} is not planned`);
  }
}

const podName = ({ name }: StoredObject["metadata"]): string => `${name}-pod`;

function withStatus(job: StoredObject, { exitCode = 0 }: Play): object {
  if (job.ended !== true) return job;
  const type = exitCode === 0 ? "Complete" : "Failed";
  return { ...job, status: { conditions: [{ type, status: "True", message: "as planned" }] } };
}

function podOf({ metadata, spec, ended }: StoredObject, { exitCode = 0, waiting, warning }: Play): object[] {
  if (spec.suspend === true || warning !== undefined) return [];
  const going = ended === true ? { terminated: { exitCode } } : { running: {} };
  const state = waiting === undefined ? going : { waiting };
  return [
    {
      metadata: {
        ...{ name: podName(metadata), namespace: metadata.namespace, uid: `${metadata.uid}-pod` },
        ownerReferences: [{ uid: metadata.uid }],
      },
      status: { containerStatuses: [{ name: "warehouse-backup", state }] },
    },
  ];
}

const [folder, ...argv] = process.argv.slice(2);
if (process.argv[1]?.endsWith("fakeKubectl.ts") === true && folder !== undefined) main(folder, argv);
