import { expect, test } from 'vitest';
import type { Exporter, Samples } from '../lab/exporter.ts';
import type { KubernetesNode } from '../lab/kubelet.ts';
import { quote, succeed } from '../lab/machine.ts';
import type { PlatformOfSuite } from '../platforms/platforms-table.ts';
import { within } from './docker-containers.ts';
import { type NodeContainer, runningOn } from './node-containers.ts';
import { CLASSES, KINDS, type LabPod } from './node-pods.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** `npm run platforms` makes a line of docs/platforms.md of it. */
    platform?: PlatformOfSuite;
  }
}

/** The pods of each node. */
export const PODS = [...CLASSES, ...KINDS];
export const ENGINE = 'containerd';

/** As the unit does: no root, two capabilities. */
export const CONFINED = (command: string): string =>
  `exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all,+sys_ptrace,+syslog \
    --inh-caps=-all,+sys_ptrace,+syslog --ambient-caps=-all,+sys_ptrace,+syslog ${command}`;

/** A node with pods, and what watches it. */
export interface Lab {
  readonly node: KubernetesNode;
  /** Has no socket, no root, and the names of log files. */
  readonly blind: Exporter;
  /** Asks the runtime. */
  readonly byCri: Exporter;
}

/** What must hold on every node. */
export function everyContainerIsShown(lab: () => Lab): void {
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
    for (const { value } of [samples, more])
      expect(value('isolation_containers', { engine: ENGINE })).toBe(expected.length);
    expect(more.value('isolation_containers_without_cgroup', { source: 'cri' })).toBe(0);
    expect(samples.value('isolation_source_up', { source: 'kubelet_logs' })).toBe(1);
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
    const { containers } = await said<{ readonly containers: readonly Readonly<Record<string, string>>[] }>(
      node,
      'scan',
    );
    expect(
      containers
        .map(({ namespace, pod, container, id, namedBy }) => `${namespace}/${pod}/${container} ${id} ${namedBy}`)
        .toSorted(),
    ).toEqual((await runningOn(node)).map((container) => `${lineOf(container)} kubelet_logs`));
  });

  test('diagnose finds nothing wrong without any socket, and all named but the pauses', async () => {
    const { node } = lab();
    interface Check {
      readonly name: string;
      readonly status: string;
      readonly message: string;
    }
    const { checks } = await said<{ readonly checks: readonly Check[] }>(node, 'diagnose');
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    const running = (await runningOn(node)).length;
    expect(checks.find(({ name }) => name === 'kubelet logs')?.message).toContain(
      `it names ${running} of ${running + PODS.length} containers in pods; pause containers have no log`,
    );
  });
}

/** What a command prints as the unit's user without any socket. 1 only says that it found something. */
async function said<T>(node: KubernetesNode, command: string): Promise<T> {
  const words = [command, '--output=json', '--docker.host=', '--podman.host=', '--cri.endpoint='];
  const confined = CONFINED(quote(process.execPath, 'dist/cli.js', ...words));
  return JSON.parse(await succeed(node.machine, `cd ${quote(process.cwd())} && (${confined}) || test $? = 1`)) as T;
}

/** A container with all of its names. */
export const lineOf = ({ namespace, pod, container, id }: NodeContainer): string =>
  `${namespace}/${pod}/${container} ${id}`;

/** All containers, sorted. */
export function shown(samples: Samples): readonly string[] {
  return samples.all
    .filter(({ name }) => name === 'isolation_container_info')
    .map(({ labels }) => `${labels['namespace']}/${labels['pod']}/${labels['container']} ${labels['id']}`)
    .toSorted();
}

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
