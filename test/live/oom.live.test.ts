import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Docker, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, sharedGuest } from '../lab/live.ts';
import type { Machine } from '../lab/machine.ts';
import { Auditor, hostKills, killAll, killsOf, type Plan } from './oom-kills.ts';
import { removeCgroups } from './remains.ts';

vi.setConfig({ testTimeout: 1_800_000 });

describeLive('OOM kills on this host', ['docker'], () =>
  suite(() => Promise.resolve(host), {
    all: { mains: 15, children: 80, brief: 25, restarts: 9, pairs: 10, nested: 20, byParent: 30 },
    some: { mains: 2, children: 15, brief: 3, restarts: 2, pairs: 1, nested: 3, byParent: 3 },
  }),
);

// A container takes seconds to start there, a kill inside one does not.
describeLive('OOM kills on cgroup v2', ['guest', 'docker'], () =>
  suite(() => sharedGuest('plain'), {
    all: { mains: 2, children: 100, brief: 2, restarts: 2, pairs: 1, nested: 50, byParent: 40 },
    some: { mains: 1, children: 10, brief: 1, restarts: 1, pairs: 1, nested: 3, byParent: 3 },
  }),
);

/** Real kills, counted exactly: none missed, none twice, whatever is missing. */
function suite(findMachine: () => Promise<Machine>, plans: { readonly all: Plan; readonly some: Plan }): void {
  let machine: Machine;
  let docker: Docker;
  let rounds = 0;

  beforeAll(async () => {
    machine = await findMachine();
    docker = await startDocker(machine);
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
  });

  /** Kills by plan, under the eyes of an exporter; then all must be counted. */
  async function counted(plan: Plan, flags: readonly string[], meanwhile?: (exporter: Exporter) => Promise<Exporter>) {
    rounds += 1;
    const prefix = `oom${process.pid}r${rounds}`;
    const before = await hostKills(machine);
    let exporter = await startExporter(machine, { flags: [`--docker.host=unix://${docker.socket}`, ...flags] });
    try {
      let expected;
      let problems: readonly string[];
      {
        await using auditor = new Auditor(() => exporter.scrape());
        const killing = killAll(docker, prefix, plan);
        if (meanwhile !== undefined) exporter = await meanwhile(exporter);
        expected = await killing;
        problems = auditor.problems;
      }
      const sum = [...expected.values()].reduce((total, kills) => total + kills, 0);
      // The plan was kept: this is the kernel's own word.
      expect((await hostKills(machine)) - before).toBe(sum);
      expect(await killsOf(exporter, machine, expected)).toEqual(expected);
      return { exporter, expected, problems, sum };
    } catch (error) {
      await exporter[Symbol.asyncDispose]();
      throw error;
    } finally {
      await machine.run(`${docker.client} rm -f $(${docker.client} ps -aq)`);
      await removeCgroups(machine, `${prefix}parent`);
    }
  }

  test('all of them are counted once, and each is logged', async () => {
    const { exporter, expected, problems, sum } = await counted(plans.all, []);
    await using _ = exporter;
    expect(problems).toEqual([]);
    const samples = await exporter.scrape();
    for (const container of expected.keys()) {
      const last = samples.value('isolation_container_last_oom_kill_timestamp_seconds', { container }) ?? 0;
      expect(Math.abs(Date.now() / 1000 - last), container).toBeLessThan(1_800);
    }
    const lines = (await exporter.log()).filter(({ msg, past }) => msg === 'OOM kill' && past !== true);
    const logged = lines.reduce((total, { kills }) => total + (typeof kills === 'number' ? kills : 1), 0);
    expect(logged).toBe(sum);
    const full = lines.find(({ container }) => String(container).includes('brief-'));
    expect(full).toMatchObject({
      engine: 'docker',
      command: 'tail',
      limit: 8 * 2 ** 20,
      constraint: 'CONSTRAINT_MEMCG',
    });
  });
}
