import { z } from "zod";

/** Kinds of fields that several parts of the configuration use. */

export const name = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be lower-case letters, digits and hyphens, at most 63 characters",
  );
export const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: 'is no CIDR; write e.g. "10.0.0.0/16"' });
export const text = z.string().min(1, "must not be empty");
export const regionName = z
  .string()
  .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'is no AWS region; write e.g. "us-west-2"');

/** An Amazon Resource Name of one service, e.g. of a KMS key. */
export const arn = (service: string, resource: string) =>
  z
    .string()
    .regex(
      new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]*:\\d{12}:${resource}/.+$`),
      `is no ARN; write "arn:aws:${service}:…:${resource}/…"`,
    );
