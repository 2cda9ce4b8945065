/** A plain text table: columns as wide as their widest cell, numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ""))));
  const numeric = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[\d.,/]*$/.test(row[column] ?? "")),
  );
  return all
    .map((row) =>
      widths
        .map((size, column) => {
          const cell = row[column] ?? "";
          const gap = " ".repeat(size - width(cell));
          return numeric[column] === true ? gap + cell : cell + gap;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Characters, not UTF-16 units. */
const width = (text: string): number => Array.from(text).length;
