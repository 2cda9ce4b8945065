/** What stands for a secret, as in the engine's own output. */
export const SECRET = "[secret]";

/** Names of properties, variables and options whose text is a secret, whatever the engine knows of it. */
const SECRET_NAME =
  /pass(?:word|wd|phrase)|secret$|token$|private.?key|api.?key|access.?key|client.?secret|connection.?string|(?:^|_)(?:dsn|credentials?)$/i;

/** Types that hold nothing but secrets in these properties. */
const SECRET_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  "kubernetes:core/v1:Secret": ["data", "stringData"],
  "random:index/randomPassword:RandomPassword": ["result", "bcryptHash"],
};

/** Whether the type holds secrets: then no message about it is shown either. */
export const holdsSecrets = (type: string): boolean => type in SECRET_PROPERTIES;

/** The inputs of a resource without secrets; its shape stays. */
export function withoutSecrets(type: string, inputs: Readonly<Record<string, unknown>>): unknown {
  const secret = SECRET_PROPERTIES[type] ?? [];
  return masked(
    Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [key, secret.includes(key) ? allMasked(value) : value]),
    ),
  );
}

function masked(value: unknown): unknown {
  if (typeof value === "string") return withoutPasswords(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  const { name } = value as { readonly name?: unknown };
  const isSecretVariable = typeof name === "string" && SECRET_NAME.test(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const isSecret = SECRET_NAME.test(key) || (isSecretVariable && key === "value");
      return [key, isSecret && typeof child === "string" ? SECRET : masked(child)];
    }),
  );
}

function allMasked(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return SECRET;
  return Object.fromEntries(Object.keys(value).map((key) => [key, SECRET]));
}

/** A text without the passwords of URLs in it. */
export const withoutPasswords = (text: string): string =>
  text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, `$1:${SECRET}@`);
