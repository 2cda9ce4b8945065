import type { Output } from "@pulumi/pulumi";
import type { Release } from "../registry/spec.ts";
import type { Mounts } from "./application.ts";
import type { EnvVar } from "./bucketEnv.ts";
import { applicationLoginEnv } from "./job.ts";

/** Where an application that reads files finds its login: url, host and name, one value a file. */
const LOGIN_PATH = "/etc/warehouse/database";

/** Read by the container's own group, which owns the volume: fsGroup. */
export const SECRET_FILE_MODE = 0o440;

/** How a container of the application gets its login: in its environment, or as files and nothing in its environment. */
export function applicationLogin(
  { secrets }: Pick<Release, "secrets">,
  secret: Output<string>,
  { volumes, volumeMounts }: Mounts,
): { readonly env: EnvVar[]; readonly mounts: Mounts } {
  switch (secrets) {
    case "environment":
      return { env: applicationLoginEnv(secret), mounts: { volumes, volumeMounts } };
    case "files": {
      const items = ["url", "host", "name"].map((key) => ({ key, path: key }));
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
