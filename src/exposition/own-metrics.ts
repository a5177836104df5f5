import { readdirSync, statSync } from 'node:fs';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { absentAsUndefined } from '../kernel/errno.ts';
import type { Version } from '../version.ts';
import type { CreatedAt } from './created-timestamps.ts';
import type { Encoder } from './encode.ts';
import type { FamilyHeader, FamilyType } from './family-header.ts';
import { renderLabels } from './render-labels.ts';

/** Metrics about the exporter and its process. */
export interface OwnMetrics {
  /** Adds the current values to an exposition; counters with `_created` if `createdAt` is given. */
  encode(encoder: Encoder, createdAt?: CreatedAt): Promise<void>;
}

/**
 * How often the event loop delay is sampled, in ms. Each sample wakes an idle daemon, which costs about 0.1 ms; prom-client's
 * default of 10 ms costs more than all that runs between scrapes.
 */
const EVENT_LOOP_PRECISION = 1_000;

/**
 * Metrics of prom-client that repeat `nodejs_active_resources` under other names, and are costly to count with thousands of
 * file watches.
 */
const LEFT_OUT: readonly string[] = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'process_open_fds',
];

/** Our own families; prom-client provides those about the process. */
export const BUILD_INFO = {
  name: 'isolation_exporter_build_info',
  help: 'Version of the exporter, the commit it was built from, and its platform.',
  labelNames: ['version', 'revision', 'nodeversion', 'arch'],
} as const;
export const CLOCK = {
  name: 'isolation_exporter_clock_timestamp_seconds',
  help: 'Wall clock of the host at the time of the scrape, in seconds since the Unix epoch.',
} as const;

export const STUCK_LOOKUPS = {
  name: 'isolation_exporter_stuck_lookups',
  help: 'Containers and engines with a look-up that does not return: a FUSE or network server does not answer, or a disk is gone. What it would tell is unknown.',
} as const;

export const LONGEST_STALL = {
  name: 'isolation_exporter_event_loop_longest_stall_seconds',
  help:
    'Longest time since the start in which the event loop of the exporter stood still, to a second; 0 below one second. ' +
    'Nothing is served or seen meanwhile. After 30 seconds /-/healthy fails for the next 30.',
} as const;
export const STALLED = {
  name: 'isolation_exporter_event_loop_stalled_seconds_total',
  help: 'Time since the start in which the event loop of the exporter stood still for a second or more at a time.',
} as const;

export const ACCEPT_FILE_READ = {
  name: 'isolation_exporter_accept_file_last_reload_success_timestamp_seconds',
  help:
    'When the accepted findings in force were read from --findings.accept-file, in seconds since the Unix epoch. If the file ' +
    'is invalid since then, isolation_source_up{source="accept_file"} is 0. Absent without the option.',
} as const;
export const ACCEPT_ENTRIES = {
  name: 'isolation_exporter_accept_entries',
  help:
    'Entries of --findings.accept-file by state: active, expired (its findings are no longer accepted) and unmatched (no ' +
    'container has had one of its findings for a week; the week begins again with the exporter). Absent without the option.',
  labelNames: ['state'],
} as const;

/** The file of accepted findings. */
export interface AcceptFileState {
  /** Seconds since the epoch. */
  readonly readAt: number;
  /** Entries by state. */
  readonly counts: ReadonlyMap<string, number>;
}

/** How long the event loop has stood still since the start. */
export interface EventLoopStalls {
  readonly longestSeconds: number;
  readonly totalSeconds: number;
}

/** Starts measuring the process. prom-client's hooks stay until the process ends. */
export function createOwnMetrics(
  version: Version,
  state: {
    readonly probes: { readonly stuck: number };
    readonly eventLoop: EventLoopStalls;
    /** `undefined`: there is none. */
    readonly acceptFile: AcceptFileState | undefined;
  },
): OwnMetrics {
  const { probes, eventLoop, acceptFile } = state;
  const registry = new Registry();
  const registers = [registry];
  const buildInfo = new Gauge({ ...BUILD_INFO, registers });
  const { version: number, revision = '' } = version;
  buildInfo.set({ version: number, revision, nodeversion: process.version, arch: process.arch }, 1);
  new Gauge({
    ...STUCK_LOOKUPS,
    registers,
    collect() {
      this.set(probes.stuck);
    },
  });
  new Gauge({
    ...LONGEST_STALL,
    registers,
    collect() {
      this.set(eventLoop.longestSeconds);
    },
  });
  new Counter({
    ...STALLED,
    registers,
    collect() {
      this.reset();
      this.inc(eventLoop.totalSeconds);
    },
  });
  if (acceptFile !== undefined) addAcceptFile(acceptFile, registers);
  // Read after all other times, so that none of an exposition is later than its clock.
  new Gauge({
    ...CLOCK,
    registers,
    collect() {
      this.set(Date.now() / 1000);
    },
  });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers,
    collect() {
      const count = absentAsUndefined(() => countOpenDescriptors());
      if (count !== undefined) this.set(count);
    },
  });
  return { encode: (encoder, createdAt) => encodeRegistry(registry, encoder, createdAt?.('daemon', undefined)) };
}

function addAcceptFile(file: AcceptFileState, registers: Registry[]): void {
  new Gauge({
    ...ACCEPT_FILE_READ,
    registers,
    collect() {
      this.set(file.readAt);
    },
  });
  new Gauge({
    ...ACCEPT_ENTRIES,
    registers,
    collect() {
      for (const [state, count] of file.counts) this.set({ state }, count);
    },
  });
}

/**
 * How many descriptors this process has open. The daemon keeps tens of thousands open, and listing them, as prom-client
 * does, would cost more than the rest of a scrape. This is the process's own `/proc`, not the host's.
 */
export function countOpenDescriptors(directory = '/proc/self/fd'): number {
  // Since Linux 6.2 the size of the directory is the number of its entries; before that it is 0.
  const { size } = statSync(directory);
  // The listing includes its own descriptor.
  return size > 0 ? size : readdirSync(directory).length - 1;
}

async function encodeRegistry(registry: Registry, encoder: Encoder, created: number | undefined): Promise<void> {
  for (const metric of await registry.getMetricsAsJSON()) {
    encoder.family(headerOf(metric.name, String(metric.type), metric.help));
    for (const sample of metric.values) {
      // The metric has no value yet.
      if (Number.isNaN(sample.value)) continue;
      const names = Object.keys(sample.labels);
      const labels = renderLabels(names, Object.values(sample.labels).map(canonical(names)));
      // prom-client's types do not say so, but samples of histograms and summaries carry their own name.
      const name = 'metricName' in sample ? String(sample.metricName) : metric.name;
      encoder.sampleOf(name, labels, sample.value);
      if (created !== undefined && String(metric.type) === 'counter') encoder.created(labels, created);
    }
  }
}

/** The same object in each exposition, which renders it once. prom-client's families do not change. */
const headers = new Map<string, FamilyHeader>();

function headerOf(name: string, type: string, help: string): FamilyHeader {
  const header = headers.get(name) ?? { name, type: familyType(name, type), help };
  headers.set(name, header);
  return header;
}

function familyType(name: string, type: string): FamilyType {
  if (type === 'gauge' && name.endsWith('_info')) return 'info';
  return type === 'counter' || type === 'gauge' || type === 'histogram' || type === 'summary' ? type : 'unknown';
}

/**
 * OpenMetrics requires `1.0` as a bucket bound where prom-client writes `1`. Using it in both formats keeps the series
 * independent of the negotiated format.
 */
function canonical(names: readonly string[]): (value: string | number | undefined, index: number) => string {
  return (value = '', index) => {
    const isBound = names[index] === 'le' || names[index] === 'quantile';
    return isBound && Number.isInteger(value) ? `${value}.0` : `${value}`;
  };
}
