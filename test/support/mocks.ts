import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/** Resolves when the program's whole graph has been registered. The SDK's tests use it; its types leave it out. */
const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs: () => Promise<void> };

/** Runs a program against mocks and returns what it registered. Fails on two resources of one type and name. */
export async function register(program: () => unknown): Promise<Registration[]> {
  const registrations = new Map<string, Registration>();
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        const { type, name } = args;
        const inputs = args.inputs as Record<string, unknown>;
        const key = `${type}::${name}`;
        if (registrations.has(key)) throw new Error(`registered twice: ${key}`);
        registrations.set(key, { type, name, inputs });
        const outputs =
          type === "random:index/randomPassword:RandomPassword" ? { result: `secret-of-${name}` } : {};
        return { id: `${name}-id`, state: { ...inputs, ...outputs } };
      },
      call: (args) => args.inputs as Record<string, unknown>,
    },
    "warehouse",
    "test",
  );
  program();
  await waitForRPCs();
  return [...registrations.values()];
}
