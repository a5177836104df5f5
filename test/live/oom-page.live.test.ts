import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LAB_IMAGE } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { within, words } from './docker-containers.ts';
import { isLike, type Paging, startPaging } from './paging.ts';

describeLive('a real OOM kill pages, on this host', ['docker', 'prometheus', 'alertmanager'], () => {
  const lab = suite(() => Promise.resolve(host), '1s');

  test('a missing memory limit pages too, and its presence does not', async () => {
    const { docker, exporter, notified, receiver } = lab();
    await docker.run('--name', 'unlimited', '--network', 'none', LAB_IMAGE);
    const alertname = 'IsolationContainerMemoryLimitMissing';
    const page = await notified('/pager', { alertname, container: 'unlimited' });
    expect(page.annotations['description']).toBe(
      `Container unlimited on ${exporter.address} has no memory limit: it can use all memory of the host, or of a cgroup that it shares with others.`,
    );
    const all = (await receiver.received()).flatMap(({ alerts }) => alerts);
    expect(all.filter((alert) => isLike(alert, { alertname, container: 'leaky' }))).toEqual([]);
  });

  test('three kills in a row raise the alert for loops', async () => {
    const { docker, notified } = lab();
    const script = 'for i in 1 2 3; do sleep 2; tail /dev/zero; done; sleep 1000000';
    await docker.run(...words(`--name looping ${LITTLE_MEMORY}`), LAB_IMAGE, 'sh', '-c', script);
    const page = await notified('/pager', { alertname: 'IsolationContainerOOMKillLoop', container: 'looping' });
    expect(page.annotations['description']).toContain('in container looping');
  });

  test('nothing on the way complains', async () => {
    const { prometheus, alertmanager } = lab();
    expect(await prometheus.complaints()).toEqual([]);
    expect((await alertmanager.log()).split('\n').filter((line) => /level=(?:warn|error)/.test(line))).toEqual([]);
    const metrics = await succeed(host, `curl -sS http://${alertmanager.address}/metrics`);
    expect(/^alertmanager_notifications_failed_total\{integration="webhook"\} (\d+)$/m.exec(metrics)?.[1]).toBe('0');
  });
});

// An emulated Prometheus cannot evaluate all rules within a second.
describeLong('a real OOM kill pages, on cgroup v2', ['guest', 'docker', 'prometheus', 'alertmanager'], () => {
  const lab = suite(() => sharedGuest('plain'), '5s');
  const OF_GROUP = { container: 'group' };

  /** Starts the container, and lets its limit kill all of its five processes together. */
  const killGroup = async (start: () => Promise<string>): Promise<void> => {
    const { docker } = lab();
    const id = await start();
    await succeed(docker.machine, `echo 1 > /sys/fs/cgroup${docker.cgroupOf(id)}/memory.oom.group`);
    await docker.cli('exec', 'group', 'mkdir', '/dev/shm/go');
    await docker.cli('wait', 'group');
  };

  const eventsOfGroup = async () =>
    (await lab().exporter.scrape()).value('isolation_container_oom_events_total', OF_GROUP);

  test('once for a group of processes that the kernel kills together', async () => {
    const { docker, exporter, notified, receiver, prometheus } = lab();
    const killsOnHost = async () => Number(await succeed(docker.machine, "sed -n 's/^oom_kill //p' /proc/vmstat"));
    const before = await killsOnHost();
    const script = `for i in 1 2 3 4; do sleep 1000000 & done
      until [ -e /dev/shm/go ]; do sleep 0.2; done; exec tail /dev/zero`;
    await killGroup(() => docker.run(...words(`--name group ${LITTLE_MEMORY}`), LAB_IMAGE, 'sh', '-c', script));
    await within(docker.machine, 'the event', async () => (await eventsOfGroup()) === 1);
    await notified('/pager', { alertname: 'IsolationContainerOOMKilled', ...OF_GROUP });

    const kills = (await exporter.scrape()).value('isolation_container_oom_kills_total', OF_GROUP);
    expect(kills).toBe((await killsOnHost()) - before);
    expect(kills).toBeGreaterThanOrEqual(5);
    const lines = (await exporter.log()).filter(({ msg, container }) => msg === 'OOM kill' && container === 'group');
    expect(lines).toHaveLength(1);
    expect(new Set(lines[0]?.['victims'] as readonly string[]).size).toBe(5);

    const ofLoop = 'ALERTS{alertname="IsolationContainerOOMKillLoop",container="group"}';
    expect(await prometheus.labels(ofLoop)).toEqual([]);
    const pages = (await receiver.received()).filter(
      ({ path, alerts }) => path === '/pager' && alerts.some((alert) => alert.labels['container'] === 'group'),
    );
    expect(pages).toHaveLength(1);
  });

  test('and again as a loop after the third of them', async () => {
    const { docker, notified } = lab();
    for (const _ of ['second', 'third']) {
      await killGroup(async () => {
        await docker.cli('start', 'group');
        return docker.cli('inspect', '--format', '{{.Id}}', 'group');
      });
    }
    await within(docker.machine, 'the events', async () => (await eventsOfGroup()) === 3);
    await notified('/pager', { alertname: 'IsolationContainerOOMKillLoop', ...OF_GROUP });
  });
});

// Time-outs inside the test expire before this one, also in the guest, because their messages say what was missing.
vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 });

const LITTLE_MEMORY = '--network none --memory 16m --memory-swap 16m';

/** The intervals of scrapes and evaluations are those of the machine's speed. */
function suite(findMachine: () => Promise<Machine>, interval: string): () => Paging {
  let machine: Machine;
  let paging: Paging;

  beforeAll(async () => {
    machine = await findMachine();
    paging = await startPaging(machine, { interval });
  });
  afterAll(() => paging?.[Symbol.asyncDispose]());

  const killedAt = async (container: string) =>
    (await paging.exporter.scrape()).value('isolation_container_last_oom_kill_timestamp_seconds', { container }) ?? NaN;

  const expectPageFor = async (container: string) => {
    const { exporter, notified } = paging;
    const page = await notified('/pager', { alertname: 'IsolationContainerOOMKilled', container });
    expect(page).toMatchObject({
      status: 'firing',
      labels: {
        alertname: 'IsolationContainerOOMKilled',
        severity: 'critical',
        job: 'isolation-exporter',
        instance: exporter.address,
        engine: 'docker',
        container,
      },
    });
    expect(page.annotations['description']).toContain(
      `killed a process of container ${container} on ${exporter.address}`,
    );
    expect(page.annotations['runbook_url']).toMatch(/\/IsolationContainerOOMKilled\.md$/);
    const seconds = page.at - (await killedAt(container));
    console.log(`${machine.name}: ${seconds.toFixed(1)} s from the kill of ${container} to the pager`);
    expect(seconds).toBeGreaterThan(0);
  };

  test('of a container that dies of it and is removed at once', async () => {
    const { docker } = paging;
    await machine.run(`${docker.client} run --rm --name brief ${LITTLE_MEMORY} ${LAB_IMAGE} tail /dev/zero`);
    expect(await docker.cli('ps', '-aq', '--filter', 'name=brief')).toBe('');
    await expectPageFor('brief');
  });

  test('of a child, while its container lives on', async () => {
    const { docker } = paging;
    const script = 'tail /dev/zero; sleep 1000000';
    await docker.run(...words(`--name leaky ${LITTLE_MEMORY}`), LAB_IMAGE, 'sh', '-c', script);
    await expectPageFor('leaky');
    expect(await docker.cli('inspect', '-f', '{{.State.Running}}', 'leaky')).toBe('true');
  });

  test('once: the count of the host is not told besides', async () => {
    const { alertmanager, receiver } = paging;
    const states = await alertmanager.alerts();
    const ofHost = states.find(({ labels }) => labels['alertname'] === 'IsolationHostOOMKill');
    expect(ofHost?.status.state).toBe('suppressed');
    const paths = (await receiver.received()).filter(({ alerts }) =>
      alerts.some((alert) => isLike(alert, { alertname: 'IsolationHostOOMKill' })),
    );
    expect(paths).toEqual([]);
  });

  test('as does one outside of containers, though containers were killed before', async () => {
    const { exporter, notified } = paging;
    const name = `isolation-exporter-page-${process.pid}`;
    try {
      // A shell that stays in the cgroup as long as its child. The child enters the cgroup by itself.
      await machine.run(`
        cd /sys/fs/cgroup/memory 2>/dev/null || cd /sys/fs/cgroup
        mkdir ${name}
        for limit in memory.limit_in_bytes memory.memsw.limit_in_bytes memory.max; do
          if [ -e ${name}/$limit ]; then echo 16777216 > ${name}/$limit; fi
        done
        if [ -e ${name}/memory.swap.max ]; then echo 0 > ${name}/memory.swap.max; fi
        bash -c 'echo $$ > ${name}/cgroup.procs; tail /dev/zero; true'`);
      const page = await notified('/pager', { alertname: 'IsolationOOMKillUnattributed' });
      expect(page.labels['instance']).toBe(exporter.address);
    } finally {
      await removeCgroups(machine, name);
    }
  });

  return () => paging;
}
