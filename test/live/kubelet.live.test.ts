import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { describeNode, KubernetesNode, type NodeOptions } from '../lab/kubelet.ts';
import { quote, succeed } from '../lab/machine.ts';
import type { PlatformOfSuite } from '../platforms/platforms-table.ts';
import { within } from './docker-containers.ts';
import { compare } from './kubelet-metrics.ts';
import { type NodeContainer, runningOn, untilRunning } from './node-containers.ts';
import { CLASSES, KINDS, type LabPod, LEAKY, LOOP } from './node-pods.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** `npm run platforms` makes a line of docs/platforms.md of it. */
    platform?: PlatformOfSuite;
  }
}

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 10_800_000 });

const PODS = [...CLASSES, ...KINDS];
const ENGINE = 'containerd';
/** Some of what the kubelet and the exporter both have. */
const COMPARED = [
  'container_cpu_cfs_throttled_periods_total',
  'container_cpu_usage_seconds_total',
  'container_memory_rss',
  'container_memory_usage_bytes',
  'container_memory_working_set_bytes',
  'container_spec_cpu_quota',
];
/** As the unit does: no root, two capabilities. */
const CONFINED = (command: string): string =>
  `exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all,+sys_ptrace,+syslog \
    --inh-caps=-all,+sys_ptrace,+syslog --ambient-caps=-all,+sys_ptrace,+syslog ${command}`;

describeNode('a node of Kubernetes with runc and the systemd driver', () => {
  const lab = nodeWith({ runtime: 'runc', cgroupDriver: 'systemd' }, PODS);
  everyContainerIsShown(lab);

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
    const samples = await blind.scrape();
    expect(samples.value('isolation_container_oom_events_total', whose)).toBe(1);
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

describeNode('a node of Kubernetes with crun and the cgroupfs driver', () => {
  everyContainerIsShown(nodeWith({ runtime: 'crun', cgroupDriver: 'cgroupfs' }, PODS));
});

interface Lab {
  readonly node: KubernetesNode;
  /** Has no socket, no root, and the names of log files. */
  readonly blind: Exporter;
  /** Asks the runtime. */
  readonly byCri: Exporter;
}

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

function everyContainerIsShown(lab: () => Lab): void {
  test('every container has its names, without any socket and by CRI', async ({ task }) => {
    const { node, blind, byCri } = lab();
    task.meta.platform = await node.platform();
    const expected = (await runningOn(node)).map(lineOf);
    expect(expected).toHaveLength(PODS.flatMap((pod) => Object.keys(pod.expected)).length);
    for (const exporter of [blind, byCri]) {
      await within(
        node.machine,
        expected.join(),
        async () => shown(await exporter.scrape()).join() === expected.join(),
      );
    }
    const [samples, more] = [await blind.scrape(), await byCri.scrape()];
    // A pause has no log: it is shown by id, under the names of its pod. The runtime knows which it is.
    expect(samples.value('isolation_containers', { engine: ENGINE })).toBe(expected.length + PODS.length);
    expect(more.value('isolation_containers', { engine: ENGINE })).toBe(expected.length);
    expect(more.value('isolation_containers_without_cgroup', { source: 'cri' })).toBe(0);
    expect(samples.value('isolation_source_up', { source: 'kubelet_logs' })).toBe(1);
    for (const pod of new Set(pauses(samples).map(({ labels }) => labels['pod'])))
      expect(PODS.map(({ manifest }) => `${manifest.metadata?.name}-node-1`)).toContain(pod);
  });

  test('limits are those of the cgroups and of the manifests', async () => {
    const { node, blind } = lab();
    const samples = await blind.scrape();
    for (const container of await runningOn(node)) {
      const { namespace, pod, container: name, limits } = container;
      const value = (metric: string) =>
        samples.value(`isolation_container_${metric}`, { namespace, pod, container: name });
      const { memory, cpu } = expectedOf(container);
      const seen = {
        memory: value('memory_limit_bytes'),
        ownMemory: value('memory_own_limit_bytes'),
        cpu: value('cpu_limit_cores'),
        pids: value('pids_limit'),
        memoryLimited: value('memory_limited'),
        cpuLimited: value('cpu_limited'),
      };
      expect(seen, lineOf(container)).toEqual({
        ...limits,
        memoryLimited: memory === undefined ? 0 : 1,
        cpuLimited: cpu === undefined ? 0 : 1,
      });
      expect(limits.cpu).toBe(cpu);
      // The kubelet limits all pods together, to less than the machine has.
      if (memory === undefined) expect(limits.memory).toBeGreaterThan(2 ** 30);
      else expect(limits.memory).toBe(memory);
      const finding = (of: string) =>
        samples.value('isolation_container_finding', { namespace, pod, container: name, finding: of });
      expect(finding('memory_unlimited')).toBe(memory === undefined ? 1 : undefined);
      expect(finding('cpu_unlimited')).toBe(cpu === undefined ? 1 : undefined);
    }
  });

  test('levels, findings and namespaces are those of the manifests and of the kernel', async () => {
    const { node, blind } = lab();
    const samples = await blind.scrape();
    for (const container of await runningOn(node)) {
      const { namespace, pod, container: name, hostNamespaces } = container;
      const whose = { namespace, pod, container: name };
      const { level, findings } = expectedOf(container);
      expect(
        {
          level: samples.value('isolation_container_isolation_level', whose),
          certain: samples.value('isolation_container_isolation_level_certain', whose),
          findings: findingsOf(samples, whose),
        },
        lineOf(container),
      ).toEqual({ level, certain: 1, findings });
      for (const [ns, isHosts] of Object.entries(hostNamespaces))
        expect(
          samples.value('isolation_container_host_namespace', { ...whose, ns }),
          `${lineOf(container)} ${ns}`,
        ).toBe(isHosts ? 1 : 0);
    }
  });

  test('the traffic of a pod is shown once, for the pod', async () => {
    const { node, byCri } = lab();
    const pid = (await runningOn(node)).find(({ pod }) => pod === 'guaranteed-node-1')?.pid;
    const received = async () =>
      Number(await succeed(node.machine, `awk '$1 == "eth0:" { print $2 }' /proc/${pid}/net/dev`));
    await succeed(node.machine, `nsenter --net=/proc/${pid}/ns/net /bin/busybox ping -c 1 10.88.0.1`);
    const before = await received();
    const samples = await byCri.scrape();
    const after = await received();
    const all = samples.all.filter(
      ({ name, labels }) =>
        name === 'isolation_container_network_receive_bytes_total' && labels['interface'] === 'eth0',
    );
    const of = all.filter(({ labels }) => labels['pod'] === 'guaranteed-node-1');
    expect(of.map(({ labels }) => labels)).toEqual([
      { engine: ENGINE, namespace: 'shop', pod: 'guaranteed-node-1', interface: 'eth0' },
    ]);
    expect(before).toBeGreaterThan(0);
    expect(of[0]?.value).toBeGreaterThanOrEqual(before);
    expect(of[0]?.value).toBeLessThanOrEqual(after);
    // All but the one in the host's network.
    expect(all).toHaveLength(PODS.length - 1);
  });

  test('scan names all of them without any socket', async () => {
    const { node } = lab();
    const command = quote(
      process.execPath,
      'dist/cli.js',
      'scan',
      '--output=json',
      '--docker.host=',
      '--podman.host=',
      '--cri.endpoint=',
    );
    const script = `cd ${quote(process.cwd())} && (${CONFINED(command)}) || test $? = 1`;
    const { containers } = JSON.parse(await succeed(node.machine, script)) as {
      readonly containers: readonly Readonly<Record<string, string>>[];
    };
    const named = containers.filter(({ id, container }) => !id?.startsWith(container ?? ''));
    expect(
      named
        .map(({ namespace, pod, container, id, namedBy }) => `${namespace}/${pod}/${container} ${id} ${namedBy}`)
        .toSorted(),
    ).toEqual((await runningOn(node)).map((container) => `${lineOf(container)} kubelet_logs`));
  });
}

const names = async (node: KubernetesNode) => (await runningOn(node)).map(lineOf);

const lineOf = ({ namespace, pod, container, id }: NodeContainer): string => `${namespace}/${pod}/${container} ${id}`;

/** All containers with a name, sorted. */
function shown(samples: Samples): readonly string[] {
  return samples.all
    .filter(({ name, labels }) => name === 'isolation_container_info' && !isById(labels))
    .map(({ labels }) => `${labels['namespace']}/${labels['pod']}/${labels['container']} ${labels['id']}`)
    .toSorted();
}

const pauses = (samples: Samples) =>
  samples.all.filter(({ name, labels }) => name === 'isolation_container_info' && isById(labels));

const isById = (labels: Readonly<Record<string, string>>): boolean =>
  labels['id']?.startsWith(labels['container'] ?? '') === true;

function findingsOf(samples: Samples, whose: Readonly<Record<string, string>>): readonly string[] {
  const isWhose = (labels: Readonly<Record<string, string>>) =>
    Object.entries(whose).every(([name, value]) => labels[name] === value);
  return samples.all
    .filter(({ name, labels }) => name === 'isolation_container_finding' && isWhose(labels))
    .filter(({ labels }) => /critical|high|medium/.test(labels['severity'] ?? ''))
    .map(({ labels }) => labels['finding'] ?? '')
    .filter((finding) => finding !== 'memory_unlimited' && finding !== 'pids_unlimited')
    .toSorted();
}

function expectedOf({ pod, container }: NodeContainer): LabPod['expected'][string] {
  const found = PODS.find(({ manifest }) => `${manifest.metadata?.name}-node-1` === pod)?.expected[container];
  if (found === undefined) throw new Error(`No pod of the lab has ${pod}/${container}`);
  return found;
}
