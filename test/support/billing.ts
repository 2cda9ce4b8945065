import { buildBilling } from "../../billing/build.ts";
import type { Billing } from "../../billing/contract.ts";
import { mergeBilling, type MergedBilling } from "../../billing/merge.ts";
import { formatIssues } from "../../registry/issues.ts";
import { loadValid, registryOf } from "./registry.ts";

/** The output of a cell with these entries. */
export const billingOf = (cell: string, ...entries: readonly object[]): Billing =>
  buildBilling(loadValid(registryOf(...entries)), cell);

/** The same as a consumer has it. */
export function mergedOf(...outputs: readonly Billing[]): MergedBilling {
  const merged = mergeBilling(outputs.map((value) => ({ name: value.cell, value })));
  if (!merged.ok) throw new Error(formatIssues(merged.issues));
  return merged.value;
}
