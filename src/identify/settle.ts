import type { KernelFiles } from '../kernel/kernel-files.ts';
import { type CgroupIdentity, confirmed, identifyCgroup } from './cgroup-path.ts';
import { pidsOfContainer } from './container-pids.ts';
import { isStarting, MOST_PROCESSES, type Shim, shimOf } from './shim.ts';
import { parentOf } from '../kernel/paths.ts';

/** The engine whose containerd has a namespace. Others are containerd's own clients: ctr, nerdctl, the kubelet. */
const ENGINE_BY_NAMESPACE: Readonly<Record<string, string>> = { moby: 'docker', garden: 'garden' };

/** The result for a cgroup with an ambiguous path. */
export type Settled =
  | CgroupIdentity
  /** It is not a container. */
  | undefined
  /** There is no witness yet: nothing runs in it, or nothing confirms it. */
  | 'later'
  /** The runtime is setting it up and will hand it over to the shim. */
  | 'starting';

/**
 * Resolves an ambiguous path: whether it is a container, and of which engine. The evidence is in the cgroup: the parent
 * of its processes, or the cgroups that its engine creates.
 *
 * @throws the system error if a missing privilege hides the processes.
 */
export function settle(kernel: KernelFiles, identity: CgroupIdentity): Settled {
  const { candidate, cgroup, engineGuessed } = identity;
  if (candidate === 'payload') {
    return hasChild(kernel, cgroup, 'payload') || isRunByNspawn(kernel, cgroup) ? confirmed(identity) : 'later';
  }
  if (candidate === 'supervisor') {
    return hasChild(kernel, parentOf(cgroup), 'supervisor') ? confirmed(identity) : undefined;
  }
  return candidate === 'shim' || engineGuessed === true ? settleByShim(kernel, identity) : identity;
}

/** On cgroup v1, and with some options on v2, systemd-nspawn is in the cgroup of the container that it runs. */
function isRunByNspawn(kernel: KernelFiles, cgroup: string): boolean {
  return kernel
    .cgroup(cgroup)
    .processes()
    .slice(0, MOST_PROCESSES)
    .some((pid) => /^(?:[^\0]*\/)?systemd-nspawn\0/.test(kernel.proc(`${pid}/cmdline`) ?? ''));
}

function settleByShim(kernel: KernelFiles, identity: CgroupIdentity): Settled {
  if (isPodOfPodman(kernel, identity)) return undefined;
  const pids = pidsOfContainer(kernel, kernel.cgroup(identity.cgroup));
  const shim = shimOf(kernel, pids, identity.cgroup);
  if (shim === undefined) return isStarting(kernel, pids, identity.cgroup) ? 'starting' : 'later';
  const { engineGuessed: _, ...certain } = confirmed(identity);
  if (identity.candidate !== undefined) return isFor(shim, identity) ? { ...certain, id: shim.id } : undefined;
  return { ...certain, engine: ENGINE_BY_NAMESPACE[shim.namespace] ?? 'containerd' };
}

/** The shim's id is the last name of the path, or the end of a scope's name. */
function isFor({ id }: Shim, { cgroup }: CgroupIdentity): boolean {
  return cgroup.endsWith(`/${id}`) || cgroup.endsWith(`-${id}.scope`);
}

/** Podman names a pod's cgroup with 64 hex digits and creates its containers below: `/batch/<pod>/libpod-<id>`. */
function isPodOfPodman(kernel: KernelFiles, { cgroup, engineGuessed }: CgroupIdentity): boolean {
  if (engineGuessed !== true) return false;
  return kernel
    .cgroup(cgroup)
    .children()
    .some((name) => identifyCgroup(`/${name}`)?.engine === 'podman');
}

function hasChild(kernel: KernelFiles, cgroup: string, name: string): boolean {
  return kernel.cgroup(cgroup).children().includes(name);
}
