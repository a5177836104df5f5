import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Samples } from '../lab/exporter.ts';
import type { ContainerStatus } from '../lab/kubelet.ts';
import { within } from './docker-containers.ts';
import { type Lab, lineOf, PODS } from './kubelet-containers.ts';
import type { Shipped } from './kubelet-shipped.ts';
import { type NodeAlerts, startNodeAlerts } from './node-alerts.ts';
import { runningOn, untilRunning } from './node-containers.ts';
import { type LabPod, replaced, resized } from './node-pods.ts';
import { SHIPPED } from './shipped-pod.ts';

type Labels = Readonly<Record<string, string>>;

const MIB = 2 ** 20;
const NEAR_LIMIT = 'IsolationContainerMemoryNearLimit';

/** The way from the shipped pod through all shipped files to the pager, as long as the tests around it. */
export function runAlerts(lab: () => Lab, shipped: () => Shipped): () => NodeAlerts {
  let alerts: NodeAlerts | undefined;
  beforeAll(async () => {
    alerts = await startNodeAlerts(lab().node.machine, shipped().address);
  });
  afterAll(() => alerts?.[Symbol.asyncDispose]());
  return () => {
    if (alerts === undefined) throw new Error('Prometheus does not run');
    return alerts;
  };
}

/** What happens to limits of pods shows in the metrics and as alerts. */
export function alertsOnLimits(lab: () => Lab, shipped: () => Shipped, alerts: () => NodeAlerts): void {
  const statusOf = async (pod: string): Promise<ContainerStatus | undefined> =>
    (await lab().node.pods()).find(({ metadata }) => metadata.name === `${pod}-node-1`)?.status.containerStatuses?.[0];
  /** Both exporters. */
  const scrapes = async () => [await lab().blind.scrape(), await shipped().scrape()];
  const limitOf = (samples: Samples, pod: string) =>
    samples.value('isolation_container_memory_limit_bytes', { pod: `${pod}-node-1`, container: 'app' });
  const start = async (pod: LabPod) => {
    await lab().node.apply(pod.manifest);
    await untilRunning(lab().node, [pod]);
  };
  const end = async (...pods: readonly string[]) => {
    const { node } = lab();
    for (const pod of pods) await node.remove(pod);
    const isThere = async (pod: string) => (await names()).some((name) => name.includes(`/${pod}-node-1/`));
    for (const pod of pods) await within(node.machine, `the end of ${pod}`, async () => !(await isThere(pod)));
  };
  const names = async () => (await runningOn(lab().node)).map(lineOf);

  test.each(['Memory', 'CPU'] as const)(
    'the alert on a missing limit of %s fires for the containers without one, and for no other',
    async (what) => {
      const { node } = lab();
      const without = [...withoutLimit(what === 'Memory' ? 'memory' : 'cpu'), ...(what === 'CPU' ? [OWN] : [])];
      const expected = without.toSorted();
      expect(expected).toContain('default/besteffort-node-1/app');
      const firing = async () =>
        (await alerts().firing(`IsolationContainer${what}LimitMissing`)).map(nameIn).toSorted();
      await within(node.machine, expected.join(), async () => {
        const fires = await firing();
        return expected.every((name) => fires.includes(name));
      });
      expect(await firing()).toEqual(expected);
    },
  );

  test('a resize in place shows in the next scrape and in the alerts, and is no drift', async () => {
    const { node } = lab();
    const whose = { namespace: 'shop', pod: 'resized-node-1', container: 'app' };
    await start(resized('96Mi', '500m'));
    await within(node.machine, '80 MiB', async () => {
      return ((await shipped().scrape()).value('isolation_container_memory_usage_bytes', whose) ?? 0) > 80 * MIB;
    });
    // A container that still starts has no drift.
    await within(node.machine, 'its start to be over', async () => {
      const samples = await shipped().scrape();
      const now = samples.value('isolation_exporter_clock_timestamp_seconds') ?? NaN;
      return now - (samples.value('isolation_container_start_time_seconds', whose) ?? NaN) > 60;
    });
    const before = await statusOf('resized');
    const lives = (await scrapes()).map((samples) => livesOf(samples, whose));
    expect((await alerts().firing(NEAR_LIMIT)).map(nameIn)).toEqual([]);

    const resizeTo = async (memory: string, cpu: string) => {
      await node.apply(resized(memory, cpu).manifest);
      const isResized = async () => {
        const limits = (await statusOf('resized'))?.resources?.limits;
        return limits?.['memory'] === memory && limits['cpu'] === cpu;
      };
      await within(node.machine, `${memory} and ${cpu}`, isResized, 60_000);
      const all = await scrapes();
      for (const samples of all) {
        const value = (metric: string) => samples.value(`isolation_container_${metric}`, whose);
        expect([value('memory_limit_bytes'), value('memory_own_limit_bytes'), value('cpu_limit_cores')]).toEqual([
          Number.parseInt(memory, 10) * MIB,
          Number.parseInt(memory, 10) * MIB,
          Number.parseInt(cpu, 10) / 1000,
        ]);
      }
      expect(all.map((samples) => livesOf(samples, whose))).toEqual(lives);
      const { containerID, restartCount } = (await statusOf('resized')) ?? {};
      expect({ containerID, restartCount }).toEqual({ containerID: before?.containerID, restartCount: 0 });
    };
    const isNear = async () => (await alerts().firing(NEAR_LIMIT)).map(nameIn).includes('shop/resized-node-1/app');
    await resizeTo('86Mi', '750m');
    await within(node.machine, 'the alert', isNear);
    await resizeTo('128Mi', '250m');
    await within(node.machine, 'the end of the alert', async () => !(await isNear()));
    await end('resized');
  });

  test('a pod that the kubelet replaces for its new limit goes on as one series', async () => {
    const { node } = lab();
    await start(replaced('64Mi'));
    const before = await statusOf('replaced');
    await within(node.machine, 'the limit', async () =>
      (await scrapes()).every((samples) => limitOf(samples, 'replaced') === 64 * MIB),
    );
    await node.apply(replaced('96Mi').manifest);
    await within(
      node.machine,
      'the new limit',
      async () => (await scrapes()).every((samples) => limitOf(samples, 'replaced') === 96 * MIB),
      60_000,
    );
    expect((await statusOf('replaced'))?.containerID).not.toBe(before?.containerID);
    const whose = { namespace: 'shop', pod: 'replaced-node-1', container: 'app' };
    for (const samples of await scrapes()) {
      const { starts, series, drift } = livesOf(samples, whose);
      expect({ starts, series, drift }).toEqual({ starts: 2, series: 1, drift: [] });
    }
    await end('replaced');
  });
}

const OWN = `${SHIPPED}/${SHIPPED}-node-1/${SHIPPED}`;

/** The namespace, the pod and the container that an alert is about. */
export const nameIn = ({ namespace, pod, container }: Labels) => `${namespace}/${pod}/${container}`;

/** The containers of the lab's pods whose manifests set no such limit. */
function withoutLimit(which: 'memory' | 'cpu'): readonly string[] {
  return PODS.flatMap(({ manifest: { metadata }, expected }) =>
    Object.entries(expected)
      .filter(([, limits]) => limits[which] === undefined)
      .map(([container]) => `${metadata?.namespace}/${metadata?.name}-node-1/${container}`),
  );
}

/** What says whether a container is still the same, and how often it got worse. */
function livesOf(samples: Samples, whose: Labels) {
  const isOf = (labels: Labels) => Object.entries(whose).every(([name, value]) => labels[name] === value);
  const all = samples.all.filter(({ labels }) => isOf(labels));
  return {
    starts: samples.value('isolation_container_starts_total', whose),
    startTime: samples.value('isolation_container_start_time_seconds', whose),
    id: samples.labels('isolation_container_info', whose)?.get('id'),
    series: all.filter(({ name }) => name === 'isolation_container_memory_limit_bytes').length,
    drift: all.filter(({ name }) => name === 'isolation_container_drift_total').map(({ labels }) => labels['finding']),
  };
}
