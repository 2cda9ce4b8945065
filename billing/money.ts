/** An amount in minor units as people read it: `$699.00`. */
export const money = (minor: number, currency: string): string =>
  formatOf(currency).format(majorUnits(minor, currency));

/** Minor units as whole ones: 69900 → 699. */
export const majorUnits = (minor: number, currency: string): number =>
  minor / 10 ** (formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2);

const formatOf = (currency: string): Intl.NumberFormat =>
  new Intl.NumberFormat("en-US", { style: "currency", currency });

/** The same with its sign, for differences. */
export const moneyDelta = (minor: number, currency: string): string =>
  `${minor > 0 ? "+" : ""}${money(minor, currency)}`;

/** Basis points as a percentage: 7854 → `78.5 %`. */
export const percent = (bps: number): string => `${(bps / 100).toFixed(1)} %`;
