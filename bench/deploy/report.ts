import { loadavg, cpus } from "node:os";

/** Seconds of a step at a size, one a run. */
export interface Series {
  readonly step: string;
  /** Steps whose medians the step's median is divided by. */
  readonly beside: readonly string[];
  readonly bySize: ReadonlyMap<number, readonly number[]>;
}

export const least = (values: readonly number[]): number => Math.min(...values);
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** How fast seconds grow with the size, between two sizes: 1 is in proportion. */
export const exponent = (
  [n, seconds]: readonly [number, number],
  [m, more]: readonly [number, number],
): number => Math.log(more / seconds) / Math.log(m / n);

export const load = (): string =>
  `${cpus().length} cores, load ${loadavg()
    .map((each) => each.toFixed(1))
    .join(" ")}`;

const figure = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));

/** The table of the times: least and median at each size, and how they grow. */
export function timesTable(series: readonly Series[], sizes: readonly number[]): string {
  const medians = new Map(series.map(({ step, bySize }) => [step, mediansOf(bySize)]));
  const rows = series.map(({ step, beside, bySize }) => {
    const own = medians.get(step) ?? new Map<number, number>();
    const cells = sizes.map((size) => {
      const values = bySize.get(size);
      if (values === undefined) return "-";
      const ratio = beside
        .flatMap((other) => {
          const divisor = medians.get(other)?.get(size);
          return divisor === undefined ? [] : [`, ${figure(median(values) / divisor)}×`];
        })
        .join("");
      return values.length === 1
        ? `${figure(median(values))} s, one run${ratio}`
        : `${figure(least(values))}, ${figure(median(values))} s${ratio}`;
    });
    const points = [...own];
    const [first, last] = [points[0], points.at(-1)];
    const growth =
      first === undefined || last === undefined || first === last ? "-" : figure(exponent(first, last));
    return [step, beside.join(", ") || "-", ...cells, growth];
  });
  return markdown(["step", "ratio to", ...sizes.map((size) => `${size} tenants`), "exponent"], rows);
}

const mediansOf = (bySize: Series["bySize"]): ReadonlyMap<number, number> =>
  new Map([...bySize].map(([size, values]) => [size, median(values)]));

export const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
