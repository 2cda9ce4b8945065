/** Lines that stay around a change. */
const CONTEXT = 3;

type Line = { readonly mark: " " | "-" | "+"; readonly text: string };

/** The change between two texts as a unified diff. Empty where they are the same. */
export function unifiedDiff(file: string, before: string | undefined, after: string): string[] {
  if (before === after) return [];
  const lines = compare(split(before ?? ""), split(after));
  return [
    `--- ${before === undefined ? "/dev/null" : `a/${file}`}`,
    `+++ b/${file}`,
    ...hunks(lines).flatMap(({ from, to }) => [
      heading(lines, from, to),
      ...lines.slice(from, to).map(({ mark, text }) => mark + text),
    ]),
  ];
}

/** Lines without their endings: a carriage return would move the terminal's cursor. */
function split(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function compare(before: readonly string[], after: readonly string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const stays = (text: string): Line => ({ mark: " ", text });
  return [
    ...before.slice(0, head).map(stays),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(stays),
  ];
}

/** By the longest common subsequence: what lies between the first and the last change is short. */
function middle(before: readonly string[], after: readonly string[]): Line[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  const length = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    const row = lengths[i] ?? new Uint32Array();
    for (let j = after.length - 1; j >= 0; j--)
      row[j] =
        before[i] === after[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [gone = "", come = ""] = [before[i], after[j]];
    if (i < before.length && j < after.length && gone === come) {
      lines.push({ mark: " ", text: gone });
      i++;
      j++;
    } else if (i < before.length && (j === after.length || length(i + 1, j) >= length(i, j + 1))) {
      lines.push({ mark: "-", text: gone });
      i++;
    } else {
      lines.push({ mark: "+", text: come });
      j++;
    }
  }
  return lines;
}

/** The ranges to show: changes with what stands around them. */
function hunks(lines: readonly Line[]): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (const [index, { mark }] of lines.entries()) {
    if (mark === " ") continue;
    const last = found.at(-1);
    const to = Math.min(lines.length, index + CONTEXT + 1);
    if (last !== undefined && index - CONTEXT <= last.to) last.to = to;
    else found.push({ from: Math.max(0, index - CONTEXT), to });
  }
  return found;
}

function heading(lines: readonly Line[], from: number, to: number): string {
  const count = (until: number, start: number, other: "-" | "+"): number =>
    lines.slice(start, until).filter(({ mark }) => mark !== other).length;
  const side = (other: "-" | "+"): string => {
    const length = count(to, from, other);
    return `${count(from, 0, other) + (length === 0 ? 0 : 1)},${length}`;
  };
  return `@@ -${side("+")} +${side("-")} @@`;
}
