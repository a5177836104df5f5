import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { Cgroups } from './cgroups.ts';
import { costInChild } from './child.ts';
import { Exporter } from './exporter.ts';
import { filesOf } from './kernel-files.ts';
import { costOf, percentile } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string', default: './bench.json' },
    containers: { type: 'string', default: '10,100,1000' },
    // At 1,000 containers one round takes many seconds.
    'naive-rounds': { type: 'string', default: '10' },
  },
});

const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
const running = new Set<Exporter>();
let cgroups: Cgroups | undefined;

// Not once: a terminal and tsx may both pass it on, and the second must not cut the cleaning up short.
process.on('SIGINT', () => void cleanUp().finally(() => process.exit(130)));
try {
  const results: Record<string, number>[] = [];
  for (const count of options.containers.split(',').map(Number)) {
    results.push(await measure(count));
    writeFileSync(
      options.json,
      `${JSON.stringify({ cgroup: layout.version, node: process.version, results }, null, 2)}\n`,
    );
  }
  console.table(transposed(results));
} finally {
  await cleanUp();
}

/** All numbers for one count of containers; times in milliseconds. */
async function measure(count: number): Promise<Record<string, number>> {
  const empty = await startMedian();
  await empty.exporter.scrape();
  const emptyText = await empty.exporter.scrape();
  await stop(empty.exporter);

  cgroups = new Cgroups(layout);
  for (let made = 0; made < count; made += 1) cgroups.start();
  const task = cgroups.paths.map((path) => filesOf(layout, path));
  const floor = await costInChild('floor.ts', task, 50);
  const naive = await costInChild('naive.ts', task, Number(options['naive-rounds']));

  const { exporter, startUpCpu } = await startMedian();
  const rss = await rssAtLeisure(exporter);
  // Until the compiler has seen enough of it; a daemon runs for weeks.
  for (let round = 0; round < 40; round += 1) await exporter.scrape();
  const cpuNow = (): number => exporter.cpu();
  const plain = await costOf(50, cpuNow, async () => void (await exporter.get('/metrics')));
  const gzip = await costOf(50, cpuNow, async () => {
    await exporter.get('/metrics', { 'accept-encoding': 'gzip' });
  });
  const text = await exporter.scrape();
  const rssAfterBurst = exporter.rss();
  const visible = await timesToVisible(exporter, cgroups);
  await cleanUpCgroups();
  const fdsAfter = await fdsOnceSettled(exporter, valueOf(emptyText, 'process_open_fds'));
  await stop(exporter);
  return rounded({
    containers: count,
    'floor cpu': floor.cpu,
    'floor wall p50': floor.wallP50,
    'plain cpu': plain.cpu,
    'plain wall p50': plain.wallP50,
    'plain wall p99': plain.wallP99,
    'gzip cpu': gzip.cpu,
    'gzip wall p50': gzip.wallP50,
    'gzip wall p99': gzip.wallP99,
    'naive cpu': naive.cpu,
    'naive wall p50': naive.wallP50,
    'cpu ours/floor': plain.cpu / floor.cpu,
    'cpu naive/ours': naive.cpu / plain.cpu,
    'start-up cpu over empty host': startUpCpu - empty.startUpCpu,
    'rss MiB': rss,
    'rss MiB after 140 scrapes in a row': rssAfterBurst,
    'samples per container': (samplesIn(text) - samplesIn(emptyText)) / count,
    'visible p50': percentile(visible, 0.5),
    'visible p95': percentile(visible, 0.95),
    'fds empty host': valueOf(emptyText, 'process_open_fds'),
    'fds loaded': valueOf(text, 'process_open_fds'),
    'fds after removal': fdsAfter,
  });
}

/** The most resident memory over ten scrapes two seconds apart, which is still faster than any Prometheus. */
async function rssAtLeisure(exporter: Exporter): Promise<number> {
  let most = 0;
  for (let round = 0; round < 10; round += 1) {
    await exporter.scrape();
    most = Math.max(most, exporter.rss());
    await setTimeout(2000);
  }
  return most;
}

/** Starts the daemon three times: the median of the start-up CPU, and the last one running. */
async function startMedian(): Promise<{ exporter: Exporter; startUpCpu: number }> {
  const first = await Exporter.start(running);
  await stop(first);
  const second = await Exporter.start(running);
  await stop(second);
  const exporter = await Exporter.start(running);
  const spent = [first, second, exporter].map((started) => started.startUpCpu);
  return { exporter, startUpCpu: percentile(spent, 0.5) };
}

/** How long it takes from the first mkdir of a container until it is in the exposition. */
async function timesToVisible(exporter: Exporter, into: Cgroups): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const start = performance.now();
    const path = into.make();
    while (!(await exporter.get('/metrics?collect[]=info')).includes(path)) {
      if (performance.now() - start > 15_000) throw new Error(`${path} does not show`);
    }
    times.push(performance.now() - start);
  }
  return times;
}

/** The open descriptors when they are down to what is expected, or after five seconds. */
async function fdsOnceSettled(exporter: Exporter, expected: number): Promise<number> {
  for (let round = 0; ; round += 1) {
    const found = valueOf(await exporter.scrape(), 'process_open_fds');
    if (found <= expected || round === 25) return found;
    await setTimeout(200);
  }
}

function valueOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
}

function samplesIn(text: string): number {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}

function rounded(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Math.round(value * 100) / 100]));
}

/** One row for each number, one column for each count of containers. */
function transposed(results: readonly Record<string, number>[]): Record<string, Record<string, number | undefined>> {
  const names = Object.keys(results[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(results.map((result) => [`n=${result['containers']}`, result[name]])),
    ]),
  );
}

async function stop(exporter: Exporter): Promise<void> {
  await exporter.stop();
  running.delete(exporter);
}

async function cleanUpCgroups(): Promise<void> {
  await cgroups?.remove();
  cgroups = undefined;
}

async function cleanUp(): Promise<void> {
  await Promise.all([...running].map((exporter) => stop(exporter)));
  await cleanUpCgroups();
}
