import { type ParsedFamily, parseExposition } from '../exposition.ts';

/** Families about the exporter itself: two processes differ in them. `isolation_posture_age_seconds` is when each looked. */
const OWN =
  /^(?:process_|nodejs_|isolation_exporter_|isolation_scrape_|isolation_source_up$|isolation_posture_age_seconds$)/;

/** Each process computes by how much the clock of the kernel's log is off, so times of kills differ by some milliseconds. */
const CLOCKS_DIFFER_S = 0.1;

/** The values of one exposition, by series. */
export type Values = ReadonlyMap<string, number>;

/** How two builds differ on the same containers. */
export interface Comparison {
  /** Series of both with the same value. */
  readonly equal: number;
  /** Series of both whose values differ in every round. */
  readonly different: readonly string[];
  /** Families of only one build, or of both of which only one has a series: by family, how many series. */
  readonly onlyHere: ReadonlyMap<string, number>;
  readonly onlyThere: ReadonlyMap<string, number>;
}

/** Three expositions taken one right after the other: of this build, of the other, and of this build again. */
export interface Round {
  readonly before: Values;
  readonly other: Values;
  readonly after: Values;
}

/** The series of an exposition in the text format, except those about the exporter itself. */
export function valuesOf(text: string): Values {
  const families: readonly ParsedFamily[] = parseExposition(text, 'text');
  const shown = families.filter(({ name }) => !OWN.test(name));
  return new Map(
    shown.flatMap(({ samples }) =>
      samples.map(({ name, labels, value }) => [name + JSON.stringify(Object.entries(labels).toSorted()), value]),
    ),
  );
}

/**
 * Compares two builds. A value that changes by itself is the same if that of the other build is between the two of this one. A value
 * that went up and down in between differs in some rounds, but not in all.
 */
export function compare(rounds: readonly Round[]): Comparison {
  const [first] = rounds;
  if (first === undefined) throw new Error('There is nothing to compare');
  const different: string[] = [];
  let equal = 0;
  for (const series of first.before.keys()) {
    const common = rounds.filter(
      ({ before, other, after }) => before.has(series) && other.has(series) && after.has(series),
    );
    if (common.length === 0) continue;
    if (common.some((round) => isBetween(series, round))) equal += 1;
    else different.push(`${series} ${common.map((round) => textOf(series, round)).join('; ')}`);
  }
  const here = rounds.flatMap(({ before, after }) => [before, after]);
  const there = rounds.map(({ other }) => other);
  return { equal, different, onlyHere: missingIn(there, here), onlyThere: missingIn(here, there) };
}

function isBetween(series: string, { before, other, after }: Round): boolean {
  const [a = NaN, b = NaN, value = NaN] = [before.get(series), after.get(series), other.get(series)];
  // Also for infinities, and for values that are not numbers.
  if (Object.is(a, value) || Object.is(b, value)) return true;
  const slack = /_timestamp_seconds\[/.test(series) ? CLOCKS_DIFFER_S : 0;
  return Math.min(a, b) - slack <= value && value <= Math.max(a, b) + slack;
}

function textOf(series: string, { before, other, after }: Round): string {
  return `${before.get(series)}…${after.get(series)} here, ${other.get(series)} there`;
}

/** By family, the series of some expositions that none of the others has. */
function missingIn(others: readonly Values[], values: readonly Values[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const series of new Set(values.flatMap((each) => [...each.keys()]))) {
    if (others.some((each) => each.has(series))) continue;
    const family = series.slice(0, series.indexOf('['));
    found.set(family, (found.get(family) ?? 0) + 1);
  }
  return found;
}
