import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { descriptorBudget } from '../../src/kernel/descriptor-limit.ts';
import { Cgroups } from './cgroups.ts';
import { Child, type Task } from './child.ts';
import { DockerContainers } from './docker-containers.ts';
import { withSection } from '../page-section.ts';
import { Exporter } from './exporter.ts';
import { inTurn, summaryInTurn } from './in-turn.ts';
import { filesOf } from './kernel-files.ts';
import { pacedCosts } from './paced.ts';
import {
  BACK_TO_BACK,
  describeMachine,
  type Numbers,
  PACED,
  PACED_DOCKER,
  renderBackToBack,
  renderPaced,
} from './performance-page.ts';
import { type Cost, percentile, ratio, rounded, summary, transposed } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string', default: './bench.json' },
    containers: { type: 'string', default: '10,100,1000' },
    rounds: { type: 'string', default: '50' },
    // At 1,000 containers one round takes many seconds.
    'naive-rounds': { type: 'string', default: '3' },
    // The checkout of another commit, built: its exporter takes turns with this one.
    against: { type: 'string' },
    // Instead, scrapes at an interval like Prometheus, in seconds, for `--for` seconds, also other exporters.
    every: { type: 'string' },
    for: { type: 'string', default: '60' },
    // How long to let the exporters settle before that, in seconds.
    settle: { type: 'string', default: '240' },
    // `NAME=COMMAND`, in which `%p` stands for the port to listen on.
    beside: { type: 'string', multiple: true, default: [] },
    // With `every`: real containers of Docker that wake up each second, instead of cgroups with a process that sleeps.
    docker: { type: 'boolean', default: false },
    // Puts the table into docs/performance.md.
    write: { type: 'boolean', default: false },
  },
});

const PAGE = new URL('../../docs/performance.md', import.meta.url);

const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
const running = new Set<Exporter | Child>();
let cgroups: Cgroups | DockerContainers | undefined;

// `on`, not `once`: a terminal and tsx may both send the signal, and the second must not interrupt the clean-up.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void cleanUp().finally(() => process.exit(130)));
try {
  const results: Record<string, number>[] = [];
  for (const count of options.containers.split(',').map(Number)) {
    results.push(options.every === undefined ? await measure(count) : await measurePaced(count, Number(options.every)));
    writeFileSync(
      options.json,
      `${JSON.stringify({ cgroup: layout.version, node: process.version, results }, null, 2)}\n`,
    );
  }
  console.table(transposed(results));
  if (options.write) writePage(results);
} finally {
  await cleanUp();
}

/** All numbers for one count of containers; times in milliseconds. */
async function measure(count: number): Promise<Record<string, number>> {
  const empty = await startMedian();
  await empty.exporter.scrape();
  const emptyText = await empty.exporter.scrape();
  await stop(empty.exporter);

  const made = startCgroups(count);
  const task = made.paths.map((path) => filesOf(layout, path));
  const naive = await naiveRounds(task);
  const { exporter, startUpCpu } = await startMedian();
  const rss = await rssAtLeisure(exporter);
  const floor = await Child.start('floor.ts', task, running);
  const other = options.against === undefined ? undefined : await Exporter.start(running, options.against);
  // Warm-up for the JIT compilers; a daemon runs for weeks.
  await inTurn(floor, { exporter, other }, 20);
  const costs = await inTurn(floor, { exporter, other }, Number(options.rounds));
  await stop(floor);
  if (other !== undefined) await stop(other);
  const text = await exporter.scrape();
  const rssAfterBurst = exporter.rss();
  const waits = await waitsDuringScrapes(exporter);
  const visible = await timesToVisible(exporter, made);
  await cleanUpCgroups();
  const fdsAfter = await fdsOnceSettled(exporter, valueOf(emptyText, 'process_open_fds'));
  await stop(exporter);
  return rounded({
    containers: count,
    ...summaryInTurn(costs),
    ...summary('naive', naive),
    ...ratio('naive/plain cpu', naive, costs.plain),
    'start-up cpu': startUpCpu,
    'start-up cpu over empty host': startUpCpu - empty.startUpCpu,
    'wait during a scrape p99': percentile(waits, 0.99),
    'rss MB': rss,
    'rss MB after many scrapes in a row': rssAfterBurst,
    'samples per container': (samplesIn(text) - samplesIn(emptyText)) / count,
    'visible p50': percentile(visible, 0.5),
    'visible p95': percentile(visible, 0.95),
    'fds empty host': valueOf(emptyText, 'process_open_fds'),
    'fds loaded': valueOf(text, 'process_open_fds'),
    'fds after removal': fdsAfter,
  });
}

/** The share of a core and the memory of each exporter while all are scraped at the same interval. */
async function measurePaced(count: number, everySeconds: number): Promise<Record<string, number>> {
  const made = options.docker ? (cgroups = await DockerContainers.start(count)) : startCgroups(count);
  const names = 'engine' in made ? { engine: made.engine } : {};
  const exporters = new Map([['ours', await Exporter.start(running, undefined, names)]]);
  if (options.against !== undefined) exporters.set('other', await Exporter.start(running, options.against, names));
  for (const beside of options.beside) {
    const [name = '', ...command] = beside.split('=');
    exporters.set(name, await Exporter.startOther(running, command.join('=')));
  }
  const task = made.paths.map((path) => filesOf(layout, path));
  const costs = await pacedCosts(exporters, {
    everySeconds,
    forSeconds: Number(options.for),
    settleSeconds: Number(options.settle),
    floor: await Child.start('floor.ts', task, running),
  });
  await cleanUp();
  return rounded({ containers: count, 'seconds between scrapes': everySeconds, ...costs });
}

/** Containers that sleep. */
function startCgroups(count: number): Cgroups {
  const started = new Cgroups(layout);
  cgroups = started;
  while (started.paths.length < count) started.start();
  return started;
}

/** None if there are more files than descriptors: it opens all at once, and would take those that fail for absent. */
async function naiveRounds(task: Task): Promise<Cost[]> {
  if (task.flat().length > descriptorBudget(readFileSync('/proc/self/limits', 'utf8'))) return [];
  const naive = await Child.start('naive.ts', task, running);
  const costs: Cost[] = [];
  for (let round = 0; round < Number(options['naive-rounds']); round += 1) costs.push(await naive.round());
  await stop(naive);
  return costs;
}

/** The peak resident memory over ten scrapes two seconds apart, which is faster than any Prometheus. */
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

/** How long other requests wait during scrapes, in ms: as long as the event loop does nothing else. */
async function waitsDuringScrapes(exporter: Exporter): Promise<number[]> {
  const waits: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const ended = new AbortController();
    const scrape = exporter.get('/metrics', { 'accept-encoding': 'gzip' }).finally(() => ended.abort());
    while (!ended.signal.aborted) {
      const start = performance.now();
      await exporter.get('/-/healthy');
      waits.push(performance.now() - start);
    }
    await scrape;
  }
  return waits;
}

/** The time from the first mkdir of a container until it is in the exposition. */
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

/** The number of open descriptors once it is down to the expected one, or after five seconds. */
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

function writePage(results: readonly Numbers[]): void {
  const machine = describeMachine(layout);
  const [section, render] =
    options.every === undefined
      ? ([BACK_TO_BACK, renderBackToBack] as const)
      : ([options.docker ? PACED_DOCKER : PACED, renderPaced] as const);
  writeFileSync(
    PAGE,
    withSection(readFileSync(PAGE, 'utf8'), section, () => render(machine, results)),
  );
}

async function stop(process: Exporter | Child): Promise<void> {
  await process.stop();
  running.delete(process);
}

async function cleanUpCgroups(): Promise<void> {
  await cgroups?.remove();
  cgroups = undefined;
}

async function cleanUp(): Promise<void> {
  await Promise.all([...running].map(stop));
  await cleanUpCgroups();
}
