import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** PostgreSQL cuts longer names off without a word, and then they may meet somebody else's. */
const LONGEST_NAME = 63;

/** An identifier, quoted. Names that PostgreSQL would cut short are refused. */
export function ident(name: string): string {
  if (name === "" || name.includes("\0")) throw new Error("a PostgreSQL name must not be empty or hold NUL");
  if (Buffer.byteLength(name) > LONGEST_NAME) {
    throw new Error(`the PostgreSQL name "${name}" is longer than ${LONGEST_NAME} bytes`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal, quoted so that neither quotes nor backslashes can end it. */
export function literal(text: string): string {
  if (text.includes("\0")) throw new Error("a PostgreSQL text must not hold NUL");
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
}

/** A role in GRANT and REVOKE; `public` in any case means everybody. */
export const grantee = (role: string): string => (role.toLowerCase() === "public" ? "PUBLIC" : ident(role));

/** A function as GRANT takes it: argument types stay outside the quotes. */
export function signature(name: string): string {
  const [, bare = name, parameters = ""] = /^([^(]+)(\(.*\))$/.exec(name) ?? [];
  return ident(bare) + parameters;
}

const ITERATIONS = 4096;
const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/**
 * What PostgreSQL stores of a password (RFC 5803). Computed here, so that the password is in no statement and
 * no server log.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, ITERATIONS, 32, "sha256");
  const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest("base64");
  const server = hmac(salted, "Server Key").toString("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${stored}:${server}`;
}

/** The PASSWORD clause of CREATE and ALTER ROLE. Verifiers are taken as they are, as the server does. */
export function passwordClause(password: string): string {
  if (password.toUpperCase() === "NULL") return "PASSWORD NULL";
  const isVerifier = /^(md5[0-9a-f]{32}$|SCRAM-SHA-256\$)/.test(password);
  return `PASSWORD ${literal(isVerifier ? password : scramVerifier(password))}`;
}
