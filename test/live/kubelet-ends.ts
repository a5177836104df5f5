import { expect, test } from 'vitest';
import type { Samples } from '../lab/exporter.ts';
import { succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';
import { nameIn } from './kubelet-alerts.ts';
import { ENGINE, type Lab, lineOf } from './kubelet-containers.ts';
import type { NodeAlerts } from './node-alerts.ts';
import { runningOn } from './node-containers.ts';
import { LEAKY, LOOP } from './node-pods.ts';

/** A container that ends and is started again goes on as one series, and somebody hears of it. */
export function endsOfContainers(lab: () => Lab, alerts: () => NodeAlerts): void {
  const end = async (pod: string) => {
    const { node } = lab();
    await node.remove(pod);
    const names = async () => (await runningOn(node)).map(lineOf);
    await within(node.machine, `the end of ${pod}`, async () => !(await names()).some((name) => name.includes(pod)));
  };
  const statusOf = async (pod: string) =>
    (await lab().node.pods()).find(({ metadata }) => metadata.name === pod)?.status.containerStatuses?.[0];

  test('starts of a container in a crash loop are one growing number, and become a ticket', async () => {
    const { node, blind } = lab();
    const ofOther = { namespace: 'shop', pod: 'hardened-node-1', container: 'app' };
    const before = (await blind.scrape()).value('isolation_container_starts_total', ofOther);
    expect(before).toBeGreaterThanOrEqual(1);
    await node.apply(LOOP.manifest);
    const whose = { namespace: 'shop', pod: 'loop-node-1', container: 'app' };
    const ofLoop = (samples: Samples) =>
      samples.all.filter(
        ({ name, labels }) => name === 'isolation_container_starts_total' && labels['pod'] === whose.pod,
      );
    const restarts = async () => (await statusOf(whose.pod))?.restartCount ?? 0;
    await within(node.machine, 'four restarts', async () => (await restarts()) >= 4, 300_000);
    const ticket = await alerts().notified('/tickets', { alertname: 'IsolationContainerRestartsFrequent', ...whose });
    expect(ticket.annotations['description']).toContain('Container app of pod shop/loop-node-1 on node-1 was started ');
    expect((await alerts().firing('IsolationContainerRestartsFrequent')).map(nameIn)).toEqual(['shop/loop-node-1/app']);
    await end('loop');
    const samples = await blind.scrape();
    const [only, ...others] = ofLoop(samples);
    expect(others).toEqual([]);
    expect(only?.labels).toEqual({ engine: ENGINE, ...whose });
    expect(only?.value).toBeGreaterThanOrEqual(5);
    expect(samples.value('isolation_container_starts_total', ofOther)).toBe(before);
  });

  test('an OOM kill of a group is one event and one page, and the container goes on as the same series', async () => {
    const { node, blind } = lab();
    await node.apply(LEAKY.manifest);
    const whose = { namespace: 'shop', pod: 'leaky-node-1', container: 'app' };
    const restarted = async () => {
      const app = await statusOf(whose.pod);
      // Not its reason: containerd misses a kill in the first second of a container, and then the kubelet says "Error".
      return app?.lastState.terminated?.exitCode === 137 && app.state.running !== undefined;
    };
    await within(node.machine, 'its next life', restarted, 60_000);
    await within(node.machine, 'both starts', async () => {
      return (await blind.scrape()).value('isolation_container_starts_total', whose) === 2;
    });
    await within(node.machine, 'the event', async () => {
      return (await blind.scrape()).value('isolation_container_oom_events_total', whose) !== 0;
    });
    const samples = await blind.scrape();
    expect(samples.value('isolation_container_oom_events_total', whose), JSON.stringify(await blind.log())).toBe(1);
    // The kernel counts the one that it chose twice, and says so twice. Nothing else was killed in this guest.
    const killed = Number(await succeed(node.machine, "dmesg | grep -c 'Memory cgroup out of memory: Killed process'"));
    expect(killed).toBeGreaterThan(2);
    expect(samples.value('isolation_container_oom_kills_total', whose)).toBe(killed);
    expect(samples.value('isolation_container_memory_oom_group', whose)).toBe(1);
    const page = await alerts().notified('/pager', { alertname: 'IsolationContainerOOMKilled', ...whose });
    expect(page.annotations['description']).toContain('container app of pod shop/leaky-node-1 on node-1');
    expect((await alerts().firing('IsolationContainerOOMKilled')).map(nameIn)).toEqual(['shop/leaky-node-1/app']);
    expect(await alerts().firing('IsolationContainerOOMKillLoop')).toEqual([]);
    await end('leaky');
  });
}
