import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import { eventually, type Machine, quote, succeed } from '../lab/machine.ts';

/** Their ids, by what happens to their process. */
const IDLE = 'a'.repeat(64);
const VICTIM = 'b'.repeat(64);

describeLong('a kernel with cgroup_disable=memory', ['guest'], () => {
  let guest: Machine;
  let exporter: Exporter;

  const cgroupOf = (id: string): string => `/sys/fs/cgroup/docker/${id}`;
  const contain = (id: string): Promise<string> =>
    succeed(
      guest,
      `mkdir -p ${cgroupOf(id)}
      bash -c ${quote(`echo $$ > ${cgroupOf(id)}/cgroup.procs; echo 1000 > /proc/self/oom_score_adj; exec sleep 1000000`)} >/dev/null 2>&1 &
      until grep -q . ${cgroupOf(id)}/cgroup.procs; do sleep 0.1; done`,
    );
  const killsIn = (samples: Samples, id: string): number | undefined =>
    samples.value('isolation_container_oom_kills_total', { container: id.slice(0, 12) });
  const hostKills = async (): Promise<number> =>
    Number(await succeed(guest, `awk '$1 == "oom_kill" { print $2 }' /proc/vmstat`));

  beforeAll(async () => {
    guest = await sharedGuest('no-memory');
    await contain(IDLE);
    exporter = await startExporter(guest, { flags: ['--docker.host='] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await guest?.run(
      `grep -hvx 0 /sys/fs/cgroup/docker/*/cgroup.procs | xargs -r kill -KILL; sleep 1; rmdir /sys/fs/cgroup/docker/* /sys/fs/cgroup/docker`,
    );
  });

  test('has no memory controller', async () => {
    expect(await succeed(guest, 'cat /sys/fs/cgroup/cgroup.controllers')).not.toContain('memory');
    expect(await succeed(guest, 'cat /proc/cmdline')).toContain('cgroup_disable=memory');
  });

  test('exports no OOM kills of containers, not 0, and says why', async () => {
    const samples = await exporter.scrape();
    expect(samples.labels('isolation_container_info', { id: IDLE })?.get('container')).toBe(IDLE.slice(0, 12));
    expect(samples.all.filter(({ name }) => /^isolation_container_oom_(kills|events)_total$/.test(name))).toEqual([]);
    expect(samples.value('isolation_source_up', { source: 'memory_controller' })).toBe(0);
    expect(samples.value('isolation_source_up', { source: 'vmstat' })).toBe(1);
    expect(await exporter.log()).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'no memory controller; OOM kills in containers without it stay unattributed',
        remedy: expect.stringContaining('cgroup_disable=memory'),
      }),
    );
  });

  test('counts a kill in a container for the host, and never 0 for the container', async () => {
    await contain(VICTIM);
    const before = await hostKills();
    // The kernel kills the process with the highest score.
    await succeed(
      guest,
      `echo -1000 > /proc/$(head -1 ${cgroupOf(IDLE)}/cgroup.procs)/oom_score_adj; echo f > /proc/sysrq-trigger`,
    );
    await eventually('the victim is dead', async () => (await hostKills()) > before || undefined, {
      timeoutMs: 60_000,
    });
    expect(await succeed(guest, `cat ${cgroupOf(VICTIM)}/cgroup.procs`)).toBe('');
    const samples = await eventually(
      'the kill is counted',
      async () => {
        const found = await exporter.scrape();
        return found.value('isolation_host_oom_kills_total') === before + 1 ? found : undefined;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    const ofVictim = killsIn(samples, VICTIM);
    expect(ofVictim).not.toBe(0);
    expect(killsIn(samples, IDLE)).toBeUndefined();
    expect((ofVictim ?? 0) + (samples.value('isolation_oom_kills_unattributed_total') ?? NaN)).toBe(before + 1);
  });
});
