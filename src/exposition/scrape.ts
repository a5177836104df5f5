import { takeMalformed } from '../collectors/cgroup-value.ts';
import type { Collector, Family, PatternSample, Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { Pace } from '../pace.ts';
import type { CreatedAt } from './created-timestamps.ts';
import { type Encoder, endOf } from './encode.ts';
import type { Failures } from './failures.ts';
import { identities, identitiesOfKept, podIdentityOf } from './series-labels.ts';
import { renderLabels } from './render-labels.ts';

const SUCCESS = {
  name: 'isolation_scrape_collector_success',
  type: 'gauge',
  help: 'Whether the collector read everything (1), or failed for a container or was cut off by the scrape timeout (0).',
} as const;
const DURATION = {
  name: 'isolation_scrape_collector_duration_seconds',
  type: 'gauge',
  help: 'Duration of the collector in this scrape, in seconds.',
} as const;

/** How long discovery may take to notice the end of a container that a read has noticed. */
const END_UNNOTICED_MS = 2_000;

/** The outcome of each collector in every scrape, by label `collector`. */
export const OUTCOME_FAMILIES = [SUCCESS, DURATION];

/** The outcome of a collector. */
interface Outcome {
  readonly collector: string;
  readonly success: boolean;
  readonly seconds: number;
}

/** The target of one reading: a container, an entry under a container's labels, or (without labels) the host. */
interface ReadTarget {
  readonly container: Container | undefined;
  readonly labels: string;
  readonly read: () => unknown;
}

/** What one collector read from one target. */
interface Reading {
  readonly value: unknown;
  readonly container: Container | undefined;
  readonly labels: string;
}

/**
 * Runs collectors one after the other and encodes their readings. A failure for one container only omits that container.
 * Readings after the deadline (`performance.now()`) are omitted. `isolation_scrape_collector_success` reports both.
 */
export async function runCollectors(options: {
  readonly collectors: readonly Collector[];
  readonly scrape: Scrape;
  readonly encoder: Encoder;
  readonly failures: Failures;
  readonly deadline: number;
  /** Enables `_created` samples. */
  readonly createdAt?: CreatedAt | undefined;
}): Promise<void> {
  const { collectors, scrape, encoder, failures, deadline, createdAt } = options;
  const known = identities(scrape.containers);
  const pace = new Pace();
  const isLate = (): boolean => performance.now() > deadline;
  const outcomes: Outcome[] = [];
  let unreadable: Container | undefined;
  for (const collector of collectors) {
    const started = performance.now();
    const errors: { readonly error: unknown; readonly container: Container | undefined }[] = [];
    const readings: Reading[] = [];
    let unread = false;
    for (const { container, labels, read } of targetsOf(collector, scrape, known)) {
      if (isLate()) break;
      try {
        // Discards malformed content that other readers have found meanwhile: it does not belong to this container.
        takeMalformed();
        const value = read();
        const malformed = takeMalformed();
        if (malformed !== undefined) errors.push({ error: malformed, container });
        if (container?.files.gone === true) {
          // A value missing from a removed cgroup proves nothing, not even that there is no limit.
          if (isStillListed(container)) {
            unreadable ??= container;
            unread = true;
          }
          continue;
        }
        if (value === undefined) continue;
        readings.push({ value, container, labels });
        const problem = collector.scope === 'kept' ? undefined : collector.problem?.(value);
        if (problem !== undefined) errors.push({ error: problem, container });
      } catch (error) {
        errors.push({ error, container });
      }
      if (pace.isDue()) await pace.rest();
    }
    for (const family of collector.families) {
      encodeFamily(family, readings, encoder, createdAt);
      if (pace.isDue()) await pace.rest();
    }
    const [first] = errors;
    if (first !== undefined) failures.failed(collector, first.error, first.container);
    else if (!unread && !isLate()) failures.succeeded(collector);
    const seconds = (performance.now() - started) / 1000;
    outcomes.push({ collector: collector.name, success: errors.length === 0 && !unread && !isLate(), seconds });
  }
  if (collectors.some(({ scope }) => scope === 'container') && !isLate()) failures.unreadable(unreadable);
  encodeOutcomes(outcomes, encoder);
}

/** Whether a container's cgroup has been gone for so long that discovery must have missed its removal. */
function isStillListed({ files }: Container): boolean {
  return files.goneSince !== undefined && performance.now() - files.goneSince > END_UNNOTICED_MS;
}

/** A generator: collecting the garbage of thousands of targets would cost more than reading them. */
function* targetsOf(
  collector: Collector,
  scrape: Scrape,
  known: ReadonlyMap<Container, string>,
): Generator<ReadTarget, void, undefined> {
  if (collector.scope === 'host') {
    yield { container: undefined, labels: '', read: () => collector.read(scrape) };
  } else if (collector.scope === 'kept') {
    for (const [labels, entry] of identitiesOfKept(collector.entries(scrape), known)) {
      yield { container: undefined, labels, read: () => collector.read(entry) };
    }
  } else {
    for (const container of scrape.containers) {
      yield { container, labels: known.get(container) ?? '', read: () => collector.read(container, scrape) };
    }
  }
}

/** A family with more labels of its own describes single containers, so its label values do not repeat for others. */
const MOST_REPEATED = 3;

function encodeFamily(
  family: Family<unknown>,
  readings: readonly Reading[],
  encoder: Encoder,
  createdAt: CreatedAt | undefined,
): void {
  encoder.family(family);
  const since = createdAt === undefined ? undefined : family.since;
  const created = (labels: string, { container }: Reading, own?: Uint8Array): void => {
    const seconds = since === undefined ? undefined : createdAt?.(since, container);
    if (seconds !== undefined) encoder.created(labels, seconds, own);
  };
  if ('value' in family) {
    for (const reading of readings) {
      const sample = family.value(reading.value);
      if (sample === undefined) continue;
      encoder.sample(reading.labels, sample);
      if (since !== undefined) created(reading.labels, reading);
    }
    return;
  }
  if ('pattern' in family) {
    const rendered = new Map<readonly PatternSample[], readonly Uint8Array[]>();
    for (const { value, labels } of readings) {
      const pattern = family.pattern(value);
      const ends =
        rendered.get(pattern) ?? pattern.map(([sample, ...own]) => endOf(renderLabels(family.labels, own), sample));
      rendered.set(pattern, ends);
      encoder.samples(labels, ends);
    }
    return;
  }
  // The values of a family's own labels are few and repeat for each container.
  const renderedValues = new Map<string, Uint8Array>();
  const pods = new Set<string>();
  const seen = new Set<string>();
  for (const reading of readings) {
    const labels = family.of === 'pod' ? podLabels(reading, pods) : reading.labels;
    family.samples(reading.value, (sample, ...values) => {
      const key = values.length > MOST_REPEATED ? undefined : values.length === 1 ? values[0] : values.join('\0');
      let own = key === undefined ? undefined : renderedValues.get(key);
      if (own === undefined) {
        const text = renderLabels(family.labels, values);
        own = Buffer.from(text);
        // Only replaced or shortened values can become equal, and series must be unique.
        if (/[\ufffd\u2026]/.test(text)) {
          const series = `${labels}\n${text}`;
          if (seen.has(series)) return;
          seen.add(series);
        } else if (key !== undefined) renderedValues.set(key, own);
      }
      encoder.sample(labels, sample, own);
      if (since !== undefined) created(labels, reading, own);
    });
  }
}

/** A second container of the same pod uses its own labels, because series must be unique. */
function podLabels({ container, labels }: Reading, pods: Set<string>): string {
  const pod = container === undefined ? labels : podIdentityOf(container, labels);
  if (pods.has(pod)) return labels;
  pods.add(pod);
  return pod;
}

function encodeOutcomes(outcomes: readonly Outcome[], encoder: Encoder): void {
  encoder.family(SUCCESS);
  for (const { collector, success } of outcomes)
    encoder.sample(renderLabels(['collector'], [collector]), Number(success));
  encoder.family(DURATION);
  for (const { collector, seconds } of outcomes) encoder.sample(renderLabels(['collector'], [collector]), seconds);
}
