import type {
  FactsFamily,
  Family,
  LabelledFamily,
  PatternFamily,
  PatternSample,
  PlainFamily,
} from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import type { CreatedAt } from './created-timestamps.ts';
import { type Encoder, endOf } from './encode.ts';
import { type FamilyLines, NO_READING } from './line-cache.ts';
import { renderLabels } from './render-labels.ts';
import type { SeriesLabels } from './series-labels.ts';

/** What a collector read, by target. */
interface Readings {
  /** The rendered labels. */
  readonly labels: readonly string[];
  readonly readings: readonly unknown[];
  /** The containers, if the targets are containers. */
  readonly containers: readonly Container[];
  /** Where the lines of the family were in the last exposition. Brought up to date. */
  readonly lines: FamilyLines;
  readonly ofPod: SeriesLabels['ofPod'];
}

/** Writes the samples of one family. Lines that have not changed since the last exposition are copied. */
export function encodeFamily(
  family: Family<unknown>,
  readings: Readings,
  encoder: Encoder,
  createdAt: CreatedAt | undefined,
): void {
  encoder.family(family);
  const { since } = family;
  const startOf: StartOf | undefined =
    since === undefined || createdAt === undefined ? undefined : (container) => createdAt(since, container);
  if ('value' in family) encodePlain(family, readings, encoder, startOf);
  else if ('pattern' in family) encodePattern(family, readings, encoder);
  else if ('facts' in family) encodeFacts(family, readings, encoder);
  else encodeLabelled(family, readings, encoder, startOf);
}

/** When the counters of a container were 0, in Unix seconds. */
type StartOf = (container: Container | undefined) => number | undefined;

function encodePlain(
  family: PlainFamily<unknown>,
  { labels, readings, containers, lines }: Readings,
  encoder: Encoder,
  startOf: StartOf | undefined,
): void {
  for (let index = 0; index < labels.length; index += 1) {
    const reading = readings[index];
    const value = reading === NO_READING ? undefined : family.value(reading);
    if (value === undefined) {
      lines.drop(index);
      continue;
    }
    if (startOf === undefined && lines.has(index, value, encoder)) {
      lines.copy(index, encoder);
      continue;
    }
    const { position } = encoder;
    encoder.sample(labels[index] ?? '', value);
    const created = startOf?.(containers[index]);
    if (created !== undefined) encoder.created(labels[index] ?? '', created);
    lines.keep(index, value, position, encoder);
  }
}

function encodePattern(family: PatternFamily<unknown>, { labels, readings, lines }: Readings, encoder: Encoder): void {
  const rendered = new Map<readonly PatternSample[], readonly Uint8Array[]>();
  for (let index = 0; index < labels.length; index += 1) {
    const reading = readings[index];
    if (reading === NO_READING) {
      lines.drop(index);
      continue;
    }
    const pattern = family.pattern(reading);
    if (lines.has(index, pattern, encoder)) {
      lines.copy(index, encoder);
      continue;
    }
    let ends = rendered.get(pattern);
    if (ends === undefined) {
      ends = pattern.map(([sample, ...own]) => endOf(renderLabels(family.labels, own), sample));
      rendered.set(pattern, ends);
    }
    const { position } = encoder;
    encoder.samples(labels[index] ?? '', ends);
    lines.keep(index, pattern, position, encoder);
  }
}

function encodeFacts(family: FactsFamily<unknown>, { labels, readings, lines }: Readings, encoder: Encoder): void {
  for (let index = 0; index < labels.length; index += 1) {
    const reading = readings[index];
    if (reading === NO_READING) {
      lines.drop(index);
      continue;
    }
    if (lines.has(index, reading, encoder)) {
      lines.copy(index, encoder);
      continue;
    }
    const { position } = encoder;
    const facts = family.facts(reading);
    const own = renderLabels(Object.keys(facts), Object.values(facts));
    if (own !== '') encoder.sample(labels[index] ?? '', 1, Buffer.from(own));
    lines.keep(index, reading, position, encoder);
  }
}

/** A family with more labels of its own describes single containers, so its label values do not repeat for others. */
const MOST_REPEATED = 3;

function encodeLabelled(
  family: LabelledFamily<unknown>,
  { labels, readings, containers, lines, ofPod }: Readings,
  encoder: Encoder,
  startOf: StartOf | undefined,
): void {
  // The values of a family's own labels are few and repeat for each container.
  const renderedValues = new Map<string, Uint8Array>();
  const pods = new Set<string>();
  const seen = new Set<string>();
  let shared = '';
  let created: number | undefined;
  const emit = (sample: number, ...values: string[]): void => {
    const key = values.length > MOST_REPEATED ? undefined : values.length === 1 ? values[0] : values.join('\0');
    let own = key === undefined ? undefined : renderedValues.get(key);
    if (own === undefined) {
      const text = renderLabels(family.labels, values);
      own = Buffer.from(text);
      // Only replaced or shortened values can become equal, and series must be unique.
      if (/[\ufffd\u2026]/.test(text)) {
        const series = `${shared}\n${text}`;
        if (seen.has(series)) return;
        seen.add(series);
      } else if (key !== undefined) renderedValues.set(key, own);
    }
    encoder.sample(shared, sample, own);
    if (created !== undefined) encoder.created(shared, created, own);
  };
  for (let index = 0; index < labels.length; index += 1) {
    const reading = readings[index];
    if (reading === NO_READING) {
      lines.drop(index);
      continue;
    }
    shared = labels[index] ?? '';
    const container = containers[index];
    if (family.of === 'pod') shared = podLabels(container, shared, { pods, ofPod });
    created = startOf?.(container);
    // Which container of a pod has the pod's labels depends on the others.
    const canCopy = startOf === undefined && (family.of !== 'pod' || shared === labels[index]);
    if (canCopy && lines.has(index, reading, encoder)) {
      lines.copy(index, encoder);
      continue;
    }
    const { position } = encoder;
    family.samples(reading, emit);
    if (canCopy) lines.keep(index, reading, position, encoder);
    else lines.drop(index);
  }
}

/** A second container of the same pod uses its own labels, because series must be unique. */
function podLabels(
  container: Container | undefined,
  own: string,
  { pods, ofPod }: { readonly pods: Set<string>; readonly ofPod: SeriesLabels['ofPod'] },
): string {
  const pod = container === undefined ? own : ofPod(container, own);
  if (pods.has(pod)) return own;
  pods.add(pod);
  return pod;
}
