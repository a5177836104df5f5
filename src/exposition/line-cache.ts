import type { Collector } from '../collectors/collector.ts';
import { type Pieces, recycle, retain } from './buffers.ts';
import { Encoder } from './encode.ts';
import type { Format } from './family-header.ts';

/** A target had no reading. */
export const NO_READING = undefined;

/** Lines that cannot be copied. */
const NOT_KEPT = 0xffff_ffff;

/** Where the lines of one family are in the last exposition, by target. */
export class FamilyLines {
  readonly #from: Uint32Array;
  readonly #to: Uint32Array;
  /** What the lines of a target were made from. Compared by identity. */
  readonly #sources: unknown[];

  constructor(size: number) {
    this.#from = new Uint32Array(size).fill(NOT_KEPT);
    this.#to = new Uint32Array(size);
    this.#sources = Array.from({ length: size }, () => NO_READING);
  }

  /** Whether the lines of a target were made from the same source, and can be copied. */
  has(index: number, source: unknown, encoder: Encoder): boolean {
    const from = this.#from[index] ?? NOT_KEPT;
    return this.#sources[index] === source && from !== NOT_KEPT && encoder.canCopy(from);
  }

  /** Copies the lines of a target, and records where they are now. */
  copy(index: number, encoder: Encoder): void {
    const from = this.#from[index] ?? 0;
    const length = (this.#to[index] ?? 0) - from;
    if (length === 0) return;
    const start = encoder.copy(from, from + length);
    this.#from[index] = start;
    this.#to[index] = start + length;
  }

  /** Records the lines that were written since a position. */
  keep(index: number, source: unknown, position: number, encoder: Encoder): void {
    const { position: to } = encoder;
    const from = Math.min(encoder.linesSince(position), to);
    if (!Encoder.isWhole(from, to)) return this.drop(index);
    this.#sources[index] = source;
    this.#from[index] = from;
    this.#to[index] = to;
  }

  /** Records that a target has no lines that can be copied. */
  drop(index: number): void {
    this.#sources[index] = NO_READING;
    this.#from[index] = NOT_KEPT;
  }

  /** Takes over the lines of a target at another index of an earlier list of targets. */
  take(index: number, earlier: FamilyLines, at: number): void {
    this.#sources[index] = earlier.#sources[at];
    this.#from[index] = earlier.#from[at] ?? NOT_KEPT;
    this.#to[index] = earlier.#to[at] ?? 0;
  }
}

/** What one collector read and wrote in the last exposition. */
export interface CollectorLines {
  /** The labels of each target. */
  readonly labels: readonly string[];
  /** The reading of each target. */
  readonly readings: unknown[];
  /** In the order of the collector's families. */
  readonly families: readonly FamilyLines[];
}

/** The same for all collectors. */
export type Lines = Map<Collector, CollectorLines>;

/** An earlier exposition whose lines can be copied, and where they are. */
export interface Source {
  readonly pieces: Pieces;
  readonly lines: Lines;
}

const NOTHING = (): Source => ({ pieces: [], lines: new Map() });

/**
 * The last exposition. Most lines of a host do not change between two scrapes. Copying their bytes costs a fraction of
 * rendering them again.
 */
export class LineCache {
  #last: { readonly format: Format; readonly source: Source } | undefined;

  /**
   * Hands out the last exposition, if it has this format, to a scrape of these collectors. Only one scrape at a time can
   * have it: a scrape updates the positions as it goes.
   */
  take(format: Format, collectors: readonly Collector[]): Source {
    const last = this.#last;
    if (last?.format !== format) return NOTHING();
    this.#last = undefined;
    const { pieces, lines } = last.source;
    for (const collector of lines.keys()) if (!collectors.includes(collector)) lines.delete(collector);
    return { pieces, lines };
  }

  /** Keeps a finished exposition for the next scrape, with the positions that {@link take} handed out and the scrape updated. */
  keep(format: Format, { pieces: used, lines }: Source, pieces: Pieces): void {
    recycle(used);
    if (this.#last !== undefined) recycle(this.#last.source.pieces);
    retain(pieces);
    this.#last = { format, source: { pieces, lines } };
  }
}

/** The lines of a collector, with an entry for each of the present targets. */
export function linesFor(lines: Lines, collector: Collector, labels: readonly string[]): CollectorLines {
  const before = lines.get(collector);
  if (before !== undefined && isSame(before.labels, labels)) return before;
  const now: CollectorLines = {
    labels,
    readings: Array.from({ length: labels.length }, () => NO_READING),
    families: collector.families.map(() => new FamilyLines(labels.length)),
  };
  lines.set(collector, now);
  if (before === undefined) return now;
  const earlier = earlierIndices(before.labels, labels);
  for (const [index, at] of earlier.entries()) {
    if (at < 0) continue;
    now.readings[index] = before.readings[at];
    for (const [family, each] of now.families.entries()) {
      const linesBefore = before.families[family];
      if (linesBefore !== undefined) each.take(index, linesBefore, at);
    }
  }
  return now;
}

interface Indices {
  readonly labels: readonly string[];
  readonly before: readonly string[];
  readonly found: Int32Array;
}

/**
 * The last ones, as all collectors of containers have the same lists of labels. No more: a chain of lists, each of which leads to the
 * one before, would never be freed.
 */
let lastIndices: Indices | undefined;

/** For each label, its index in an earlier list; -1 if it is new. */
function earlierIndices(before: readonly string[], labels: readonly string[]): Int32Array {
  if (lastIndices?.labels === labels && lastIndices.before === before) return lastIndices.found;
  const indices = new Map(before.map((label, index) => [label, index]));
  const found = Int32Array.from(labels, (label) => indices.get(label) ?? -1);
  lastIndices = { labels, before, found };
  return found;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((label, index) => label === b[index]));
}
