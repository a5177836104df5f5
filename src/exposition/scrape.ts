import { takeMalformed } from '../collectors/cgroup-value.ts';
import type { Collector, Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { Pace } from '../pace.ts';
import type { CreatedAt } from './created-timestamps.ts';
import type { Encoder } from './encode.ts';
import { encodeFamily } from './encode-family.ts';
import type { Failures } from './failures.ts';
import { FamilyLines, type Lines, linesFor, NO_READING } from './line-cache.ts';
import { renderLabels } from './render-labels.ts';
import { isSameReading } from './same-reading.ts';
import { identities, identitiesOfKept } from './series-labels.ts';

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

/** What one collector reads: containers, entries under the labels of containers, or (without labels) the host. */
interface Targets {
  /** The rendered labels of each. */
  readonly labels: readonly string[];
  readonly read: (index: number) => unknown;
  /** The container of each, if they are containers. */
  readonly containers: readonly Container[];
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
  /** Where the lines of the encoder's earlier exposition are. Brought up to date. */
  readonly lines?: Lines;
  /** Enables `_created` samples. */
  readonly createdAt?: CreatedAt | undefined;
}): Promise<void> {
  const { collectors, scrape, encoder, failures, deadline, lines = new Map(), createdAt } = options;
  const known = identities(scrape.containers);
  const labelsOfContainers = scrape.containers.map((container) => known.get(container) ?? '');
  const pace = new Pace();
  const outcomes: Outcome[] = [];
  let unreadable: Container | undefined;
  for (const collector of collectors) {
    const started = performance.now();
    const errors: { readonly error: unknown; readonly container: Container | undefined }[] = [];
    const { labels, containers, read } = targetsOf(collector, { scrape, known, labelsOfContainers });
    const collected = linesFor(lines, collector, labels);
    let now = started;
    let unread = false;
    for (let index = 0; index < labels.length; index += 1) {
      if (now > deadline) {
        collected.readings[index] = NO_READING;
        continue;
      }
      const container = containers[index];
      let reading: unknown;
      try {
        // Discards malformed content that other readers have found meanwhile: it does not belong to this container.
        takeMalformed();
        const value = read(index);
        const malformed = takeMalformed();
        if (malformed !== undefined) errors.push({ error: malformed, container });
        if (container?.files.gone !== true) {
          reading = value;
          const problem = value === undefined || collector.scope === 'kept' ? undefined : collector.problem?.(value);
          if (problem !== undefined) errors.push({ error: problem, container });
        } else if (isStillListed(container)) {
          // A value missing from a removed cgroup proves nothing, not even that there is no limit.
          unreadable ??= container;
          unread = true;
        }
      } catch (error) {
        errors.push({ error, container });
      }
      const before = collected.readings[index];
      if (!isSameReading(before, reading)) collected.readings[index] = reading;
      now = performance.now();
      if (pace.isDue(now)) {
        await pace.rest();
        now = performance.now();
      }
    }
    for (const [at, family] of collector.families.entries()) {
      encodeFamily(
        family,
        { ...collected, containers, lines: collected.families[at] ?? new FamilyLines(labels.length) },
        encoder,
        createdAt,
      );
      if (pace.isDue()) await pace.rest();
    }
    const ended = performance.now();
    const isLate = ended > deadline;
    const [first] = errors;
    if (first !== undefined) failures.failed(collector, first.error, first.container);
    else if (!unread && !isLate) failures.succeeded(collector);
    const seconds = (ended - started) / 1000;
    outcomes.push({ collector: collector.name, success: errors.length === 0 && !unread && !isLate, seconds });
  }
  if (collectors.some(({ scope }) => scope === 'container') && performance.now() <= deadline) {
    failures.unreadable(unreadable);
  }
  encodeOutcomes(outcomes, encoder);
}

/** Whether a container's cgroup has been gone for so long that discovery must have missed its removal. */
function isStillListed({ files }: Container): boolean {
  return files.goneSince !== undefined && performance.now() - files.goneSince > END_UNNOTICED_MS;
}

function targetsOf(
  collector: Collector,
  {
    scrape,
    known,
    labelsOfContainers,
  }: {
    readonly scrape: Scrape;
    readonly known: ReadonlyMap<Container, string>;
    readonly labelsOfContainers: readonly string[];
  },
): Targets {
  if (collector.scope === 'host') return { labels: [''], containers: [], read: () => collector.read(scrape) };
  const { containers } = scrape;
  if (collector.scope === 'container') {
    return {
      labels: labelsOfContainers,
      containers,
      read(index) {
        const container = containers[index];
        return container === undefined ? undefined : collector.read(container, scrape);
      },
    };
  }
  const kept = identitiesOfKept(collector.entries(scrape), known);
  const entries = [...kept.values()];
  return {
    labels: [...kept.keys()],
    containers: [],
    read(index) {
      const entry = entries[index];
      return entry === undefined ? undefined : collector.read(entry);
    },
  };
}

function encodeOutcomes(outcomes: readonly Outcome[], encoder: Encoder): void {
  encoder.family(SUCCESS);
  for (const { collector, success } of outcomes)
    encoder.sample(renderLabels(['collector'], [collector]), Number(success));
  encoder.family(DURATION);
  for (const { collector, seconds } of outcomes) encoder.sample(renderLabels(['collector'], [collector]), seconds);
}
