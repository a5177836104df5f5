/** A range of ids of a user namespace, and which ids they are outside. */
export interface IdRange {
  readonly inside: number;
  /** In the reader's user namespace, however deep the other one is nested. */
  readonly outside: number;
  readonly length: number;
}

/** All ids, each itself: the initial user namespace, or one that hides nothing. */
const EVERY_ID = 4_294_967_295;

/**
 * Parses `/proc/<pid>/uid_map` or `gid_map` (user_namespaces(7)):
 *
 *              0     100000      65536
 *              0       1000          1
 *              0          0 4294967295
 *
 * It is empty until somebody has written it.
 *
 * @throws SyntaxError for a line that is not three numbers.
 */
export function parseIdMap(text: string): IdRange[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const fields = line.trim().split(/\s+/);
      const [inside = NaN, outside = NaN, length = NaN] = fields.map(Number);
      if (fields.length !== 3 || !fields.every((field) => /^\d+$/.test(field))) {
        throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as a range of ids`);
      }
      return { inside, outside, length };
    });
}

/** Whether a map is that of the initial user namespace. */
export function isIdentityMap(map: readonly IdRange[]): boolean {
  const [first, ...others] = map;
  return others.length === 0 && first?.inside === 0 && first.outside === 0 && first.length === EVERY_ID;
}

/** What an id inside is outside; `undefined` if it is not mapped. */
export function outsideOf(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ inside, length }) => id >= inside && id < inside + length);
  return range === undefined ? undefined : range.outside + id - range.inside;
}

/** What an id outside is inside; `undefined` if it is not mapped. */
export function insideOf(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ outside, length }) => id >= outside && id < outside + length);
  return range === undefined ? undefined : range.inside + id - range.outside;
}
