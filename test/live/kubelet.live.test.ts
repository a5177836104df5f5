import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { describeNode, KubernetesNode, type NodeOptions } from '../lab/kubelet.ts';
import { succeed } from '../lab/machine.ts';
import type { Part } from '../lab/parts.ts';
import { within } from './docker-containers.ts';
import { alertsOfPods } from './kubelet-alerts.ts';
import { CONFINED, ENGINE, everyContainerIsShown, type Lab, lineOf, PODS, shown } from './kubelet-containers.ts';
import { compare } from './kubelet-metrics.ts';
import { shippedPodWorks } from './kubelet-shipped.ts';
import { runningOn, untilRunning } from './node-containers.ts';
import { type LabPod, LEAKY, LOOP } from './node-pods.ts';
import { PARTS_OF_SHIPPED, shippedImage } from './shipped-pod.ts';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 10_800_000 });

/** Some of what the kubelet and the exporter both have. */
const COMPARED = [
  'container_cpu_cfs_throttled_periods_total',
  'container_cpu_usage_seconds_total',
  'container_memory_rss',
  'container_memory_usage_bytes',
  'container_memory_working_set_bytes',
  'container_spec_cpu_quota',
];

const WITH_ALERTS: readonly Part[] = [...PARTS_OF_SHIPPED, 'prometheus', 'alertmanager'];

describeNode('a node of Kubernetes with runc and the systemd driver', WITH_ALERTS, () => {
  // First: beside the guest it would take long.
  const image = shippedImage();
  const lab = nodeWith({ runtime: 'runc', cgroupDriver: 'systemd' }, PODS);
  everyContainerIsShown(lab);

  describe('with the shipped pod of the exporter', () => {
    alertsOfPods(lab, shippedPodWorks(lab, image));
  });

  test('starts of a container in a crash loop are one growing number', async () => {
    const { node, blind } = lab();
    const ofOther = { namespace: 'shop', pod: 'hardened-node-1', container: 'app' };
    const before = (await blind.scrape()).value('isolation_container_starts_total', ofOther);
    expect(before).toBeGreaterThanOrEqual(1);
    await node.apply(LOOP.manifest);
    const ofLoop = (samples: Samples) =>
      samples.all.filter(
        ({ name, labels }) => name === 'isolation_container_starts_total' && labels['pod'] === 'loop-node-1',
      );
    const restarts = async () =>
      (await node.pods()).find(({ metadata }) => metadata.name === 'loop-node-1')?.status.containerStatuses?.[0]
        ?.restartCount ?? 0;
    await within(node.machine, 'three restarts', async () => (await restarts()) >= 3, 120_000);
    await node.remove('loop');
    await within(node.machine, 'its end', async () => !(await names(node)).some((name) => name.includes('loop')));
    const samples = await blind.scrape();
    const [only, ...others] = ofLoop(samples);
    expect(others).toEqual([]);
    expect(only?.labels).toEqual({ engine: ENGINE, namespace: 'shop', pod: 'loop-node-1', container: 'app' });
    expect(only?.value).toBeGreaterThanOrEqual(4);
    expect(samples.value('isolation_container_starts_total', ofOther)).toBe(before);
  });

  test('an OOM kill of a group is one event, and the container goes on as the same series', async () => {
    const { node, blind } = lab();
    await node.apply(LEAKY.manifest);
    const whose = { namespace: 'shop', pod: 'leaky-node-1', container: 'app' };
    const restarted = async () => {
      const pod = (await node.pods()).find(({ metadata }) => metadata.name === 'leaky-node-1');
      const [app] = pod?.status.containerStatuses ?? [];
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
    await node.remove('leaky');
  });

  test("values are those of the kubelet's own metrics", async () => {
    const { node, byCri } = lab();
    const { differences, families } = await compare(node, byCri);
    expect(differences).toEqual([]);
    expect(families).toEqual(expect.arrayContaining(COMPARED));
  });

  test('restarts of the kubelet and of containerd change nothing', async () => {
    const { node, blind, byCri } = lab();
    await within(node.machine, 'the end of leaky', async () => !(await names(node)).some((it) => it.includes('leaky')));
    const before = await runningOn(node);
    const starts = async (exporter: Exporter) => {
      const samples = await exporter.scrape();
      return before.map(({ namespace, pod, container }) =>
        samples.value('isolation_container_starts_total', { namespace, pod, container }),
      );
    };
    const startsBefore = [await starts(blind), await starts(byCri)];
    for (const unit of ['containerd', 'kubelet'] as const) await node.restart(unit);
    const up = async () => (await byCri.scrape()).value('isolation_source_up', { source: 'cri' }) === 1;
    await within(node.machine, 'CRI answers again', up);
    expect(await runningOn(node)).toEqual(before);
    for (const exporter of [blind, byCri]) expect(shown(await exporter.scrape())).toEqual(before.map(lineOf));
    expect([await starts(blind), await starts(byCri)]).toEqual(startsBefore);
  });

  test('a pod that is deleted is gone, and the others stay', async () => {
    const { node, blind } = lab();
    await node.remove('besteffort');
    const left = (await runningOn(node)).filter(({ pod }) => pod !== 'besteffort-node-1');
    await within(node.machine, 'only the others', async () => {
      return shown(await blind.scrape()).join() === left.map(lineOf).join();
    });
    const samples = await blind.scrape();
    const isOfIt = ({ name, labels }: Samples['all'][number]) =>
      labels['pod'] === 'besteffort-node-1' && name === 'isolation_container_memory_usage_bytes';
    expect(samples.all.filter(isOfIt)).toEqual([]);
  });
});

describeNode('a node of Kubernetes with crun and the cgroupfs driver', [], () => {
  everyContainerIsShown(nodeWith({ runtime: 'crun', cgroupDriver: 'cgroupfs' }, PODS));
});

/** Starts a node, and the pods once exporters watch it. */
function nodeWith(options: NodeOptions, pods: readonly LabPod[]): () => Lab {
  let lab: Lab | undefined;
  let node: KubernetesNode | undefined;
  beforeAll(async () => {
    node = await KubernetesNode.start(options);
    const blind = await startExporter(node.machine, { flags: ['--docker.host='], script: CONFINED });
    const socket = '--cri.endpoint=unix:///run/containerd/containerd.sock';
    const cadvisor = ['--web.cadvisor-path=/metrics/cadvisor', '--web.cadvisor-labels=kubelet'];
    const byCri = await startExporter(node.machine, { flags: ['--docker.host=', socket, ...cadvisor] });
    lab = { node, blind, byCri };
    await node.apply(...pods.map(({ manifest }) => manifest));
    await untilRunning(node, pods);
  });
  // The guest ends with everything in it.
  afterAll(() => node?.[Symbol.asyncDispose]());
  return () => {
    if (lab === undefined) throw new Error('The node is not there');
    return lab;
  };
}

const names = async (node: KubernetesNode) => (await runningOn(node)).map(lineOf);
