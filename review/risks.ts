import { nameOf, typesOf, type Preview } from "./preview.ts";
import type { ResourceChange } from "./resources.ts";

/** Data that the change destroys or leaves open to destruction. */
export interface Risk {
  readonly cell: string;
  /** null for what tenants share. */
  readonly tenant: string | null;
  readonly kind: "replaced" | "deleted" | "unprotected" | "erased";
  /** e.g. Database acme-database, or what the registry asks for. */
  readonly subject: string;
  /** What it means, in our own words. */
  readonly message: string;
  /** Properties that cannot change in place. */
  readonly replacedFor: readonly string[];
}

/** Types whose deletion takes data along, and what is lost. Protected resources count whatever their type. */
const STATEFUL: Readonly<Record<string, string>> = {
  "kubernetes:core/v1:Namespace": "everything in the namespace, volumes included",
  "kubernetes:core/v1:PersistentVolumeClaim": "the files of the volume",
  "kubernetes:core/v1:PersistentVolume": "the files of the volume",
  "postgresql:index/database:Database": "the database",
  "postgresql:index/schema:Schema": "the tables of the schema",
  "aws:s3/bucket:Bucket": "the bucket",
  "aws:s3/bucketV2:BucketV2": "the bucket",
  "aws:kms/key:Key": "whatever is encrypted with the key",
};

/** The risks among the changes of resources in a cell. */
export function resourceRisks(cell: string, changes: readonly ResourceChange[]): Risk[] {
  return changes.flatMap((resource): Risk[] => {
    const lost = STATEFUL[resource.type] ?? (resource.isProtected ? "a protected resource" : undefined);
    if (lost === undefined) return [];
    const { change, type, name, tenant, replacedFor, isProtected, losesProtection } = resource;
    const risk = { cell, tenant, subject: `${shortType(type)} ${name}`, replacedFor };
    const refused = isProtected ? "; it is protected, so the update will refuse" : "";
    switch (change) {
      case "replace":
        return [{ ...risk, kind: "replaced", message: `destroys ${lost}${refused}` }];
      case "delete":
        return [{ ...risk, kind: "deleted", message: `destroys ${lost}${refused}` }];
      case "create":
      case "update": {
        const message = `the next change may destroy ${lost}`;
        return losesProtection ? [{ ...risk, kind: "unprotected", message }] : [];
      }
      default:
        return change satisfies never;
    }
  });
}

/** What the engine refused because it is protected: it stops there, and has no step for it. */
export function refusedRisks({ cell, errors }: Preview, tenantOf: (urn: string) => string | null): Risk[] {
  return errors.flatMap(({ urn, message: said }): Risk[] => {
    const verb = /^unable to (replace|delete) resource/.exec(said)?.[1];
    if (urn === undefined || verb === undefined) return [];
    const kind = verb === "replace" ? "replaced" : "deleted";
    const subject = `${shortType(typesOf(urn).at(-1) ?? "")} ${nameOf(urn)}`;
    const message = `would be ${kind}, but is protected: the update refuses`;
    return [{ cell, tenant: tenantOf(urn), kind, subject, message, replacedFor: [] }];
  });
}

const KINDS: readonly Risk["kind"][] = ["replaced", "deleted", "erased", "unprotected"];

/** Each subject once, what is destroyed first. */
export function inOrder(risks: readonly Risk[]): Risk[] {
  const key = ({ cell, tenant, kind, subject }: Risk): string =>
    JSON.stringify([cell, tenant, kind, subject]);
  const once = risks.filter((risk, index) => risks.findIndex((other) => key(other) === key(risk)) === index);
  return once.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

/** `kubernetes:core/v1:Secret` → `Secret`. */
export const shortType = (type: string): string => type.split(":").at(-1) ?? type;
