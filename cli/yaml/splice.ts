import { lineEnd, lineStart, nextLine } from "./source.ts";

/** A text that replaces a range of another. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export const insertion = (start: number, text: string): Splice => ({ start, end: start, text });

/** A range of a text: what is written of one field or item. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Removes the whole lines of a range, and at the end of a file without line ending the one before them. */
export function removeLines(text: string, { start, end }: Range): Splice {
  const from = lineStart(text, start);
  const to = nextLine(text, end);
  const isLast = to === text.length && !text.endsWith("\n");
  return {
    start: isLast && from > 0 ? lineEnd(text, from - 1) - lineBreak(text, from) : from,
    end: to,
    text: "",
  };
}

/** One for "\r" before the "\n" in front of a line. */
const lineBreak = (text: string, from: number): number => (text[from - 2] === "\r" ? 1 : 0);

/** Removes one of the comma-separated parts between brackets. */
export function removeFromFlow(
  text: string,
  { start, end }: Range,
  previousEnd: number | undefined,
  nextStart: number | undefined,
): Splice {
  const rest = text.slice(end, lineEnd(text, end));
  const isAlone = text.slice(lineStart(text, start), start).trim() === "" && /^\s*,?\s*(?:#.*)?$/.test(rest);
  if (isAlone && text.slice(start, end).trim() !== "") return removeLines(text, { start, end });
  const between = (from: number, to: number): boolean => !text.slice(from, to).includes("#");
  if (nextStart !== undefined && between(end, nextStart)) return { start, end: nextStart, text: "" };
  if (previousEnd !== undefined && between(previousEnd, start)) return { start: previousEnd, end, text: "" };
  const comma = /^\s*,/.exec(text.slice(end))?.[0].length ?? 0;
  return { start, end: end + comma, text: "" };
}
