import { takeUnreadable } from '../collectors/cgroup-value.ts';
import { type Collector, oncePerScrape, type Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { pace } from '../pace.ts';
import type { CreatedAt } from './created-timestamps.ts';
import type { Encoder } from './encode.ts';
import { encodeFamily } from './encode-family.ts';
import type { Failures } from './failures.ts';
import { FamilyLines, type Lines, linesFor, NO_READING } from './line-cache.ts';
import { encodeOwnContainer } from './own-container.ts';
import { renderLabels } from './render-labels.ts';
import { isSameReading } from './same-reading.ts';
import { identitiesOfKept, OUR_LABELS, type SeriesLabels } from './series-labels.ts';

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

/** After how many readings the time is looked at. One takes some microseconds. */
const READINGS_AT_ONCE = 8;

/** The outcome of each collector in every scrape, by label `collector`. */
export const OUTCOME_FAMILIES = [SUCCESS, DURATION];

/** The outcome of a collector. */
export interface Outcome {
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
  /** How often a kernel file was opened by its path so far. */
  readonly openings: () => number;
}

/** Runs collectors, encodes their readings, how each collector did, and which container the exporter is in. */
export async function runCollectors(options: Omit<Run, 'seriesLabels'>): Promise<void> {
  const { scrape, encoder } = options;
  encodeOutcomes(await encodeReadings(options), encoder);
  encodeOwnContainer(scrape, ourLabels(scrape), encoder);
}

/** Our own labels of each container. */
const ourLabels = oncePerScrape(({ containers }) => OUR_LABELS.ofContainers(containers));

/** What {@link encodeReadings} needs. */
export interface Run {
  readonly collectors: readonly Collector[];
  readonly scrape: Scrape;
  readonly encoder: Encoder;
  readonly failures: Failures;
  readonly deadline: number;
  /** Where the lines of the encoder's earlier exposition are. Brought up to date. */
  readonly lines?: Lines;
  /** Enables `_created` samples. */
  readonly createdAt?: CreatedAt | undefined;
  /** The labels of containers; ours if not given. */
  readonly seriesLabels?: SeriesLabels;
}

/**
 * Runs collectors one after the other and encodes their readings. A failure for one container only omits that container.
 * Readings after the deadline (`performance.now()`) are omitted. The outcomes report both.
 */
export async function encodeReadings(options: Run): Promise<readonly Outcome[]> {
  const { collectors, scrape, encoder, failures, deadline, lines = new Map(), createdAt } = options;
  const { seriesLabels = OUR_LABELS } = options;
  const known = seriesLabels === OUR_LABELS ? ourLabels(scrape) : seriesLabels.ofContainers(scrape.containers);
  const labelsOfContainers = scrape.containers.map((container) => known.get(container) ?? '');
  const outcomes: Outcome[] = [];
  let unreadable: Container | undefined;
  for (const collector of collectors) {
    const started = performance.now();
    const targets = targetsOf(collector, { scrape, known, labelsOfContainers });
    const { labels, containers } = targets;
    const { readings, families } = linesFor(lines, collector, labels);
    const { errors, lost } = await readTargets(collector, targets, { into: readings, deadline });
    unreadable ??= lost;
    for (const [index, family] of collector.families.entries()) {
      const place = families[index] ?? new FamilyLines(labels.length);
      encodeFamily(
        family,
        { labels, readings, containers, lines: place, ofPod: seriesLabels.ofPod },
        encoder,
        createdAt,
      );
      if (pace.isDue()) await pace.rest();
    }
    const ended = performance.now();
    const isComplete = lost === undefined && ended <= deadline;
    const [first] = errors;
    if (first !== undefined) failures.failed(collector, first.error, first.container);
    else if (isComplete) failures.succeeded(collector);
    const success = first === undefined && isComplete;
    outcomes.push({ collector: collector.name, success, seconds: (ended - started) / 1000 });
  }
  if (collectors.some(({ scope }) => scope === 'container') && performance.now() <= deadline) {
    failures.unreadable(unreadable);
  }
  return outcomes;
}

/** What went wrong while a collector read its targets. */
interface Troubles {
  readonly errors: { readonly error: unknown; readonly container: Container | undefined }[];
  /** The first container whose cgroup is gone although discovery still lists it. */
  lost: Container | undefined;
}

/** Reads all targets until the deadline. A reading that says the same as the last one stays the same object. */
async function readTargets(
  collector: Collector,
  targets: Targets,
  { into, deadline }: { readonly into: unknown[]; readonly deadline: number },
): Promise<Troubles> {
  const troubles: Troubles = { errors: [], lost: undefined };
  let now = performance.now();
  for (let index = 0; index < targets.labels.length; index += 1) {
    const isLate = now > deadline;
    const reading = isLate ? NO_READING : readTarget(collector, targets, index, troubles);
    if (!isSameReading(into[index], reading)) into[index] = reading;
    // A look at the clock costs as much as reading a small file.
    if (isLate || index % READINGS_AT_ONCE !== 0) continue;
    now = performance.now();
    if (pace.isDue(now)) {
      await pace.rest();
      now = performance.now();
    }
  }
  return troubles;
}

function readTarget(collector: Collector, targets: Targets, index: number, troubles: Troubles): unknown {
  const { containers, read, openings } = targets;
  const { errors } = troubles;
  const container = containers[index];
  try {
    // Discards malformed content that other readers have found meanwhile: it does not belong to this container.
    takeUnreadable();
    const before = openings();
    const reading = read(index);
    // What has just been opened by its path may be of a later container at the same path.
    if (openings() !== before) container?.files.confirm();
    const malformed = takeUnreadable();
    if (malformed !== undefined) errors.push({ error: malformed, container });
    if (container?.files.gone === true) {
      // A value missing from a removed cgroup proves nothing, not even that there is no limit.
      if (isStillListed(container)) troubles.lost ??= container;
      return NO_READING;
    }
    const problem = reading === undefined || collector.scope === 'kept' ? undefined : collector.problem?.(reading);
    if (problem !== undefined) errors.push({ error: problem, container });
    return reading;
  } catch (error) {
    errors.push({ error, container });
    return NO_READING;
  }
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
  const openings = (): number => scrape.kernel.openings;
  if (collector.scope === 'host') return { labels: [''], containers: [], openings, read: () => collector.read(scrape) };
  const { containers } = scrape;
  if (collector.scope === 'container') {
    return {
      labels: labelsOfContainers,
      containers,
      openings,
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
    openings,
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
