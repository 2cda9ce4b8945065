import type { Input, Output, Resource } from "@pulumi/pulumi";
import type { TenantSpec } from "../registry/spec.ts";
import type { CellConfig } from "./cell/config.ts";
import type { Nodes } from "./nodes.ts";

/** Whose the parts are: a tenant's, a pool's or the shared database's. */
export interface Scope {
  /** Prefix of their logical names, e.g. acme or pool-starter. */
  readonly name: string;
  /** Labels of all their objects. */
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: CellConfig;
  /** What is in force before their namespace is made. Default: nothing. */
  readonly foundation?: readonly Resource[];
  /** Where their pods run. Default: on the nodes that all share. */
  readonly nodes?: Nodes;
  /** The component that they are parts of, which hands down its providers. */
  readonly parent: Resource;
}

/** A scope whose parts log in to the database server. */
export interface LoginScope extends Scope {
  /** What the passwords of its logins follow from. */
  readonly seed: Output<string>;
}

/** A scope whose namespace exists. */
export interface NamespacedScope extends Scope {
  /** Known once the namespace is created, so that everything in it waits for it. */
  readonly namespace: Input<string>;
}

/** What every part of a tenant is built from. */
export interface TenantScope extends NamespacedScope, LoginScope {
  /** The tenant's prefix in the bucket: nothing of it goes after that. */
  readonly prefix: Resource;
  readonly spec: TenantSpec;
}
