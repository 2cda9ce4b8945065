import type { Release } from "../registry/spec.ts";
import type { Mounts } from "./application.ts";
import type { EnvVar } from "./bucketEnv.ts";
import { applicationLoginEnv } from "./job.ts";
import type { LoginRef } from "./login.ts";

/** Where an application that reads files finds its login: url, host and name, one value a file. */
const LOGIN_PATH = "/etc/warehouse/database";

/** Read by the container's own group, which owns the volume: fsGroup. */
export const SECRET_FILE_MODE = 0o440;

/** How a container of the application gets its login: in its environment, or as files and nothing in its environment. */
export function applicationLogin(
  { secrets }: Pick<Release, "secrets">,
  login: LoginRef,
  { volumes, volumeMounts }: Mounts,
): { readonly env: EnvVar[]; readonly mounts: Mounts } {
  switch (secrets) {
    case "environment":
      return { env: applicationLoginEnv(login), mounts: { volumes, volumeMounts } };
    case "files": {
      const { secret, prefix } = login;
      const items = [
        { key: `${prefix}url`, path: "url" },
        { key: "host", path: "host" },
        { key: `${prefix}name`, path: "name" },
      ];
      return {
        env: [],
        mounts: {
          volumes: [
            ...volumes,
            { name: "database", secret: { secretName: secret, defaultMode: SECRET_FILE_MODE, items } },
          ],
          volumeMounts: [...volumeMounts, { name: "database", mountPath: LOGIN_PATH, readOnly: true }],
        },
      };
    }
    default:
      return secrets satisfies never;
  }
}
