import { formatBytes, formatCpu } from "../registry/quantities.ts";

/** A resolved value as people read it, in the units of the plan. @param path tells the unit */
export function showValue(path: string, value: unknown): string {
  if (value === "" || value === undefined || (Array.isArray(value) && value.length === 0)) return "-";
  if (Array.isArray(value)) return value.map((item) => showValue(path, item)).join(", ");
  if (typeof value === "number") {
    if (/(?:memory|Bytes|storage)$/.test(path)) return formatBytes(value);
    return path.endsWith("cpu") ? formatCpu(value) : String(value);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
