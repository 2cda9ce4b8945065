/** An amount in minor units as people read it: `$699.00`. */
export function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency });
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** The same with its sign, for differences. */
export const moneyDelta = (minor: number, currency: string): string =>
  `${minor > 0 ? "+" : ""}${money(minor, currency)}`;

/** Basis points as a percentage: 7854 → `78.5 %`. */
export const percent = (bps: number): string => `${(bps / 100).toFixed(1)} %`;
