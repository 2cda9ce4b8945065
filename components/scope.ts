import type { Input, Resource } from "@pulumi/pulumi";
import type { TenantSpec } from "../registry/spec.ts";
import type { CellConfig } from "./cell/config.ts";

/** What every part of a tenant is built from. */
export interface Scope {
  readonly spec: TenantSpec;
  readonly cell: CellConfig;
  /** The TenantStack: parent of every part, which hands down its providers. */
  readonly parent: Resource;
}

/** A scope whose namespace exists. */
export interface NamespacedScope extends Scope {
  /** Known once the namespace is created, so that everything in it waits for it. */
  readonly namespace: Input<string>;
}
