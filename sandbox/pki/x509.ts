import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { isIP } from "node:net";
import { bits, boolean, der, integer, octets, oid, sequence, set, time, utf8 } from "./der.ts";

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate with what is needed to sign others. */
export interface Authority extends KeyPair {
  readonly name: string;
  readonly privateKey: KeyObject;
}

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const YEARS = 10;

const commonName = (name: string): Buffer => sequence(set(sequence(oid("2.5.4.3"), utf8(name))));
const organisation = (name: string): Buffer => set(sequence(oid("2.5.4.10"), utf8(name)));
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

const keyIdentifier = (key: KeyObject): Buffer =>
  createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();

const pem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${(bytes.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END ${label}-----\n`;

interface Request {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly key: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

function issueDer({ subject, issuer, key, signer, extensions }: Request): Buffer {
  const publicKey = createPublicKey(key);
  // An hour of slack for clocks that were set back.
  const from = new Date(Date.now() - 3_600_000);
  const to = new Date(from);
  to.setFullYear(from.getFullYear() + YEARS);
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    issuer,
    sequence(time(from), time(to)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension("2.5.29.14", false, octets(keyIdentifier(publicKey))),
        extension("2.5.29.35", false, sequence(der(0x80, keyIdentifier(createPublicKey(signer))))),
      ),
    ),
  );
  return sequence(body, ecdsaWithSha256, bits(sign("sha256", body, { key: signer, dsaEncoding: "der" })));
}

const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const keyPem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

/** A new self-signed certificate authority. */
export function newAuthority(name: string): Authority {
  const privateKey = newKey();
  const subject = commonName(name);
  const certificate = issueDer({
    subject,
    issuer: subject,
    key: privateKey,
    signer: privateKey,
    extensions: [
      extension("2.5.29.19", true, sequence(boolean(true))),
      // keyCertSign and cRLSign.
      extension("2.5.29.15", true, bits(Buffer.from([0x06]), 1)),
    ],
  });
  return { name, privateKey, certificate: pem("CERTIFICATE", certificate), key: keyPem(privateKey) };
}

export interface Leaf {
  readonly name: string;
  /** Kubernetes reads the organisation as the group. */
  readonly group?: string;
  /** DNS names and IPv4 addresses the server answers to; none for a client. */
  readonly hosts: readonly string[];
}

/** A certificate for a server or client, signed by the authority. */
export function issue(authority: Authority, leaf: Leaf): KeyPair {
  const key = newKey();
  const names = leaf.hosts.map((host) =>
    isIP(host) === 4 ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host)),
  );
  const subject = sequence(
    ...(leaf.group === undefined ? [] : [organisation(leaf.group)]),
    set(sequence(oid("2.5.4.3"), utf8(leaf.name))),
  );
  const certificate = issueDer({
    subject,
    issuer: commonName(authority.name),
    key,
    signer: authority.privateKey,
    extensions: [
      // digitalSignature.
      extension("2.5.29.15", true, bits(Buffer.from([0x80]), 7)),
      extension("2.5.29.37", false, sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
      ...(names.length === 0 ? [] : [extension("2.5.29.17", false, sequence(...names))]),
    ],
  });
  return { certificate: pem("CERTIFICATE", certificate), key: keyPem(key) };
}
