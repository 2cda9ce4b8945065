import { isMap, isScalar, parseDocument, YAMLMap } from "yaml";
import { Refusal } from "../failures.ts";

/** The stack file of a new cell. */
export interface NewStack {
  readonly text: string;
  /** Its values as the engine passes them, secrets left out. */
  readonly config: Readonly<Record<string, string>>;
  /** Keys whose values are secrets of the other stack, to be set anew. */
  readonly secrets: readonly string[];
  /** What encrypts the other stack's secrets, where that is not a passphrase or Pulumi Cloud. */
  readonly secretsProvider: string | undefined;
}

/** The password of the platform's role, which every cell of a database server needs, if not as PGPASSWORD. */
const PASSWORD = "warehouse:databasePassword";

/**
 * The stack file of a cell beside another, on the same cluster, database server and bucket. Comments and order stay.
 * @param text the other cell's file
 */
export function newStack(
  text: string,
  { cell, qualifier }: { readonly cell: string; readonly qualifier: string },
): NewStack {
  const document = parseDocument(text);
  const config = document.get("config");
  if (document.errors.length > 0 || !isMap(config))
    throw new Refusal("the file of the other stack has no config:; --from names the stack of a cell");
  const secrets = config.items.flatMap(({ key, value }) =>
    isMap(value) && value.has("secure") ? [isScalar(key) ? String(key.value) : String(key)] : [],
  );
  for (const key of secrets) config.delete(key);
  const provider = document.get("secretsprovider");
  for (const key of ["encryptionsalt", "encryptedkey", "secretsprovider"]) document.delete(key);
  config.set("warehouse:cell", cell);
  config.set("warehouse:qualifier", qualifier);
  config.set("warehouse:operations", "false");
  const backup = config.get("warehouse:backup");
  if (isMap(backup)) backup.set("manage", false);
  const values = config instanceof YAMLMap ? (config.toJSON() as Readonly<Record<string, unknown>>) : {};
  return {
    text: document.toString({ lineWidth: 0 }),
    config: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
    secrets: secrets.length > 0 ? secrets : [PASSWORD],
    secretsProvider: typeof provider === "string" && provider !== "passphrase" ? provider : undefined,
  };
}
