import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { eventually, type Machine, quote, succeed } from '../lab/machine.ts';
import type { Scenario } from './scenarios.ts';

const KILLER = fileURLToPath(new URL('./kill.pl', import.meta.url));

/** The kernel's counts, and the exporter's counts of the same kills. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  /** The rate that was reached, in kills per second. */
  readonly rate: number;
  /** Kills that the kernel counted. */
  readonly events: number;
  readonly kills: number;
  /** Events that the exporter counted in the containers to which it attributed kills. */
  readonly eventsFound: number;
  /** Kills in these containers that the exporter attributed to none of them. */
  readonly unattributed: number;
  /** Kills that the exporter counted in excess of the kernel. */
  readonly doubled: number;
  /** Kills of the host according to /proc/vmstat that no counter of the exporter includes. */
  readonly lost: number;
}

interface KernelCount {
  readonly kills: number;
  readonly events: number;
  /** The id of the container around it. */
  readonly outer: string | undefined;
}

/** Causes the kills of a scenario beside a new exporter, and compares the counts. */
export async function runScenario(machine: Machine, scenario: Scenario): Promise<ScenarioResult> {
  const directory = await succeed(machine, 'mktemp -d /tmp/isolation-exporter-torture-XXXXXX');
  const kmsg = scenario.trouble === 'no kmsg' ? ['--path.kmsg='] : [];
  // A retention by the wall clock would drop all kills when the clock is set forward.
  const retention = scenario.trouble === 'clock' ? '1h' : '24h';
  const flags = [`--oom.state-file=${directory}/state`, '--docker.host=', `--oom.retention=${retention}`, ...kmsg];
  const clock = scenario.trouble === 'clock' ? await ownClock(machine, directory) : undefined;
  let exporter = await startExporter(machine, { flags, ...(clock && { script: clock.script }) });
  try {
    const killing = killAll(machine, scenario, directory);
    const restart = async (): Promise<void> => {
      await exporter.kill('SIGKILL');
      await exporter[Symbol.asyncDispose]();
      exporter = await startExporter(machine, { flags });
    };
    if (scenario.trouble === 'SIGKILL') {
      const seconds = scenario.containers / scenario.rate;
      for (const part of [0.3, 0.4]) {
        await succeed(machine, `sleep ${seconds * part}`);
        await restart();
      }
    } else if (scenario.trouble === 'SIGKILL each minute') {
      while (!(await settlesWithin(killing, 60_000))) await restart();
    }
    if (clock !== undefined) {
      for (const hours of [2, -2]) {
        await succeed(machine, `sleep ${scenario.containers / scenario.rate / 3}`);
        await clock.set(hours);
        await assertOffset(machine, exporter, hours);
      }
    }
    const { truth, seconds } = await killing;
    const kills = sumOf(truth, (count) => count.kills);
    return { scenario, rate: kills / seconds, ...(await compare(machine, exporter, truth)) };
  } finally {
    await exporter[Symbol.asyncDispose]();
    await machine.run(`rm -rf ${directory}`);
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Symbol();
  return (await Promise.race([promise, setTimeout(ms, late, { ref: false })])) !== late;
}

/** A wall clock of the exporter's own: setting that of the machine would disturb everything else on it. */
interface OwnClock {
  readonly script: (command: string) => string;
  /** Sets it that many hours ahead of the machine's clock. */
  readonly set: (hours: number) => Promise<void>;
}

async function ownClock(machine: Machine, directory: string): Promise<OwnClock> {
  const library = (await succeed(machine, 'ls /usr/lib/*/faketime/libfaketime.so.1 | head -1')).trim();
  if (library === '') throw new Error('libfaketime is missing: apt-get install faketime');
  const set = async (hours: number): Promise<void> =>
    void (await succeed(machine, `echo ${hours < 0 ? '' : '+'}${hours}h > ${directory}/offset`));
  await set(0);
  const environment = [
    `LD_PRELOAD=${library}`,
    `FAKETIME_TIMESTAMP_FILE=${directory}/offset`,
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
    'FAKETIME_NO_CACHE=1',
  ];
  return { script: (command) => `exec env ${environment.join(' ')} ${command}`, set };
}

/** @throws Error if the exporter has another clock. */
async function assertOffset(machine: Machine, exporter: Exporter, hours: number): Promise<void> {
  const clock = (await exporter.scrape()).value('isolation_exporter_clock_timestamp_seconds') ?? NaN;
  const offset = clock - Number(await succeed(machine, 'date +%s'));
  if (!(Math.abs(offset - hours * 3_600) < 60)) throw new Error(`The exporter's clock is ${offset} s ahead`);
}

async function killAll(
  machine: Machine,
  { way, containers, rate, lifeMs, trouble }: Scenario,
  directory: string,
): Promise<{ readonly truth: ReadonlyMap<string, KernelCount>; readonly seconds: number }> {
  const parent = `/${directory.split('/').at(-1)}/docker`;
  const plan = [`parent=${parent}`, `count=${containers}`, `rate=${rate}`, `life=${lifeMs}`, `way=${way}`];
  const kill = `perl ${quote(KILLER, ...plan)}`;
  const timeoutMs = (300_000 + (containers / rate) * 1_000) * machine.slowness;
  const output = await succeed(machine, trouble === 'overrun' ? overrunning(kill) : kill, { timeoutMs });
  await machine.run(`rmdir /sys/fs/cgroup/*${parent} /sys/fs/cgroup${parent} 2>/dev/null
    rmdir /sys/fs/cgroup/*${parent.replace('/docker', '')} /sys/fs/cgroup${parent.replace('/docker', '')} 2>/dev/null; true`);
  const truth = new Map<string, KernelCount>();
  let seconds = NaN;
  for (const line of output.split('\n')) {
    const [id = '', first, second, outer] = line.split(' ');
    if (id === 'seconds') seconds = Number(first);
    else truth.set(id, { kills: Number(first), events: Number(second), outer });
  }
  return { truth, seconds };
}

/** Fills the kernel's log faster than any reader can read it. */
function overrunning(script: string): string {
  return `
    before=$(cat /proc/sys/kernel/printk_devkmsg)
    echo on > /proc/sys/kernel/printk_devkmsg
    perl -e 'open my $k, ">", "/dev/kmsg" or die; my $t = "x" x 900; while (1) { syswrite $k, $t for 1..300; select undef, undef, undef, 0.02 }' &
    flood=$!
    ${script}
    kill $flood
    echo "$before" > /proc/sys/kernel/printk_devkmsg`;
}

async function compare(
  machine: Machine,
  exporter: Exporter,
  truth: ReadonlyMap<string, KernelCount>,
): Promise<Omit<ScenarioResult, 'scenario' | 'rate'>> {
  // Kills that are not settled yet are in no counter for up to two seconds.
  await succeed(machine, 'sleep 3');
  let samples: Samples | undefined;
  let lost = NaN;
  await eventually(
    'nobody was killed during a scrape',
    async () => {
      const before = await hostKills(machine);
      samples = await exporter.scrape();
      lost = before - (samples.value('isolation_host_oom_kills_total') ?? NaN);
      return before === (await hostKills(machine)) && lost === 0 ? true : undefined;
    },
    { timeoutMs: 15_000 * machine.slowness, everyMs: 500 },
  ).catch(() => {});
  if (samples === undefined) throw new Error('The exporter did not answer');
  const { kills, events, sum } = countsIn(samples);
  let [unattributed, doubled, eventsFound] = [0, 0, 0];
  for (const [id, { kills: true_, outer }] of truth) {
    const found = kills.get(id.slice(0, 12)) ?? 0;
    unattributed += Math.max(0, true_ - found);
    // The container around it has had no kills of its own.
    const foundAround = outer === undefined ? 0 : (kills.get(outer.slice(0, 12)) ?? 0);
    doubled += Math.max(0, found + foundAround - true_);
    eventsFound += events.get(id.slice(0, 12)) ?? 0;
  }
  const host = samples.value('isolation_host_oom_kills_total') ?? NaN;
  return {
    events: sumOf(truth, (count) => count.events),
    kills: sumOf(truth, (count) => count.kills),
    eventsFound,
    unattributed,
    doubled,
    lost: Math.abs(lost) + Math.abs(host - sum),
  };
}

function countsIn(samples: Samples): {
  readonly kills: ReadonlyMap<string, number>;
  readonly events: ReadonlyMap<string, number>;
  /** The sum of all kills: attributed, unattributed and expired. */
  readonly sum: number;
} {
  const kills = new Map<string, number>();
  const events = new Map<string, number>();
  let sum = 0;
  for (const { name, labels, value } of samples.all) {
    const container = new Map(Object.entries(labels)).get('container') ?? '';
    if (name === 'isolation_container_oom_kills_total') kills.set(container, value);
    if (name === 'isolation_container_oom_events_total') events.set(container, value);
    if (/^isolation_(?:container_oom_kills|oom_kills_unattributed|oom_kills_expired)_total$/.test(name)) sum += value;
  }
  return { kills, events, sum };
}

async function hostKills(machine: Machine): Promise<number> {
  return Number(await succeed(machine, `awk '$1 == "oom_kill" { print $2 }' /proc/vmstat`));
}

function sumOf(truth: ReadonlyMap<string, KernelCount>, part: (count: KernelCount) => number): number {
  let sum = 0;
  for (const count of truth.values()) sum += part(count);
  return sum;
}
