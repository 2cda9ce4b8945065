/** Kubernetes quantities as plain integers: millicores for CPU, bytes for memory and storage. */

const BINARY_SUFFIXES = [
  ["Ti", 2 ** 40],
  ["Gi", 2 ** 30],
  ["Mi", 2 ** 20],
  ["Ki", 2 ** 10],
] as const;

const CPU = /^(?:(\d+)m|(\d+(?:\.\d{1,3})?))$/;
const BYTES = /^(\d+)(Ki|Mi|Gi|Ti)$/;

/**
 * Millicores of a CPU quantity: "250m" → 250, "2" → 2000, "0.25" → 250.
 * Returns undefined for anything else, zero and values beyond the safe integers included.
 */
export function parseCpu(text: string): number | undefined {
  const [, milli, cores] = CPU.exec(text) ?? [];
  const value =
    milli !== undefined ? Number(milli) : cores !== undefined ? Math.round(Number(cores) * 1000) : 0;
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/**
 * Bytes of a memory or storage quantity in binary units: "512Mi" → 536870912.
 * Returns undefined for anything else; decimal units ("512M") are refused because they are nearly always a slip.
 */
export function parseBytes(text: string): number | undefined {
  const [, digits, suffix] = BYTES.exec(text) ?? [];
  const factor = BINARY_SUFFIXES.find(([name]) => name === suffix)?.[1];
  if (digits === undefined || factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** The shortest CPU quantity of so many millicores: 2000 → "2", 250 → "250m". */
export function formatCpu(millicores: number): string {
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}

/** The shortest binary quantity of so many bytes: 536870912 → "512Mi"; bytes that fill no unit stay plain. */
export function formatBytes(bytes: number): string {
  for (const [suffix, factor] of BINARY_SUFFIXES) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${suffix}`;
  }
  return String(bytes);
}
