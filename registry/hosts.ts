import { domainToASCII, domainToUnicode } from "node:url";
import { parse } from "tldts";

/** Lower-case labels of at most 63 characters, at least two of them. Other scripts are written in punycode. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/** Letters of other scripts that look like Latin ones: a label of them alone passes for a Latin name. */
const LATIN_LOOK_ALIKES = /^[абвгеѕіјкӏмнорстухԁԛԝһьѵαβεηικμνορτυχγω0-9-]+$/u;

/** Scripts whose letters may stand beside each other in one label (Unicode TR39, "highly restrictive"). */
const WRITING_SYSTEMS: readonly RegExp[] = [
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Common}\p{M}]+$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Bopomofo}\p{Script=Common}\p{M}]+$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hangul}\p{Script=Common}\p{M}]+$/u,
  ...["Cyrillic", "Greek", "Armenian", "Georgian", "Hebrew", "Arabic", "Thai", "Devanagari"].map(
    (script) => new RegExp(`^[\\p{Script=${script}}\\p{Script=Common}\\p{M}]+$`, "u"),
  ),
];

/** What is wrong with a host name that a customer brings; undefined where it can be used. */
export function hostProblem(host: string): string | undefined {
  if (host.includes("*")) return "is a wildcard; name each host";
  if (/^\d+(?:\.\d+){3}$/.test(host)) return "is an address; give a host name";
  if (host.length > 253) return "must be at most 253 characters";
  if (!HOST.test(host)) return `is no host name; ${spelling(host)}`;
  return host.split(".").map(labelProblem).find(Boolean) ?? suffixProblem(host);
}

function spelling(host: string): string {
  const ascii = domainToASCII(host);
  return ascii !== host && HOST.test(ascii)
    ? `write "${ascii}"`
    : 'write e.g. "wms.example.com" in lower case, without scheme and port';
}

function labelProblem(label: string): string | undefined {
  if (!label.startsWith("xn--")) return undefined;
  const letters = domainToUnicode(label);
  if (letters === "" || letters === label || domainToASCII(letters) !== label)
    return `has "${label}", which is no valid punycode`;
  if (LATIN_LOOK_ALIKES.test(letters)) return `has "${letters}", which looks like a Latin name but is not`;
  if (!WRITING_SYSTEMS.some((system) => system.test(letters)))
    return `has "${letters}", which mixes scripts and could pass for another name`;
  return undefined;
}

function suffixProblem(host: string): string | undefined {
  const { publicSuffix } = parse(host, { allowPrivateDomains: true });
  return publicSuffix === host
    ? "is a public suffix, under which anybody can register; give the customer's own host"
    : undefined;
}

/** The domain that was registered: `example.co.uk` of `wms.example.co.uk`. Cookies can be shared below it. */
export const registrableDomain = (host: string): string =>
  parse(host, { allowPrivateDomains: true }).domain ?? host;

/** Whether the host ends in a public suffix; no public certificate is issued for any other. */
export function hasPublicSuffix(host: string): boolean {
  const { isIcann, isPrivate } = parse(host, { allowPrivateDomains: true });
  return isIcann === true || isPrivate === true;
}
