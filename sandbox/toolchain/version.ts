/** Versions that are accepted: `from` included, `below` excluded. */
export interface Range {
  readonly from: string;
  readonly below: string;
}

type Triple = readonly [number, number, number];

/** The first version number in a text such as `postgres (PostgreSQL) 15.18 (Debian…)`; missing parts are 0. */
export function parseVersion(text: string): Triple | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?|\b(\d+)(?=(?:devel|beta|rc))/.exec(text);
  if (match === null) return undefined;
  if (match[4] !== undefined) return [Number(match[4]), 0, 0];
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** Negative, zero or positive as in sorting. */
export function compareVersions(left: Triple, right: Triple): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** True if the text names a version of the range. */
export function fits(text: string, range: Range): boolean {
  const version = parseVersion(text);
  const from = parseVersion(range.from);
  const below = parseVersion(range.below);
  if (version === undefined || from === undefined || below === undefined) return false;
  return compareVersions(version, from) >= 0 && compareVersions(version, below) < 0;
}
