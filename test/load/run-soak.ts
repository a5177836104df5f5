import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import {
  churn,
  type Disturbance,
  Disturbances,
  engineContainers,
  engineRestarts,
  execs,
  Kills,
  Reloads,
} from './disturbances.ts';
import type { Sample } from './figures.ts';
import { type Inside, insideOptions, lookInside } from './inside.ts';
import { type Engine, LoadContainers } from './load-containers.ts';
import { resourcesIn, Scraper } from './scraper.ts';
import { vitalsOf } from './vitals.ts';

/** How long, and how much of everything. */
export interface SoakPlan {
  readonly containers: number;
  readonly seconds: number;
  readonly scrapeEverySeconds: number;
  /** With a Docker daemon of its own. */
  readonly engine: boolean;
  /** What the containers without an engine look like. */
  readonly like: Engine;
  /** The time between two of each, in ms. */
  readonly churnMs: number;
  readonly execMs: number;
  readonly killMs: number;
  readonly reloadMs: number;
}

/** What is true at the end of a soak. */
export interface SoakEnd {
  /** How long it took. */
  readonly seconds: number;
  readonly started: number;
  readonly removed: number;
  /** What the exporter counted. */
  readonly startedFound: number;
  readonly removedFound: number;
  /** OOM kills in our containers, by the kernel. Each was looked up in a scrape. */
  readonly kills: number;
  /** OOM kills of the host since the start of the exporter, by the kernel, that no counter of the exporter has; or too many. */
  readonly killsLost: number;
  /** How often each disturbance happened. */
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

/** Kills stay for so long, so that the ledger is full long before the second half. */
const RETENTION = '5m';
/** After how many samples the heap and the timers are looked at again. */
const INSIDE_EVERY = 4;
const ENGINE_RESTART_MS = 240_000;
const ENGINE_CONTAINER_MS = 20_000;
const LASTING = ['lasting-1', 'lasting-2', 'lasting-3'];

/** Runs the built exporter beside everything that disturbs it. @param note gets each sample at once. */
export async function runSoak(plan: SoakPlan, note: (sample: Sample) => void): Promise<SoakEnd> {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-soak-'));
  try {
    await using docker = plan.engine ? await startDocker(host) : undefined;
    for (const name of docker === undefined ? [] : LASTING)
      await docker?.run('--network', 'none', '--name', name, LAB_IMAGE);
    const reloads = new Reloads(directory, plan.reloadMs);
    const inside = join(directory, 'inside');
    await using program = await startProgram(
      [
        '--path.kmsg=/dev/kmsg',
        `--oom.state-file=${directory}/state`,
        `--oom.retention=${RETENTION}`,
        '--log.level=info',
        ...(docker === undefined ? [] : [`--docker.host=unix://${docker.socket}`]),
        ...reloads.flags,
      ],
      insideOptions(inside),
    );
    return await soak(plan, note, { docker, program, reloads, inside });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function soak(
  plan: SoakPlan,
  note: (sample: Sample) => void,
  beside: {
    readonly docker: Docker | undefined;
    readonly program: BuiltProgram;
    readonly reloads: Reloads;
    readonly inside: string;
  },
): Promise<SoakEnd> {
  const { docker, program, reloads } = beside;
  const begin = performance.now();
  const since = (): number => (performance.now() - begin) / 1_000;
  using scraper = new Scraper(program);
  // Not through the connection of the measured scrapes: these are Prometheus'.
  using looker = new Scraper(program);
  const look = (): Promise<Samples> =>
    looker.samples({ login: () => reloads.login, path: '/metrics?collect[]=oom&collect[]=inventory&collect[]=host' });
  await using containers = new LoadContainers({ engine: plan.like });
  await using victims = new LoadContainers({ engine: plan.like });
  for (let made = 0; made < plan.containers; made += 1) {
    containers.start();
    await sleep(5);
  }
  const kills = new Kills(victims, plan.killMs, async (id) =>
    (await look()).value('isolation_container_oom_kills_total', { container: id }),
  );
  const all: Disturbance[] = [churn(containers, plan.churnMs), execs(containers, plan.execMs), kills, reloads];
  if (docker !== undefined)
    all.push(engineRestarts(docker, ENGINE_RESTART_MS), engineContainers(docker, ENGINE_CONTAINER_MS));
  const disturbances = new Disturbances(all);
  const problems: string[] = [];
  let inside: Inside | undefined;
  for (let [next, nth] = [since(), 0]; since() < plan.seconds; next += plan.scrapeEverySeconds, nth += 1) {
    await sleep(Math.max(0, next - since()) * 1_000);
    try {
      // Not each time: a collection that nobody asks for must keep the memory low as well.
      if (nth % INSIDE_EVERY === 0 || inside === undefined) inside = await lookInside(program, beside.inside);
      const halfwayMs = plan.scrapeEverySeconds * 500;
      note({ ...(await sample(scraper, { program, reloads, seconds: since(), halfwayMs })), ...inside });
    } catch (error) {
      problems.push(`a scrape: ${String(error)}`);
      if (!program.isAlive())
        throw new Error(`The exporter has ended: ${program.log().slice(-2_000)}`, { cause: error });
    }
  }
  await disturbances.stop();
  if (docker !== undefined) problems.push(...(await namesLost(look)));
  const started = containers.started + victims.started;
  await containers[Symbol.asyncDispose]();
  await victims[Symbol.asyncDispose]();
  const end = await untilSettled(look, plan.like);
  return {
    seconds: since(),
    started,
    removed: containers.removed + victims.removed,
    startedFound: end.value('isolation_containers_started_total', { engine: containers.engine }) ?? 0,
    removedFound: end.value('isolation_containers_removed_total', { engine: containers.engine }) ?? 0,
    kills: kills.total,
    killsLost: await killsLost(look),
    counts: Object.fromEntries(disturbances.counts),
    problems: [...problems, ...disturbances.problems, ...unexpected(program.log())],
  };
}

/** Two scrapes, the second half an interval later, and what the exporter holds then. */
async function sample(
  scraper: Scraper,
  {
    program,
    reloads,
    seconds,
    halfwayMs,
  }: {
    readonly program: BuiltProgram;
    readonly reloads: Reloads;
    readonly seconds: number;
    readonly halfwayMs: number;
  },
): Promise<Omit<Sample, keyof Inside>> {
  const gzip = await scraper.ask({ encoding: 'gzip', login: () => reloads.login });
  if (gzip.status !== 200) throw new Error(`/metrics answers ${gzip.status}`);
  await sleep(halfwayMs);
  const plain = await scraper.ask({ login: () => reloads.login });
  if (plain.status !== 200) throw new Error(`/metrics answers ${plain.status}`);
  const vitals = vitalsOf(program.pid);
  const samples = samplesOf(plain.text);
  let containers = 0;
  for (const { name, value } of samples.all) if (name === 'isolation_containers') containers += value;
  return {
    seconds: Math.round(seconds),
    containers,
    handles: Object.values(resourcesIn(samples)).reduce((sum, count) => sum + count, 0),
    series: samples.all.length,
    plainCpu: plain.cpu,
    gzipCpu: gzip.cpu,
    ...vitals,
  };
}

/** Waits until no container of ours is left in a scrape. */
async function untilSettled(look: () => Promise<Samples>, engine: Engine): Promise<Samples> {
  for (let attempt = 0; ; attempt += 1) {
    const samples = await look();
    if ((samples.value('isolation_containers', { engine }) ?? 0) === 0 || attempt === 60) return samples;
    await sleep(1_000);
  }
}

/** The sum of all kills that the exporter has, compared with the kernel's. Others may kill meanwhile, so it tries several times. */
async function killsLost(look: () => Promise<Samples>): Promise<number> {
  let lost = NaN;
  for (let attempt = 0; attempt < 30 && lost !== 0; attempt += 1) {
    const before = hostKills();
    const samples = await look();
    let sum = 0;
    for (const { name, value } of samples.all) {
      if (/^isolation_(?:container_oom_kills|oom_kills_unattributed|oom_kills_expired)_total$/.test(name)) sum += value;
    }
    if (hostKills() === before) lost = before - sum;
    await sleep(1_000);
  }
  return lost;
}

/** Reads the line `oom_kill 12` of /proc/vmstat. */
function hostKills(): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1]);
}

async function namesLost(look: () => Promise<Samples>): Promise<readonly string[]> {
  const text = (await look()).value('isolation_source_up', { source: 'docker' });
  return text === 1 ? [] : [`the engine is ${text === undefined ? 'unknown' : 'down'} at the end`];
}

/** Lines of the log that nothing here should cause. */
function unexpected(log: string): readonly string[] {
  const lines = log.split('\n').filter((line) => /level=(?:warn|error|fatal)/.test(line));
  return lines.filter((line) => !/(?:docker|engine)/i.test(line)).slice(0, 20);
}
