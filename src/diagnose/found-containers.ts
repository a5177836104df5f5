import type { CgroupMatch } from '../container.ts';
import { walk } from '../discover/walk.ts';
import { mayHaveConmon } from '../engines/conmon-source.ts';
import { isInPodOfHost } from '../engines/kubelet-log-source.ts';
import { identifyCgroup } from '../identify/cgroup-path.ts';
import { classify } from '../identify/classify.ts';
import { findInit } from '../identify/init-process.ts';
import type { CgroupLayout } from '../kernel/cgroup-layout.ts';
import { isAbsence, toError } from '../kernel/errno.ts';
import { findHostNamespaces } from '../kernel/host-namespaces.ts';
import { findHostRoot, type HostRoot } from '../kernel/host-root.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';

/** The containers on this host, and how many can be inspected. */
export interface FoundContainers {
  /** How many, by engine. */
  readonly engines: Readonly<Record<string, number>>;
  readonly count: number;
  /** Those that engines gave them. */
  readonly ids: ReadonlySet<string>;
  /** Containers that the kubelet created, pause containers included. */
  readonly podContainers: readonly { readonly id: string; readonly podUid: string }[];
  /** Containers that Podman's monitors may name. */
  readonly podmanContainers: readonly { readonly id: string; readonly cgroup: string }[];
  /** Containers whose namespaces the kernel does not show. */
  readonly denied: number;
  /** Containers without a visible process. */
  readonly empty: number;
  /** The error for the first denied container. */
  readonly example: string | undefined;
  /** Cgroups that cannot be looked at. There may be containers in them. */
  readonly unseen: number;
  /** Cgroups that are neither a container nor inside one. Each may need a watch. */
  readonly otherCgroups: number;
}

/** The descriptor budget: enough for one container at a time. */
const DESCRIPTORS = 64;

/** Looks for containers once, as the daemon does. */
export function findContainers(procfs: string, layout: CgroupLayout): FoundContainers {
  const kernel = new KernelFiles({ procRoot: procfs, layout, descriptorBudget: DESCRIPTORS });
  const hostNamespaces = findHostNamespaces(procfs);
  const hostRoot: HostRoot = () => findHostRoot(kernel, hostNamespaces);
  const engines: Record<string, number> = {};
  const tally = { count: 0, denied: 0, empty: 0, otherCgroups: 0 };
  const ids = new Set<string>();
  const podContainers: { id: string; podUid: string }[] = [];
  const podmanContainers: { id: string; cgroup: string }[] = [];
  let example: string | undefined;
  const { root } = layout.discovery;
  const isMountPoint = (path: string): boolean => layout.mountPoints?.has(root, path) === true;
  const { directories, unseen } = walk(root, '', isMountPoint);
  for (const path of directories.keys()) {
    const match = containerAt(kernel, path, hostRoot);
    if (match === undefined && isOther(path)) tally.otherCgroups += 1;
    if (match === undefined || match.infra) continue;
    tally.count += 1;
    const { id, podUid } = match;
    ids.add(id);
    if (podUid !== undefined && isInPodOfHost(match)) podContainers.push({ id, podUid });
    if (mayHaveConmon(match)) podmanContainers.push({ id, cgroup: path });
    engines[match.engine] = (engines[match.engine] ?? 0) + 1;
    const seen = namespacesOf(kernel, path);
    if (seen === 'empty') tally.empty += 1;
    if (seen instanceof Error) {
      tally.denied += 1;
      example ??= seen.message;
    }
  }
  return { engines, ...tally, unseen: unseen.size, ids, podContainers, podmanContainers, example };
}

/** Whether a cgroup is neither a container nor inside one. */
function isOther(path: string): boolean {
  const identity = identifyCgroup(path);
  return identity === undefined || identity.candidate !== undefined;
}

function containerAt(kernel: KernelFiles, path: string, hostRoot: HostRoot): CgroupMatch | undefined {
  const found = classify(kernel, path, { hostRoot });
  return found === undefined || 'engine' in found ? found : found.otherwise;
}

function namespacesOf(kernel: KernelFiles, path: string): 'readable' | 'empty' | Error {
  const cgroup = kernel.cgroup(path);
  try {
    const init = findInit(kernel, cgroup);
    init?.files.close();
    return init === undefined ? 'empty' : (init.namespacesError ?? 'readable');
  } catch (error) {
    if (isAbsence(error)) return 'empty';
    return toError(error);
  } finally {
    cgroup.close();
  }
}
