import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { describeNode, KubernetesNode, type NodeOptions } from '../lab/kubelet.ts';
import type { Part } from '../lab/parts.ts';
import { within } from './docker-containers.ts';
import { alertsOnLimits, runAlerts } from './kubelet-alerts.ts';
import { CONFINED, everyContainerIsShown, type Lab, lineOf, PODS, shown } from './kubelet-containers.ts';
import { compare } from './kubelet-metrics.ts';
import { endsOfContainers } from './kubelet-ends.ts';
import { runShipped, shippedPodIsConfined, shippedPodWorks } from './kubelet-shipped.ts';
import { runningOn, untilRunning } from './node-containers.ts';
import type { LabPod } from './node-pods.ts';
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
    const shipped = runShipped(lab, image);
    shippedPodWorks(lab, shipped, ['cgroup_watch', 'host_namespaces', 'kubelet_logs', 'vmstat']);
    shippedPodIsConfined(lab, shipped);
    const alerts = runAlerts(lab, shipped);
    alertsOnLimits(lab, shipped, alerts);
    endsOfContainers(lab, alerts);
  });

  describe.each([
    ['cri', ['kubelet_logs', 'cri']],
    ['kmsg', ['kubelet_logs', 'kmsg']],
  ])('with the shipped pod of the overlay %s', (overlay, sources) => {
    shippedPodWorks(lab, runShipped(lab, image, `overlays/${overlay}`), sources);
  });

  test("values are those of the kubelet's own metrics", async () => {
    const { node, byCri } = lab();
    const { differences, families } = await compare(node, byCri);
    expect(differences).toEqual([]);
    expect(families).toEqual(expect.arrayContaining(COMPARED));
  });

  test('restarts of the kubelet and of containerd change nothing', async () => {
    const { node, blind, byCri } = lab();
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
