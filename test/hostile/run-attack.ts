import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { ThrowawayContainers } from '../demo/throwaway-containers.ts';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import type { Attack } from './attacks.ts';
import { type BuiltProgram, startProgram } from './built-program.ts';

const HOSTILE = 'hostile';
const NEWCOMER = 'newcomer';

/** How long scrapes are measured, in ms. */
export interface Durations {
  readonly beforeMs: number;
  readonly duringMs: number;
}

const LONG: Durations = { beforeMs: 5_000, duringMs: 10_000 };

/** When a new container starts during the attack. */
const NEWCOMER_AFTER_MS = 1_000;

/** What an attack achieved. Times in ms. */
export interface AttackResult {
  readonly name: string;
  /** What the exporter shows of the hostile container. */
  readonly seen: string;
  /** Series of other containers that a scrape lacked, collectors that failed, a new container that was not found. */
  readonly lost: readonly string[];
  readonly slowestMetrics: number;
  readonly slowestHealthy: number;
  /** The median time of a scrape under attack, divided by that before. */
  readonly costRatio: number;
  /** The growth of resident memory, in bytes. */
  readonly memory: number;
}

/** Containers that have nothing to do with the attack. */
export class Neighbours implements AsyncDisposable {
  readonly #containers = new ThrowawayContainers();
  readonly names: readonly string[];

  private constructor(count: number) {
    this.names = Array.from({ length: count }, (_, nth) => `neighbour-${process.pid}-${nth}`);
  }

  static async start(count: number): Promise<Neighbours> {
    const neighbours = new Neighbours(count);
    for (const name of neighbours.names) await startIdle(neighbours.#containers, name);
    return neighbours;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#containers[Symbol.asyncDispose]();
  }
}

/** Attacks a new exporter beside the neighbours. */
export async function runAttack(
  attack: Attack,
  neighbours: Neighbours,
  { beforeMs, duringMs }: Durations = LONG,
): Promise<AttackResult> {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-hostile-'));
  try {
    await using engine = await attack.engine?.(directory);
    await using program = await startProgram(['--path.kmsg=/dev/kmsg', ...(engine?.flags ?? [])]);
    const expected = await untilShown(program, neighbours);
    const [before] = await Promise.all([scrapesFor(program, beforeMs), healthFor(program, beforeMs)]);
    const memoryBefore = program.memory();
    await using containers = new ThrowawayContainers();
    await using newcomers = new ThrowawayContainers();
    await using _begun = await attack.begin({
      port: program.port,
      directory,
      cgroups: findCgroupLayout('/proc', '/sys/fs/cgroup').hierarchies.map(
        ({ root }) => `${root}/isolation-exporter-demo-${process.pid}/lxc.payload.${HOSTILE}`,
      ),
      contain: (spec) => containers.start({ name: HOSTILE, limits: {}, ...spec }),
    });
    const [during, healthy] = await Promise.all([
      scrapesFor(program, duringMs),
      healthFor(program, duringMs),
      sleep(NEWCOMER_AFTER_MS).then(() => startIdle(newcomers, NEWCOMER)),
    ]);
    const lost = new Set(during.flatMap(({ samples }) => lostIn(samples, expected)));
    if (!during.some(({ samples }) => levelOf(samples, NEWCOMER) !== undefined)) lost.add('a new container');
    if (!program.isAlive()) lost.add('the exporter');
    return {
      name: attack.name,
      seen: seenIn(during.at(-1)?.samples, before.at(-1)?.samples),
      lost: [...lost],
      slowestMetrics: Math.max(...during.map(({ ms }) => ms)),
      slowestHealthy: Math.max(...healthy),
      costRatio: medianOf(during.map(({ ms }) => ms)) / medianOf(before.map(({ ms }) => ms)),
      memory: program.memory() - memoryBefore,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Scraped {
  readonly samples: Samples;
  /** Until the answer was complete. */
  readonly ms: number;
}

function startIdle(containers: ThrowawayContainers, name: string): Promise<number> {
  return containers.start({ name, command: 'sleep 100000; true', limits: {}, isolation: 'default' });
}

async function scrape(program: BuiltProgram): Promise<Scraped> {
  const { status, body, ms } = await program.get('/metrics');
  if (status !== 200) throw new Error(`/metrics answers ${status}: ${body.slice(0, 200)}`);
  return { samples: samplesOf(body), ms };
}

/** Waits until all neighbours are shown completely, and returns their series. */
async function untilShown(program: BuiltProgram, { names }: Neighbours): Promise<ReadonlySet<string>> {
  const wanted = new Set(names);
  let last = new Set<string>();
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { samples } = await scrape(program);
    const series = seriesOf(samples, wanted);
    const isComplete = names.every(
      (container) => samples.value('isolation_container_isolation_level_certain', { container }) === 1,
    );
    if (isComplete && series.size === last.size) return series;
    last = series;
    await sleep(500);
  }
  throw new Error('The neighbours are not shown');
}

function seriesOf({ all }: Samples, containers: ReadonlySet<string>): Set<string> {
  const own = all.filter(({ labels }) => containers.has(new Map(Object.entries(labels)).get('container') ?? ''));
  return new Set(own.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`));
}

function lostIn(samples: Samples, expected: ReadonlySet<string>): string[] {
  const names = new Set([...expected].map((series) => /"container":"([^"]*)"/.exec(series)?.[1] ?? ''));
  const there = seriesOf(samples, names);
  const missing = [...expected].filter((series) => !there.has(series));
  const failed = samples.all.filter(({ name, value }) => name === 'isolation_scrape_collector_success' && value === 0);
  return [...missing, ...failed.map(({ labels }) => `collector ${new Map(Object.entries(labels)).get('collector')}`)];
}

async function scrapesFor(program: BuiltProgram, ms: number): Promise<readonly Scraped[]> {
  const scraped: Scraped[] = [];
  for (const end = performance.now() + ms; performance.now() < end; await sleep(100)) {
    scraped.push(await scrape(program));
  }
  return scraped;
}

async function healthFor(program: BuiltProgram, ms: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end; await sleep(50)) {
    const answer = await program.get('/-/healthy');
    if (answer.status !== 200) throw new Error(`/-/healthy answers ${answer.status}`);
    times.push(answer.ms);
  }
  return times;
}

function levelOf(samples: Samples | undefined, container: string): number | undefined {
  return samples?.value('isolation_container_isolation_level', { container });
}

/** Without what an earlier container of that name has left: kills stay. */
function seenIn(samples: Samples | undefined, before: Samples | undefined): string {
  const value = (name: string): number | undefined => samples?.value(name, { container: HOSTILE });
  const level = levelOf(samples, HOSTILE);
  if (level === undefined) return 'no container';
  const certain = value('isolation_container_isolation_level_certain') === 1 ? '' : ', uncertain';
  const killsBefore = before?.value('isolation_container_oom_kills_total', { container: HOSTILE }) ?? 0;
  const kills = (value('isolation_container_oom_kills_total') ?? 0) - killsBefore;
  const stuck = samples?.value('isolation_exporter_stuck_lookups') ?? 0;
  return [
    `level ${level}${certain}`,
    `${value('isolation_container_pids') ?? 'unknown'} tasks`,
    ...(kills > 0 ? [`${kills} kills`] : []),
    ...(stuck > 0 ? [`${stuck} stuck look-up`] : []),
  ].join(', ');
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
