import { readFileSync } from 'node:fs';
import type { Exporter } from '../lab/exporter.ts';
import type { KubernetesNode } from '../lab/kubelet.ts';
import { succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';

/** A sample with its time, if it has one, in ms since the Unix epoch. */
interface TimedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly at: number | undefined;
}

/** Families of which docs/from-cadvisor.md says that nothing differs, or nothing that the containers of the lab could show. */
const EQUAL = new Set([
  'container_cpu_usage_seconds_total',
  'container_memory_swap',
  'container_network_receive_bytes_total',
  'container_network_transmit_bytes_total',
  'container_spec_memory_limit_bytes',
  ...[
    ...readFileSync(new URL('../../docs/from-cadvisor.md', import.meta.url), 'utf8').matchAll(
      /^\| `(container_\w+)` \| [^|]* \| +\|$/gm,
    ),
  ].map(([, name]) => name),
]);

/** Labels that only say again which container it is, or that the kubelet does not have. */
const OTHER_LABELS = new Set(['id', 'name', 'image', 'cpu']);

/** What was compared, and what differs. */
export interface Comparison {
  readonly differences: readonly string[];
  /** The families that were compared. */
  readonly families: readonly string[];
}

/** How often to compare. A gauge may have moved and come back between the two readings. */
const ROUNDS = 3;

/** Compares what the exporter and the kubelet serve. What differs does so in each of several rounds. */
export async function compare(node: KubernetesNode, exporter: Exporter): Promise<Comparison> {
  let { differences, families } = await compareOnce(node, exporter);
  for (let round = 1; round < ROUNDS && differences.size > 0; round += 1) {
    const again = await compareOnce(node, exporter);
    differences = new Map([...again.differences].filter(([key]) => differences.has(key)));
    ({ families } = again);
  }
  return { differences: [...differences.values()], families };
}

/**
 * Compares the exporter at `/metrics/cadvisor` with what the kubelet serves at `/metrics/cadvisor` and `/metrics/resource`. The kubelet's
 * samples were taken between two readings of the exporter: counters must be between them, and everything that stood still must be equal.
 */
async function compareOnce(
  node: KubernetesNode,
  exporter: Exporter,
): Promise<Pick<Comparison, 'families'> & { readonly differences: ReadonlyMap<string, string> }> {
  const read = async () =>
    samplesIn(await succeed(node.machine, `curl -sS --fail -m 300 http://${exporter.address}/metrics/cadvisor`));
  const before = byKey(await read());
  const since = Number(await succeed(node.machine, 'date +%s%3N'));
  let theirs: readonly TimedSample[] = [];
  // cAdvisor looks at a container from time to time. Its samples say when that was, but those of limits do not.
  await within(node.machine, 'later values of the kubelet', async () => {
    const answers = [await node.get('/metrics/cadvisor'), await node.get('/metrics/resource')];
    theirs = answers.flatMap(samplesIn).filter((sample) => EQUAL.has(sample.name) && isCompared(sample));
    return theirs.length > 0 && theirs.every(({ at }) => at === undefined || at > since);
  });
  const after = byKey(await read());
  const differences = new Map<string, string>();
  for (const sample of theirs) {
    const key = keyOf(sample);
    const [low, high] = [before.get(key)?.value, after.get(key)?.value];
    if (low === undefined || high === undefined) {
      differences.set(key, `${key}: ${sample.value}, not exported`);
      continue;
    }
    const isSo = low === high || sample.name.endsWith('_total') ? low <= sample.value && sample.value <= high : true;
    if (!isSo) differences.set(key, `${key}: ${sample.value}, exported as ${low} and ${high}`);
  }
  return { differences, families: [...new Set(theirs.map(({ name }) => name))].toSorted() };
}

function byKey(samples: readonly TimedSample[]): ReadonlyMap<string, TimedSample> {
  return new Map(samples.map((sample) => [keyOf(sample), sample]));
}

function keyOf({ name, labels }: TimedSample): string {
  const own = Object.entries(labels).filter(([label, value]) => !OTHER_LABELS.has(label) && value !== '');
  return `${name} ${own
    .map(([label, value]) => `${label}=${value}`)
    .toSorted()
    .join(' ')}`;
}

/** Leaves out the cgroups of pods, pauses and what is no pod at all, but not the network of a pod. */
const isCompared = ({ labels }: TimedSample): boolean =>
  labels['interface'] === 'eth0' || !['', 'POD', undefined].includes(labels['container']);

/** The tests' parser of expositions refuses times, which ours never have. */
function samplesIn(text: string): readonly TimedSample[] {
  return [...text.matchAll(/^(\w+)\{(.*)\} (\S+)(?: (\d+))?$/gm)].map(([, name = '', labels = '', value, at]) => ({
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text_ = '']) => [label, text_]),
    ),
    value: Number(value),
    at: at === undefined ? undefined : Number(at),
  }));
}
