import type { Catalogue } from "../catalogue.ts";
import type { SourceDocument } from "../document.ts";
import type { Issue } from "../issues.ts";
import type { ResolveContext } from "../resolve.ts";
import type { Defaults, Releases } from "../schema.ts";
import type { TenantEntry } from "../tenantSchema.ts";

type Path = readonly PropertyKey[];

/** An entry whose every field has passed the schema, and where it stands. */
export interface RegisteredTenant {
  readonly entry: TenantEntry;
  readonly file: string;
  /** `tenants/tenants.yaml:12`, for issues that point to it from elsewhere. */
  readonly place: string;
  /** Path of the entry in its file: `["tenants", 3]`, or `[]` in a file of its own. */
  readonly path: Path;
  /** An issue at a field of the entry. */
  issue(path: Path, message: string, at?: "key" | "value"): Issue;
}

/** What the rules look at. */
export interface RuleInput {
  /** tenants/tenants.yaml, for issues about what tenants share. */
  readonly source: SourceDocument;
  /** tenants/plans.yaml. */
  readonly catalogueSource: SourceDocument;
  readonly releases: Releases;
  readonly defaults: Defaults;
  readonly catalogue: Catalogue;
  /** Every entry of every file and every cell. */
  readonly tenants: readonly RegisteredTenant[];
  readonly context: ResolveContext;
}

/** A rule across fields or entries; returns every violation. */
export type Rule = (input: RuleInput) => readonly Issue[];

/** What a rule has to say about one entry. */
export interface Finding {
  /** Path below the entry. */
  readonly path: Path;
  readonly message: string;
  readonly at?: "key" | "value";
}

/** A rule that looks at one entry at a time. */
export const perTenant =
  (check: (entry: TenantEntry, input: RuleInput) => readonly (Finding | undefined)[]): Rule =>
  (input) =>
    input.tenants.flatMap((tenant) =>
      check(tenant.entry, input).flatMap((finding) =>
        finding === undefined ? [] : [tenant.issue(finding.path, finding.message, finding.at)],
      ),
    );

/** A key that one tenant alone may have, and the field it comes from. */
interface Key {
  readonly key: string;
  readonly path: Path;
}

/** Reports every entry that shares a key with an earlier one. */
export const unique =
  (
    keysOf: (entry: TenantEntry, input: RuleInput) => readonly Key[],
    describe: (key: string, tenant: RegisteredTenant, first: RegisteredTenant) => string | undefined,
  ): Rule =>
  (input) => {
    const owners = new Map<string, RegisteredTenant>();
    return input.tenants.flatMap((tenant) =>
      keysOf(tenant.entry, input).flatMap(({ key, path }) => {
        const first = owners.get(key);
        if (first === undefined) {
          owners.set(key, tenant);
          return [];
        }
        const message = describe(key, tenant, first);
        return message === undefined ? [] : [tenant.issue(path, message)];
      }),
    );
  };
