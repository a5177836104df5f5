import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, succeed } from '../lab/machine.ts';
import { untilComplete, within } from './docker-containers.ts';
import { Auditor, type Expected, hostKills, killAll, killsOf, nestedKills, type Plan } from './oom-kills.ts';
import { removeCgroups } from '../lab/remains.ts';

vi.setConfig({ testTimeout: 1_800_000 });

interface Plans {
  readonly all: Plan;
  /** The kills during each disturbance of the exporter. */
  readonly some: Partial<Plan>;
}

describeLive('OOM kills on this host', ['docker'], () => {
  suite(() => Promise.resolve(host), {
    all:
      process.env['LAB'] === 'all'
        ? { mains: 15, children: 80, brief: 25, restarts: 9, pairs: 10, nested: 20, byParent: 30 }
        : { mains: 5, children: 25, brief: 8, restarts: 3, pairs: 3, nested: 20, byParent: 10 },
    some: { mains: 1, children: 15, brief: 2, restarts: 2, pairs: 1, nested: 3, byParent: 3 },
  });
});

// Starting a container takes seconds in the guest; a kill inside a container does not.
describeLong('OOM kills on cgroup v2', ['guest', 'docker'], () => {
  const docker = suite(() => sharedGuest('plain'), {
    all:
      process.env['LAB'] === 'all'
        ? { mains: 2, children: 20, brief: 2, restarts: 2, pairs: 1, nested: 141, byParent: 30 }
        : { mains: 1, children: 5, brief: 1, restarts: 1, pairs: 1, nested: 20, byParent: 5 },
    some: { children: 5, brief: 1, nested: 2 },
  });

  test('all stay exported for the retention although somebody sets the clock', async () => {
    const { machine } = docker();
    const flags = ['--oom.retention=1h', `--oom.state-file=${docker().directory}/clock.json`];
    const first = await exporterFor(docker(), flags);
    const others = unattributed(await first.scrape());
    const total = await hostKills(machine);
    const kill = async (exporter: Exporter, prefix: string): Promise<Expected> => {
      const kills = await killAll(docker(), prefix, { brief: 1, children: 3 });
      expect(await killsOf(exporter, machine, kills)).toEqual(kills);
      return kills;
    };
    const before = await kill(first, 'clocka');
    await setClock('+2 hours');
    await check(first, before);
    const ahead = await kill(first, 'clockb');
    await check(first, new Map([...before, ...ahead]));
    await setClock('-4 hours');
    await first.kill('SIGKILL');
    await using second = await exporterFor(docker(), flags);
    const all = new Map([...before, ...ahead, ...(await kill(second, 'clockc'))]);
    await check(second, all);
    await setClock('+2 hours');
    await check(second, all);
    expect((await hostKills(machine)) - total).toBe(sumOf(all));
    expect(unattributed(await second.scrape()) - others).toBe(0);
    await first[Symbol.asyncDispose]();

    async function setClock(by: string): Promise<void> {
      await succeed(machine, `date -s '${by}'`);
    }

    /** Checks that all kills are exported under their names, with times in the last half hour. */
    async function check(exporter: Exporter, kills: Expected): Promise<void> {
      const samples = await exporter.scrape();
      expect(killsIn(samples, kills)).toEqual(kills);
      const now = Number(await succeed(machine, 'date +%s'));
      for (const container of kills.keys()) {
        const last = samples.value('isolation_container_last_oom_kill_timestamp_seconds', { container }) ?? 0;
        expect(last, container).toBeLessThanOrEqual(now + 1);
        expect(last, container).toBeGreaterThan(now - 1_800);
      }
    }
  });

  test('all are counted without inotify watches', async () => {
    const { machine } = docker();
    const limit = '/proc/sys/fs/inotify/max_user_watches';
    const before = await succeed(machine, `cat ${limit}`);
    await succeed(machine, `echo 0 > ${limit}`);
    try {
      await using exporter = await exporterFor(docker());
      const expected = await killAll(docker(), 'blind', { children: 5, brief: 1 });
      expect(await killsOf(exporter, machine, expected)).toEqual(expected);
      const samples = await exporter.scrape();
      const up = (source: string) => samples.value('isolation_source_up', { source });
      expect(['memory_events', 'cgroup_watch', 'kmsg', 'vmstat'].map(up)).toEqual([0, 0, 1, 1]);
    } finally {
      await succeed(machine, `echo ${before} > ${limit}`);
    }
  });
});

/** Counts real kills exactly: it misses none and counts none twice, whatever disturbs the exporter and its sources. */
function suite(findMachine: () => Promise<Machine>, plans: Plans): () => Docker {
  let machine: Machine;
  let docker: Docker;
  let rounds = 0;
  let prefix: string;

  beforeAll(async () => {
    machine = await findMachine();
    docker = await startDocker(machine);
  });
  beforeEach(() => {
    rounds += 1;
    prefix = `oom${process.pid}r${rounds}`;
  });
  afterEach(async () => {
    await machine.run(`${docker.client} rm -f $(${docker.client} ps -aq)`);
    for (const part of ['', 'a', 'b', 'c']) await removeCgroups(machine, `${prefix}${part}parent`);
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
  });

  test('all are counted once, add up at every scrape, and are logged', async () => {
    await using exporter = await exporterFor(docker);
    const before = await hostKills(machine);
    let expected: Expected;
    let problems: readonly string[];
    {
      await using auditor = new Auditor(() => exporter.scrape());
      expected = await killAll(docker, prefix, plans.all);
      expect(auditor.scrapes).toBeGreaterThan(3);
      ({ problems } = auditor);
    }
    // The kernel's own count confirms the plan.
    expect((await hostKills(machine)) - before).toBe(sumOf(expected));
    expect(await killsOf(exporter, machine, expected)).toEqual(expected);
    expect(problems).toEqual([]);
    const samples = await exporter.scrape();
    const now = Number(await succeed(machine, 'date +%s'));
    for (const container of expected.keys()) {
      const last = samples.value('isolation_container_last_oom_kill_timestamp_seconds', { container }) ?? 0;
      expect(now - last, container).toBeLessThan(1_800);
    }
    await within(machine, 'the log', async () => (await loggedBy(exporter)).kills >= sumOf(expected));
    const { kills, lines } = await loggedBy(exporter);
    expect(kills).toBe(sumOf(expected));
    expect(lines.find(({ container }) => String(container).startsWith(`${prefix}main`))).toMatchObject({
      engine: 'docker',
      command: 'tail',
      limit: 8 * 2 ** 20,
      constraint: 'CONSTRAINT_MEMCG',
    });
  });

  test('the state file keeps all of them over a killed exporter, and the kernel tells what happened meanwhile', async () => {
    const flags = [`--oom.state-file=${docker.directory}/${prefix}.json`];
    const first = await exporterFor(docker, flags);
    const before = await killAll(docker, `${prefix}a`, plans.some);
    expect(await killsOf(first, machine, before)).toEqual(before);
    await first.kill('SIGKILL');
    await calm();
    const meanwhile = await killAll(docker, `${prefix}b`, { mains: 1, brief: 1, children: 3 });
    await using second = await exporterFor(docker, flags);
    const after = await killAll(docker, `${prefix}c`, { brief: 1, children: 3 });
    // One container was removed when it was killed, while no exporter ran. Docker still has its events.
    const expected = new Map([...before, ...meanwhile, ...after]);
    expect(await killsOf(second, machine, expected)).toEqual(expected);
    await first[Symbol.asyncDispose]();
  });

  test('without it, the counters of live containers and the kernel log restore the counts', async () => {
    const first = await exporterFor(docker);
    await calm();
    const before = await killAll(docker, `${prefix}a`, { mains: 2, brief: 1, children: 3 });
    expect(await killsOf(first, machine, before)).toEqual(before);
    await first.kill('SIGKILL');
    await calm();
    const meanwhile = await killAll(docker, `${prefix}b`, { mains: 1, brief: 1, children: 3 });
    await using second = await exporterFor(docker);
    // Removed containers have their names too, and none appears under its id first.
    const expected = new Map([...before, ...meanwhile]);
    expect(await killsOf(second, machine, expected)).toEqual(expected);
    const logged = (await second.log()).filter(({ msg }) => msg === 'OOM kill').map(({ container }) => container);
    expect(logged).toEqual(expect.arrayContaining([`${prefix}abrief-0`, `${prefix}bbrief-0`]));
    await first[Symbol.asyncDispose]();
  });

  test('a kill in a container that lives on is logged under its name, without a scrape', async () => {
    await using exporter = await exporterFor(docker);
    const name = `${prefix}unscraped`;
    await docker.run(
      '--name',
      name,
      '--network',
      'none',
      '--memory',
      '8m',
      '--memory-swap',
      '8m',
      LAB_IMAGE,
      'sh',
      '-c',
      'sleep 3; tail /dev/zero; sleep 1000000',
    );
    await within(machine, 'the line', async () => {
      const lines = (await exporter.log()).filter(({ container, msg }) => container === name && msg === 'OOM kill');
      return lines.length === 1;
    });
  });

  test('kills are counted under the names from before while dockerd is down', async () => {
    await using exporter = await exporterFor(docker);
    const name = `${prefix}orphan`;
    const id = await docker.run('--name', name, '--network', 'none', LAB_IMAGE);
    await untilComplete(machine, exporter, [name]);
    await docker.kill('SIGKILL');
    try {
      await succeed(machine, nestedKills(docker.cgroupOf(id), 4));
      const expected = new Map([[name, 4]]);
      expect(await killsOf(exporter, machine, expected)).toEqual(expected);
    } finally {
      await docker.up();
    }
  });

  test('without the log of the kernel none is counted twice, and what is not told whose it was is counted as such', async () => {
    await using exporter = await exporterFor(docker, [`--path.kmsg=${docker.directory}/none`]);
    const others = unattributed(await exporter.scrape());
    const before = await hostKills(machine);
    const expected = await killAll(docker, prefix, plans.some);
    expect((await hostKills(machine)) - before).toBe(sumOf(expected));
    await within(machine, 'it is clear whose the kills were', async () => {
      const samples = await exporter.scrape();
      const told = sumOf(killsIn(samples, expected));
      return told + unattributed(samples) - others === sumOf(expected);
    });
    const told = killsIn(await exporter.scrape(), expected);
    for (const [name, kills] of expected) {
      if (/children|nested|below/.test(name)) expect(told.get(name), name).toBe(kills);
      else expect(told.get(name), name).toBeLessThanOrEqual(kills);
    }
    expect((await exporter.scrape()).value('isolation_source_up', { source: 'kmsg' })).toBe(0);
  });

  /** After more than ten kills in five seconds the kernel only logs short reports. */
  async function calm(): Promise<void> {
    await succeed(machine, 'sleep 6');
  }

  return () => docker;
}

function exporterFor(docker: Docker, flags: readonly string[] = []): Promise<Exporter> {
  // With a longer retention, earlier kills on this machine cannot expire, and so leave the sum, during a test.
  const kept = '--oom.retention=24h';
  return startExporter(docker.machine, { flags: [`--docker.host=unix://${docker.socket}`, kept, ...flags] });
}

function sumOf(kills: Expected): number {
  return [...kills.values()].reduce((sum, each) => sum + each, 0);
}

function unattributed(samples: Samples): number {
  return samples.value('isolation_oom_kills_unattributed_total') ?? NaN;
}

function killsIn(samples: Samples, expected: Expected): Map<string, number> {
  const of = (container: string) => samples.value('isolation_container_oom_kills_total', { container }) ?? 0;
  return new Map([...expected.keys()].map((container) => [container, of(container)]));
}

/** The kills that the exporter logged when they happened, and the log lines. */
async function loggedBy(exporter: Exporter) {
  const lines = (await exporter.log()).filter(({ msg, past }) => msg === 'OOM kill' && past !== true);
  const kills = lines.reduce((sum, line) => sum + (typeof line['kills'] === 'number' ? line['kills'] : 1), 0);
  return { lines, kills };
}
