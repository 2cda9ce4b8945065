import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ComponentResource, type ComponentResourceOptions, type Output, RunError } from "@pulumi/pulumi";
import type { CellConfig } from "./cell/config.ts";
import { ACCESS_KEYS } from "./bucketEnv.ts";

/** Where a cell's access keys are; undefined where its bucket is used without. */
export function accessKeysOf(
  { backup: { identity } }: CellConfig,
  opts: ComponentResourceOptions,
): AccessKeys | undefined {
  return identity.kind === "staticKeys" ? new AccessKeys(identity.secret, opts) : undefined;
}

/**
 * The access keys that the platform keeps in Secrets of its own. Each Secret is read once, whoever needs it: the engine
 * writes its state before and after a read.
 */
export class AccessKeys extends ComponentResource {
  readonly #secret: { readonly namespace: string; readonly name: string };
  readonly #read = new Map<string, Output<Record<string, string>>>();

  /** @param secret whose name may have `{id}` in it, which stands for the account */
  constructor(secret: { readonly namespace: string; readonly name: string }, opts: ComponentResourceOptions) {
    super("warehouse:tenancy:AccessKeys", "access-keys", {}, opts);
    this.#secret = secret;
    this.registerOutputs({});
  }

  /** The keys of an account, e.g. acme-backup, in base64. */
  of(account: string): Output<Record<string, string>> {
    const { namespace, name } = this.#secret;
    const place = `${namespace}/${name.replaceAll("{id}", account)}`;
    const known = this.#read.get(place);
    if (known !== undefined) return known;
    const secret = Secret.get(`access-keys-${place.replaceAll("/", "-")}`, place, { parent: this });
    const keys = secret.data.apply((data) => checkedKeys(data, place));
    this.#read.set(place, keys);
    return keys;
  }
}

function checkedKeys(
  data: Readonly<Record<string, string>> | undefined,
  place: string,
): Record<string, string> {
  const keys = ACCESS_KEYS.map((key) => [key, data?.[key]] as const);
  const missing = keys.flatMap(([key, value]) => (value === undefined ? [key] : []));
  if (missing.length > 0) {
    throw new RunError(
      `Secret ${place} (warehouse:backup.identity.secret) has no ${missing.join(" and no ")}; add it`,
    );
  }
  return Object.fromEntries(keys) as Record<string, string>;
}
