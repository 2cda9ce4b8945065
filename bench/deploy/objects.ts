/** A resource of a stack's state. */
export interface StateResource {
  readonly type: string;
  readonly urn: string;
  readonly custom: boolean;
  readonly external?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** The signature by which the engine marks a secret in plain text. */
const SECRET = "4dabf18193072939515e22adb298388d";

/** The Kubernetes objects of a state, as `kubectl apply` takes them, namespaces first. */
export function kubeObjects(resources: readonly StateResource[]): object[] {
  const objects = resources
    .filter(({ type, custom, external }) => custom && external !== true && type.startsWith("kubernetes:"))
    .map(({ inputs = {} }) => revealed(inputs) as { readonly kind: string });
  return objects.sort((a, b) => Number(b.kind === "Namespace") - Number(a.kind === "Namespace"));
}

function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  if (SECRET in fields && typeof fields["plaintext"] === "string") return JSON.parse(fields["plaintext"]);
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([key]) => key !== "__defaults")
      .map(([key, child]) => [key, revealed(child)]),
  );
}
