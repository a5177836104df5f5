import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import type { KubernetesNode, PodStatus } from '../lab/kubelet.ts';
import { succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';
import { type Lab, lineOf, PODS, shown } from './kubelet-containers.ts';
import { type NodeContainer, runningOn } from './node-containers.ts';
import { SHIPPED, shippedPod } from './shipped-pod.ts';

const POD = `${SHIPPED}-node-1`;

/** The exporter as deploy/kubernetes runs it. */
export interface Shipped {
  /** Where Prometheus finds it: on the address of its pod. */
  readonly address: string;
  scrape(): Promise<Samples>;
}

/** Runs the pod of a kustomization on the node as long as the tests around it. */
export function runShipped(lab: () => Lab, archive: () => string, kustomization = 'base'): () => Shipped {
  let shipped: Shipped | undefined;

  beforeAll(async () => {
    const { node } = lab();
    await node.import(archive());
    await node.apply(await shippedPod(kustomization));
    try {
      await within(node.machine, 'it is ready', async () => (await statusOn(node))?.ready === true, 120_000);
    } catch (error) {
      throw new Error(`${JSON.stringify(await statusOn(node))}\n${await logOf(node)}`, { cause: error });
    }
    const { status } = (await podOn(node)) ?? {};
    const address = `${status?.podIP}:10061`;
    const scrape = async () => {
      const text = await succeed(node.machine, `curl -sS --fail -m 300 http://${address}/metrics`);
      return samplesOf(`${text}\n`);
    };
    shipped = { address, scrape };
  });
  afterAll(async () => {
    if (shipped === undefined) return;
    const { node } = lab();
    await node.remove(SHIPPED);
    await within(node.machine, 'its end', async () => (await podOn(node)) === undefined);
  });
  return () => {
    if (shipped === undefined) throw new Error('The exporter does not run');
    return shipped;
  };
}

/** The shipped pod sees all. @param sources those that it must have, and that must work. */
export function shippedPodWorks(lab: () => Lab, shipped: () => Shipped, sources: readonly string[]): void {
  test('the shipped pod names every container, and all of its collectors and sources work', async () => {
    const { node } = lab();
    const expected = (await runningOn(node)).map(lineOf);
    expect(expected).toContainEqual(expect.stringContaining(`${SHIPPED}/${POD}/${SHIPPED} `));
    await within(node.machine, expected.join(), async () => shown(await shipped().scrape()).join() === expected.join());
    const samples = await shipped().scrape();
    const failing = samples.all.filter(
      ({ name, value }) =>
        (name === 'isolation_scrape_collector_success' || name === 'isolation_source_up') && value !== 1,
    );
    expect(failing).toEqual([]);
    for (const source of sources) expect(samples.value('isolation_source_up', { source }), source).toBe(1);
    const exporters = samples.all.filter(({ name }) => name === 'isolation_container_runs_exporter');
    expect(exporters.map(({ labels }) => `${labels['namespace']}/${labels['pod']}/${labels['container']}`)).toEqual([
      `${SHIPPED}/${POD}/${SHIPPED}`,
    ]);
  });

  test('diagnose finds nothing wrong in the shipped pod', async () => {
    const { node } = lab();
    const { id } = await own(node);
    expect(await node.exec(id, 'node', 'dist/cli.js', 'diagnose')).toMatch(/All \d+ checks passed/);
  });
}

/** What the base allows the shipped pod, and that it costs no series. */
export function shippedPodIsConfined(lab: () => Lab, shipped: () => Shipped): void {
  test('the shipped pod shows of each container all that a unit on the node does', async () => {
    const { blind } = lab();
    const [ours, theirs] = [seriesOf(await shipped().scrape()), seriesOf(await blind.scrape())];
    expect(theirs.length).toBeGreaterThan(PODS.length * 20);
    expect(ours).toEqual(theirs);
  });

  test('the shipped pod has two capabilities, no way to more, and can write only its state', async () => {
    const { node } = lab();
    const { id, pid } = await own(node);
    const status = await succeed(node.machine, `cat /proc/${pid}/status`);
    // CAP_SYS_PTRACE is 19, CAP_SYSLOG 34.
    const two = (2n ** 19n + 2n ** 34n).toString(16).padStart(16, '0');
    for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(status).toContain(`${set}:\t${two}\n`);
    expect(status).toContain('NoNewPrivs:\t1\n');
    expect(status).toContain('Seccomp:\t2\n');
    const tried = await node.exec(
      id,
      'node',
      '-e',
      `for (const path of ['/app/it', '/host/sys/fs/cgroup/it', '/var/log/containers/it', '/var/lib/isolation-exporter/it'])
        try { fs.writeFileSync(path, ''); fs.rmSync(path); console.log('written'); } catch ({ code }) { console.log(code); }
      // The names of logs, and no log.
      const [log] = fs.readdirSync('/var/log/containers');
      try { fs.readFileSync('/var/log/containers/' + log); console.log('read'); } catch ({ code }) { console.log(code); }`,
    );
    expect(tried.split('\n')).toEqual(['EROFS', 'EROFS', 'EROFS', 'written', 'ENOENT']);
  });
}

/** What the shipped pod has written. */
const logOf = (node: KubernetesNode): Promise<string> => node.log(SHIPPED, POD);

async function podOn(node: KubernetesNode): Promise<PodStatus | undefined> {
  return (await node.pods()).find(({ metadata }) => metadata.namespace === SHIPPED && metadata.name === POD);
}

const statusOn = async (node: KubernetesNode) => (await podOn(node))?.status.containerStatuses?.[0];

async function own(node: KubernetesNode): Promise<NodeContainer> {
  const found = (await runningOn(node)).find(({ pod }) => pod === POD);
  if (found === undefined) throw new Error('The exporter does not run');
  return found;
}

/** The series of all containers of the lab's pods. */
function seriesOf(samples: Samples): readonly string[] {
  const pods = new Set(PODS.map(({ manifest }) => `${manifest.metadata?.name}-node-1`));
  return samples.all
    .filter(({ labels }) => pods.has(labels['pod'] ?? ''))
    .map(({ name, labels }) => `${name} ${JSON.stringify(Object.entries(labels).toSorted())}`)
    .toSorted();
}
