/** A range of ids in a user namespace, and the ids that they map to outside. */
export interface IdRange {
  readonly inside: number;
  /** The first id outside, in the reader's user namespace, at any nesting depth. */
  readonly outside: number;
  readonly length: number;
}

/** Length of the identity map: the initial user namespace, or one mapped 1:1. */
const EVERY_ID = 4_294_967_295;

/**
 * Parses `/proc/<pid>/uid_map` or `gid_map` (user_namespaces(7)):
 *
 *              0     100000      65536
 *              0       1000          1
 *              0          0 4294967295
 *
 * It is empty until it has been written.
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
        throw new SyntaxError(`Cannot parse ${JSON.stringify(line)} as an id range`);
      }
      return { inside, outside, length };
    });
}

/** Whether a map is the identity, as in the initial user namespace. */
export function isIdentityMap(map: readonly IdRange[]): boolean {
  const [first, ...others] = map;
  return others.length === 0 && first?.inside === 0 && first.outside === 0 && first.length === EVERY_ID;
}

/** Maps an id inside to the id outside; `undefined` if it is not mapped. */
export function outsideOf(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ inside, length }) => id >= inside && id < inside + length);
  return range === undefined ? undefined : range.outside + id - range.inside;
}

/** Maps an id outside to the id inside; `undefined` if it is not mapped. */
export function insideOf(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ outside, length }) => id >= outside && id < outside + length);
  return range === undefined ? undefined : range.inside + id - range.outside;
}
