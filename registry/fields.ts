import { z } from "zod";
import { hostProblem } from "./hosts.ts";
import { parseBytes, parseCpu } from "./quantities.ts";

/** Kinds of fields that several schemas use. Their `examples` reach editors and the reference page. */

/** A whole number within bounds. */
export const count = (min: number, max: number) =>
  z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`);

/** Text on one line that people read: no control, invisible or direction-changing characters. */
export const label = (max: number) =>
  z
    .string()
    .min(1, "must not be empty")
    .max(max, `must be at most ${max} characters`)
    .refine((text) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(text), "has an invisible or control character; remove it")
    .refine((text) => text === text.trim(), "starts or ends with a space; remove it");

/** A point in time, RFC 3339 UTC. */
export const utcTime = z.iso
  .datetime({ error: 'is no UTC time; write "2026-01-31T00:00:00Z"' })
  .meta({ examples: ["2026-01-31T00:00:00Z"] });

/** A day, which counts as a whole, UTC. */
export const day = z.iso.date({ error: 'is no date; write "2026-01-31"' }).meta({ examples: ["2026-01-31"] });

/** A version of the application. Bounded, so that comparing stays exact. */
export const version = z
  .string()
  .regex(/^v(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}$/, 'is no version; write "v2.1.0"')
  .meta({ examples: ["v2.1.0"] });

export const imageDigest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'is no image digest; write "sha256:" and 64 hex digits')
  .meta({ examples: [`sha256:${"2".repeat(64)}`] });

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "is no SHA-256; write 64 hex digits")
  .meta({ examples: ["4".repeat(64)] });

/** A name in lower case, as applications and clusters use them. */
export const slug = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,62}$/,
    "must be lower-case letters, digits, - and _, at most 63 characters, starting with a letter",
  );

export const cellName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be lower-case letters, digits and hyphens, at most 63 characters",
  )
  .meta({ examples: ["us-west-2-a"] });

export const region = z
  .string()
  .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'is no AWS region; write e.g. "us-west-2"')
  .meta({ examples: ["us-west-2"] });

/** An opaque reference into another system. Its letters exclude addresses: Git keeps no personal data. */
export const reference = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$/,
    "is no reference; use letters, digits, _ . : and -, at most 255 characters",
  );

/** A customer's own host. */
export const hostName = z
  .string()
  .superRefine((host, context) => {
    const message = hostProblem(host);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ examples: ["wms.example.com"] });

/** A CPU quantity; the value is millicores. */
export const cpu = quantity(parseCpu, 'is no CPU quantity; write "500m" or "2"', ["500m", "2"]);

/** A memory or storage quantity; the value is bytes. */
export const bytes = quantity(parseBytes, 'is no quantity in binary units; write "512Mi" or "10Gi"', [
  "512Mi",
  "10Gi",
]);

function quantity(parse: (text: string) => number | undefined, message: string, examples: string[]) {
  return z
    .string()
    .meta({ examples })
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });
}
