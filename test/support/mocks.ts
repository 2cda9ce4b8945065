import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  readonly protect: boolean;
  /** URNs of what it depends on. */
  readonly dependencies: readonly string[];
  /** Properties that keep the value of the state. */
  readonly ignoreChanges: readonly string[];
}

/** What the SDK's tests use and its types leave out: to wait until the whole graph is registered, and the mocked engine. */
const { waitForRPCs, getMonitor } = pulumi.runtime as unknown as {
  waitForRPCs: () => Promise<void>;
  getMonitor: () => Monitor;
};

interface Monitor {
  registerResource: (
    request: {
      getType: () => string;
      getName: () => string;
      getProtect: () => boolean;
      getDependenciesList: () => string[];
      getIgnorechangesList: () => string[];
    },
    callback: unknown,
  ) => Promise<void>;
}

const KEYS = { AWS_ACCESS_KEY_ID: "a2V5", AWS_SECRET_ACCESS_KEY: "c2VjcmV0" };

/** What a cloud adds to the inputs, where the program uses it. */
function outputsOf({ type, name, id }: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  // Read, not made: the access keys that the platform keeps.
  if (type === "kubernetes:core/v1:Secret" && id !== undefined && id !== "") return { data: KEYS };
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      return { result: `secret-of-${name}` };
    case "aws:iam/role:Role":
      return { name, arn: `arn:aws:iam::123456789012:role/${name}` };
    default:
      return {};
  }
}

/** Runs a program against mocks and returns what it registered. Fails on two resources of one type and name. */
export async function register(program: () => unknown): Promise<Registration[]> {
  const registrations = new Map<string, Registration>();
  const options = new Map<string, Omit<Registration, "type" | "name" | "inputs">>();
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        const { type, name } = args;
        const inputs = args.inputs as Record<string, unknown>;
        const key = `${type}::${name}`;
        if (registrations.has(key)) throw new Error(`registered twice: ${key}`);
        registrations.set(key, {
          ...{ type, name, inputs },
          ...(options.get(key) ?? { protect: false, dependencies: [], ignoreChanges: [] }),
        });
        return { id: `${name}-id`, state: { ...inputs, ...outputsOf(args) } };
      },
      call: (args) => args.inputs as Record<string, unknown>,
    },
    "warehouse",
    "test",
  );
  const monitor = getMonitor();
  const registerResource = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    options.set(`${request.getType()}::${request.getName()}`, {
      protect: request.getProtect(),
      dependencies: request.getDependenciesList(),
      ignoreChanges: request.getIgnorechangesList(),
    });
    return registerResource(request, callback);
  };
  await program();
  await waitForRPCs();
  return [...registrations.values()];
}
