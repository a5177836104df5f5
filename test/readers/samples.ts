import type { Format } from '../../src/exposition/family-header.ts';
import { parseExposition } from '../exposition.ts';

/** A sample as a reader prints it: a line of JSON. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** `undefined`: the reader knows no types. */
  readonly type: string | undefined;
}

/** What is the same for two readers, and what is not. Only the first few of a side are shown. */
export interface Difference {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
}

/** The samples that our own parser finds. */
export function samplesIn(text: string, format: Format): readonly ReadSample[] {
  return parseExposition(text, format).flatMap(({ type, samples }) =>
    samples.map(({ name, labels, value }) => ({ name, labels, value, type: type === 'untyped' ? 'unknown' : type })),
  );
}

/**
 * Reads what a reader has printed.
 *
 * @throws if a sample has a time stamp. The exporter writes none.
 */
export function samplesOfLines(lines: string): readonly ReadSample[] {
  return lines.split('\n').map((line) => {
    const { name, labels, value, type, timestamp } = JSON.parse(line);
    if (timestamp !== undefined) throw new Error(`There is a time stamp: ${line}`);
    return { name, labels, value: numberOf(value), type: type === 'untyped' ? 'unknown' : type };
  });
}

/** Compares all samples: names, labels and types, and values to the last bit. */
export function differenceOf(read: readonly ReadSample[], expected: readonly ReadSample[]): Difference {
  const [found, wanted] = [countsOf(read), countsOf(expected)];
  const missing = [...wanted].filter(([key, count]) => found.get(key) !== count);
  const extra = [...found].filter(([key, count]) => wanted.get(key) !== count);
  return { missing: missing.map(([key]) => key).slice(0, 5), extra: extra.map(([key]) => key).slice(0, 5) };
}

/** Go, Python and Rust write infinity and NaN each in their own way. The text is the shortest that reads back as the same number. */
export function numberOf(text: string): number {
  const word = text.toLowerCase();
  if (word === 'nan') return NaN;
  if (/^[+-]?inf(inity)?$/.test(word)) return word.startsWith('-') ? -Infinity : Infinity;
  // `Number('')` would be 0.
  if (!/\d/.test(text)) throw new Error(`Not a number: ${text}`);
  return Number(text);
}

/** A text for the name and the labels. Readers may write the number of `le` in another way. */
export function seriesOf({ name, labels }: Pick<ReadSample, 'name' | 'labels'>): string {
  const pairs = Object.entries(labels).map(([key, value]) => [key, key === 'le' ? String(numberOf(value)) : value]);
  return `${name} ${JSON.stringify(pairs.toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1)))}`;
}

function countsOf(samples: readonly ReadSample[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const key = `${seriesOf(sample)} ${sample.value} ${sample.type ?? ''}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
