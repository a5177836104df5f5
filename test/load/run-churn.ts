import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';
import { startDocker } from '../lab/docker.ts';
import type { Samples } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import type { ChurnVariant } from './churn-variants.ts';
import { Disturbances, engineRestarts } from './disturbances.ts';
import { type Inside, insideOptions, lookInside } from './inside.ts';
import { type Engine, LoadContainers } from './load-containers.ts';
import { resourcesIn, Scraper } from './scraper.ts';
import { vitalsOf } from './vitals.ts';

/** How many containers, in how many at a time. */
export interface ChurnSize {
  readonly containers: number;
  readonly wave: number;
  /** What the containers look like, unless the variant decides. */
  readonly engine?: Engine;
  /** How long to wait until nothing is left of them, in ms; long enough for all that expires unless told otherwise. */
  readonly settleMs?: number;
}

/** What the exporter holds without containers. */
export interface Idle extends Inside {
  readonly descriptors: number;
  readonly watches: number;
  /** What keeps its event loop busy, without the connections of this test. */
  readonly handles: number;
  readonly processes: number;
}

/** What came of a variant. */
export interface ChurnResult {
  readonly variant: string;
  readonly started: number;
  readonly startedFound: number;
  readonly removed: number;
  readonly removedFound: number;
  readonly scrapes: number;
  /** Scrapes without an answer, or with another one than 200. */
  readonly failed: number;
  readonly slowestMs: number;
  /** After the first wave, which fills caches and compiles code. */
  readonly before: Idle;
  readonly after: Idle;
  readonly restarts: number;
}

const SCRAPE_MS = 1_000;
/** What is kept of containers for a while after they are gone expires within this time. */
const SETTLE_MS = 150_000;

/** Containers come and go in waves beside a new exporter that is scraped each second. */
export async function runChurn(
  variant: ChurnVariant,
  { containers: count, wave, engine: like = 'podman', settleMs = SETTLE_MS }: ChurnSize,
): Promise<ChurnResult> {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-churn-'));
  try {
    await using docker = variant.engine ? await startDocker(host) : undefined;
    const inside = join(directory, 'inside');
    const names = docker === undefined ? [] : [`--docker.host=unix://${docker.socket}`];
    const { wrap } = variant;
    await using program = await startProgram(names, { ...insideOptions(inside), wrap });
    await using containers = new LoadContainers({ depth: variant.depth, engine: variant.engine ? 'docker' : like });
    const restarting = new Disturbances(docker === undefined ? [] : [engineRestarts(docker, 2_000)]);
    using scraper = new Scraper(program);
    const others = countOf(await scraper.samples(), containers);
    const scrapes = new Scrapes(scraper);
    await passWave(containers, wave, variant.holdMs);
    const idle = (): Promise<Idle> => idleOf(program, scraper, inside);
    const before = await settled(containers, { scraper, idle, others, settleMs });
    while (containers.started < count)
      await passWave(containers, Math.min(wave, count - containers.started), variant.holdMs);
    await restarting.stop();
    await scrapes.stop();
    const after = await settled(containers, { scraper, idle, others, settleMs }, before);
    if (restarting.problems.length > 0) throw new Error(restarting.problems[0]);
    const samples = await scraper.samples();
    const { engine } = containers;
    return {
      variant: variant.name,
      started: containers.started,
      startedFound: samples.value('isolation_containers_started_total', { engine }) ?? 0,
      removed: containers.removed,
      removedFound: samples.value('isolation_containers_removed_total', { engine }) ?? 0,
      scrapes: scrapes.count,
      failed: scrapes.failed,
      slowestMs: scrapes.slowestMs,
      before,
      after,
      restarts: restarting.counts.get('engine restarts') ?? 0,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function passWave(containers: LoadContainers, size: number, holdMs: number): Promise<void> {
  for (let made = 0; made < size; made += 1) {
    containers.start();
    // The scrapes are made by this process, too.
    await setImmediate();
  }
  await sleep(holdMs);
  await Promise.all([...containers.live].map((container) => containers.remove(container)));
}

/** Scrapes each second, until it is stopped. */
class Scrapes {
  count = 0;
  failed = 0;
  slowestMs = 0;
  readonly #scraper: Scraper;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(scraper: Scraper) {
    this.#scraper = scraper;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const begin = performance.now();
      try {
        const { status, ms } = await this.#scraper.ask({ encoding: 'gzip' });
        this.slowestMs = Math.max(this.slowestMs, ms);
        if (status !== 200) this.failed += 1;
      } catch {
        this.failed += 1;
      }
      this.count += 1;
      await sleep(Math.max(0, SCRAPE_MS - (performance.now() - begin)), undefined, { signal }).catch(() => {});
    }
  }
}

/** What the exporter holds once it shows none of ours, and no more than before if something is kept for a while. */
async function settled(
  containers: LoadContainers,
  by: {
    readonly scraper: Scraper;
    readonly idle: () => Promise<Idle>;
    readonly others: number;
    readonly settleMs: number;
  },
  before?: Idle,
): Promise<Idle> {
  let found: Idle | undefined;
  for (const deadline = performance.now() + by.settleMs; performance.now() < deadline; await sleep(1_000)) {
    if (countOf(await by.scraper.samples(), containers) > by.others) continue;
    found = await by.idle();
    if (before === undefined || !isMore(found, before)) return found;
  }
  if (found === undefined) throw new Error('The exporter still shows containers that are gone');
  return found;
}

/** How many containers of an engine the exporter shows; this machine can have some of its own. */
function countOf(samples: Samples, { engine }: LoadContainers): number {
  return samples.value('isolation_containers', { engine }) ?? 0;
}

/** Whether anything is more than before. Code that was compiled meanwhile counts as heap, so that some of it may be more. */
export function isMore(after: Idle, before: Idle): boolean {
  const counts = (['descriptors', 'watches', 'handles', 'processes', 'timers'] as const).some(
    (key) => after[key] > before[key],
  );
  return counts || after.heap > before.heap * 1.1;
}

async function idleOf(program: BuiltProgram, scraper: Scraper, file: string): Promise<Idle> {
  const inside = await lookInside(program, file);
  const { descriptors, watches, processes } = vitalsOf(program.pid);
  const handles = Object.values(resourcesIn(await scraper.samples())).reduce((sum, count) => sum + count, 0);
  return { ...inside, descriptors, watches, processes, handles };
}
