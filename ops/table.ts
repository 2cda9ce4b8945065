/**
 * A plain text table: columns as wide as their widest cell.
 * @param right columns whose cells are aligned to the right
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number>,
): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  return lines
    .map((row) =>
      widths
        .map((width, column) =>
          right.has(column) ? (row[column] ?? "").padStart(width) : (row[column] ?? "").padEnd(width),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
