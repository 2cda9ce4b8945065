/** A part of a text that may be cut short. */
export interface Section {
  readonly head: string;
  readonly items: readonly string[];
  readonly foot: string;
  /** What stands for items that did not fit. @param left how many */
  readonly rest: (left: number) => string;
}

export const bytes = (text: string): number => Buffer.byteLength(text);

/**
 * Joins sections up to a size. What comes first has precedence; of each section the items that fit are kept in their
 * order, and the others counted.
 * @param limit bytes of UTF-8, which are never fewer than the characters that GitHub counts
 */
export function fit(
  sections: readonly Section[],
  limit: number,
): { readonly text: string; readonly isWhole: boolean } {
  const frame = ({ head, foot, rest, items }: Section): number => bytes(head + foot + rest(items.length));
  let free = limit - sections.reduce((total, section) => total + frame(section), 0);
  let isWhole = true;
  const parts = sections.map(({ head, items, foot, rest }) => {
    const kept = items.filter((item) => {
      const size = bytes(item);
      if (size > free) return false;
      free -= size;
      return true;
    });
    const left = items.length - kept.length;
    if (left > 0) isWhole = false;
    return [head, ...kept, left > 0 ? rest(left) : "", foot].join("");
  });
  return { text: parts.join(""), isWhole };
}
