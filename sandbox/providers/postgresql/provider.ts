import type { Handler, ProviderSpec } from "../base/spec.ts";
import { sdkVersion } from "../base/version.ts";
import { database } from "./database.ts";
import { defaultPrivileges } from "./defaultPrivileges.ts";
import { grant } from "./grant.ts";
import { grantRole } from "./grantRole.ts";
import { role } from "./role.ts";
import { schema } from "./schema.ts";
import { Server, serverConfig } from "./server.ts";

const handlers: Readonly<Record<string, Handler<Server>>> = {
  "postgresql:index/role:Role": role,
  "postgresql:index/database:Database": database,
  "postgresql:index/schema:Schema": schema,
  "postgresql:index/grant:Grant": grant,
  "postgresql:index/grantRole:GrantRole": grantRole,
  "postgresql:index/defaultPrivileges:DefaultPrivileges": defaultPrivileges,
};

/** Stand-in for the vendor's `postgresql` plugin: roles, databases, schemas and privileges. */
export const postgresql: ProviderSpec<Server> = {
  name: "postgresql",
  version: sdkVersion("@pulumi/postgresql"),
  configure: (config) => new Server(serverConfig(config)),
  handler: (type) => handlers[type],
};
