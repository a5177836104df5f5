/** What is measured of the exporter at one moment of a soak. */
export interface Sample {
  /** Since the start of the exporter. */
  readonly seconds: number;
  readonly containers: number;
  /** In bytes. */
  readonly memory: number;
  /** Of the heap of JavaScript and of buffers, after a garbage collection, in bytes. */
  readonly heap: number;
  readonly descriptors: number;
  readonly watches: number;
  /** Also those that do not keep the process running. */
  readonly timers: number;
  /** What else keeps the event loop busy: file watches, sockets, pipes. */
  readonly handles: number;
  readonly threads: number;
  readonly processes: number;
  readonly series: number;
  /** CPU time of one scrape, in ms. */
  readonly plainCpu: number;
  readonly gzipCpu: number;
}

/** A figure of the samples that must not grow. */
export interface Figure {
  readonly key: Exclude<keyof Sample, 'seconds'>;
  readonly title: string;
  /** Empty for counts. */
  readonly unit: '' | 'MB' | 'ms';
  /** What it may grow by in the second half, as a share of its median: the noise of a run without a leak. */
  readonly tolerance: number;
}

/** In the order of the table and the plot. */
export const FIGURES: readonly Figure[] = [
  { key: 'memory', title: 'Resident memory', unit: 'MB', tolerance: 0.05 },
  { key: 'heap', title: 'Heap after a collection', unit: 'MB', tolerance: 0.03 },
  { key: 'descriptors', title: 'Descriptors', unit: '', tolerance: 0.02 },
  { key: 'watches', title: 'inotify watches', unit: '', tolerance: 0.02 },
  { key: 'timers', title: 'Timers', unit: '', tolerance: 0.1 },
  { key: 'handles', title: 'Other handles', unit: '', tolerance: 0.02 },
  { key: 'threads', title: 'Threads', unit: '', tolerance: 0.02 },
  { key: 'processes', title: 'Processes', unit: '', tolerance: 0.02 },
  { key: 'series', title: 'Series', unit: '', tolerance: 0.02 },
  { key: 'plainCpu', title: 'CPU of a scrape', unit: 'ms', tolerance: 0.15 },
  { key: 'gzipCpu', title: 'CPU of a scrape with gzip', unit: 'ms', tolerance: 0.15 },
];

/** Whether a figure grows. */
export interface Trend {
  /** The median of the second half. */
  readonly median: number;
  /** The robust slope over the second half, times its length. */
  readonly growth: number;
  /** How much it may grow. */
  readonly allowed: number;
  readonly grows: boolean;
}

/** A count that differs by one or two has not grown. */
const FEW = 2;

/** Judges a figure by the second half of the samples: caches fill in the first. */
export function trendOf(samples: readonly Sample[], { key, unit, tolerance }: Figure): Trend {
  const half = samples.slice(Math.floor(samples.length / 2));
  const points = half.map((sample) => [sample.seconds, sample[key]] as const);
  const length = (half.at(-1)?.seconds ?? NaN) - (half[0]?.seconds ?? NaN);
  const median = medianOf(points.map(([, value]) => value));
  const growth = robustSlope(points) * length;
  const allowed = Math.max(tolerance * median, unit === '' ? FEW : 0);
  return { median, growth, allowed, grows: !(growth <= allowed) };
}

/**
 * The slope by Theil and Sen: the median of the slopes of all pairs. A garbage collection, a burst or a busy machine does not move
 * it.
 */
export function robustSlope(points: readonly (readonly [at: number, value: number])[]): number {
  const slopes: number[] = [];
  for (const [nth, [at, value]] of points.entries()) {
    for (const [later, after] of points.slice(nth + 1)) {
      if (later !== at) slopes.push((after - value) / (later - at));
    }
  }
  return medianOf(slopes);
}

/** NaN for no values. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? NaN, sorted[Math.floor(middle)] ?? NaN];
  return (low + high) / 2;
}
