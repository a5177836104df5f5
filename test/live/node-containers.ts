import type { KubernetesNode, PodStatus } from '../lab/kubelet.ts';
import { quote, succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';
import type { LabPod } from './node-pods.ts';

/** A container that runs: its names as the kubelet has them, and what the kernel says. */
export interface NodeContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly id: string;
  /** The first process in its cgroup. */
  readonly pid: number;
  /** Effective and own limits in bytes, cores and processes; `undefined` for none. */
  readonly limits: Readonly<Record<'memory' | 'ownMemory' | 'cpu' | 'pids', number | undefined>>;
  /** Whether each namespace is that of PID 1. */
  readonly hostNamespaces: Readonly<Record<string, boolean>>;
}

/** Waits until the kubelet reports that all containers of the pods run. */
export async function untilRunning(node: KubernetesNode, pods: readonly LabPod[]): Promise<void> {
  const wanted = pods
    .flatMap(({ manifest, expected }) =>
      Object.keys(expected).map((name) => `${manifest.metadata?.namespace}/${manifest.metadata?.name}-node-1/${name}`),
    )
    .toSorted();
  await within(
    node.machine,
    'all pods run',
    async () => {
      const all = await node.pods();
      const running = new Set(
        all.flatMap(namesOf).map(({ namespace, pod, container }) => `${namespace}/${pod}/${container}`),
      );
      const missing = wanted.filter((name) => !running.has(name));
      if (missing.length > 0) throw new Error(`${missing.join(', ')} not running: ${problemsOf(all)}`);
      return true;
    },
    120_000,
  );
}

/** All containers that run, sorted by their names. */
export async function runningOn(node: KubernetesNode): Promise<readonly NodeContainer[]> {
  const named = (await node.pods()).flatMap(namesOf).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  if (named.length === 0) return [];
  const facts = new Map<string, string[][]>();
  for (const line of (await succeed(node.machine, LOOK(named.map(({ id }) => id)))).split('\n')) {
    const [id = '', ...fields] = line.split('\t');
    facts.set(id, [...(facts.get(id) ?? []), fields]);
  }
  return named.map((names) => ({ ...names, ...factsOf(facts.get(names.id) ?? []) }));
}

const keyOf = (it: ReturnType<typeof namesOf>[number]): string => `${it.namespace}/${it.pod}/${it.container}`;

function namesOf({ metadata, status }: PodStatus) {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
    .filter(({ state }) => state.running !== undefined)
    .map(({ name, containerID = '' }) => ({
      namespace: metadata.namespace,
      pod: metadata.name,
      container: name,
      id: containerID.replace('containerd://', ''),
    }));
}

function problemsOf(pods: readonly PodStatus[]): string {
  return pods
    .flatMap(({ metadata, status }) => (status.containerStatuses ?? []).map((it) => ({ pod: metadata.name, ...it })))
    .filter(({ state }) => state.running === undefined)
    .map(({ pod, name, state }) => `${pod}/${name} ${JSON.stringify(state)}`)
    .join(', ');
}

/**
 * Prints a line for the first process of each container, with its namespaces, and one for each cgroup from that of the process up
 * to the root, with its limits.
 */
const LOOK = (ids: readonly string[]): string => `
  of() { local text=-; read -r text < "$1"; printf '\\t%s' "$text"; } 2> /dev/null
  host=$(cd /proc/1/ns && readlink mnt pid net ipc uts user cgroup | tr '\\n' ' ')
  for id in ${quote(...ids)}; do
    # crun puts the processes into a cgroup inside.
    for at in $(find /sys/fs/cgroup -type d -path "*$id*"); do
      read -r pid < $at/cgroup.procs && break
    done
    printf '%s\\tprocess\\t%s\\t%s\\t%s\\n' $id "$pid" "$host" "$(cd /proc/$pid/ns && readlink mnt pid net ipc uts user cgroup | tr '\\n' ' ')"
    while [ "$at" != /sys/fs/cgroup ]; do
      printf '%s\\tcgroup\\t%s' $id "$at"
      of $at/memory.max; of $at/cpu.max; of $at/pids.max
      echo
      at=\${at%/*}
    done
  done`;

const KINDS = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup'];

function factsOf(lines: readonly (readonly string[])[]): Pick<NodeContainer, 'pid' | 'limits' | 'hostNamespaces'> {
  const [, pid = '', host = '', own = ''] = lines.find(([kind]) => kind === 'process') ?? [];
  const hosts = host.split(' ');
  const owns = own.split(' ');
  const cgroups = lines.filter(([kind]) => kind === 'cgroup').map(([, ...fields]) => fields);
  const lowest = (limits: readonly (number | undefined)[]): number | undefined => {
    const known = limits.filter((limit) => limit !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  const limits = (column: number) => cgroups.map((fields) => limitIn(fields[column]));
  // Its own cgroup is the one right below that of the pod.
  const ownCgroup = cgroups.find(([at = '']) => /\/[^/]*[0-9a-f]{64}[^/]*$/.test(at));
  return {
    pid: Number(pid),
    limits: {
      memory: lowest(limits(1)),
      ownMemory: limitIn(ownCgroup?.[1]),
      cpu: lowest(limits(2)),
      pids: lowest(limits(3)),
    },
    hostNamespaces: Object.fromEntries(KINDS.map((kind, index) => [kind, hosts[index] === owns[index]])),
  };
}

/** A limit as its file has it: `max`, a number, or a quota and a period. */
function limitIn(text = 'max'): number | undefined {
  const [limit = '', period = '1'] = text.split(' ');
  return limit === 'max' || limit === '-' || limit === '' ? undefined : Number(limit) / Number(period);
}
