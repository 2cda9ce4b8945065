import type { Fields } from "../fields.ts";
import type { Manifest } from "../manifest.ts";

/** A resource as the program declares it, before anything happens to it. */
export interface Declared {
  /** e.g. kubernetes:core/v1:Namespace */
  readonly type: string;
  /** Logical name, e.g. acme-namespace. */
  readonly name: string;
  /** As the engine's protocol has them: secrets are marked, what is known only later is a placeholder. */
  readonly inputs: Fields;
  /** Whether Pulumi refuses to delete it. */
  readonly protect: boolean;
}

/** How the engine's protocol marks a value as special, and as secret. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** A value that is marked as secret. */
export const secret = (value: unknown): Fields => ({ [SIGNATURE]: SECRET, value });

/** Whether a value is marked as secret. */
export const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && (value as Fields)[SIGNATURE] === SECRET;

/** What the engine writes for text, and for an object, that is known only once something else is deployed. */
const UNKNOWN = ["04da6b54-80e4-46f7-96ec-b56ff0331ba9", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"];
export const isUnknown = (value: unknown): boolean => UNKNOWN.some((each) => each === value);
export const mentionsUnknown = (text: string): boolean => UNKNOWN.some((each) => text.includes(each));

/** Values without marks of secrets, as a provider gets them. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Fields;
  if (SIGNATURE in fields) return plain(fields["value"]);
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, plain(field)]),
  );
}

/** The Kubernetes object that a resource is, if it is one. */
export function manifestOf({ type, inputs }: Pick<Declared, "type" | "inputs">): Manifest | undefined {
  const [, group = "", version = "", kind = ""] = /^kubernetes:([^/:]+)\/([^:]+):(\w+)$/.exec(type) ?? [];
  if (kind === "") return undefined;
  const apiVersion = group === "core" ? version : `${group}/${version}`;
  return { ...(plain(inputs) as Manifest), apiVersion, kind };
}
