import type { CgroupMatch, Undecided } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { type CgroupIdentity, confirmed, identifyCgroup } from './cgroup-path.ts';
import { pidsOfContainer } from './container-pids.ts';
import { isOfJailer } from './jailer.ts';
import { runtimeOf } from './runtime.ts';
import { runtimeByState } from './runtime-state.ts';
import { lxcNameOf, withoutSuffix } from './lxc-name.ts';
import { commandLineOfEngine, isStarting, MOST_PROCESSES, type Shim, shimOf } from './shim.ts';
import type { HostRoot } from '../kernel/host-root.ts';
import { nameOf, parentOf } from '../kernel/paths.ts';

/**
 * The engine that uses a containerd namespace. All other namespaces belong to clients of containerd: ctr, nerdctl, the
 * kubelet.
 */
const ENGINE_BY_NAMESPACE: Readonly<Record<string, string>> = { moby: 'docker', garden: 'garden' };

/** The result for a cgroup with an ambiguous path. */
export type Settled =
  | CgroupIdentity
  /** The cgroup is not a container. */
  | undefined
  /** There is no witness yet. */
  | Undecided['because'];

/** The engine that lists a container with this id. */
export type EngineOf = (id: string) => string | undefined;

/** Witnesses besides the kernel. */
export interface OtherWitnesses {
  readonly engineOf?: EngineOf;
  readonly hostRoot?: HostRoot;
}

/**
 * Resolves an ambiguous path: whether it is a container, and of which engine. The evidence is in the cgroup: the parent
 * of its processes, or the cgroups that its engine creates. A guessed engine is replaced by the one that lists the id.
 *
 * @throws the system error if a missing privilege hides the processes.
 */
export function settle(kernel: KernelFiles, identity: CgroupIdentity, others: OtherWitnesses = {}): Settled {
  const { candidate, cgroup, engineGuessed } = identity;
  if (candidate === 'payload') {
    if (hasChild(kernel, cgroup, 'payload') || isRunByNspawn(kernel, cgroup)) return confirmed(identity);
    return ofContainerd(kernel, identity) ?? 'unconfirmed';
  }
  if (candidate === 'supervisor') {
    return hasChild(kernel, parentOf(cgroup), 'supervisor') ? confirmed(identity) : undefined;
  }
  if (identity.engine === 'lxc' && !identity.infra) return settleByMonitor(kernel, identity);
  return candidate === 'shim' || engineGuessed === true ? settleByShim(kernel, identity, others) : identity;
}

/**
 * A container of LXC keeps its name if LXC has numbered its cgroup. It does so only if there is one without the number, so another
 * container that is called so is not kept waiting for its monitor.
 */
function settleByMonitor(kernel: KernelFiles, identity: CgroupIdentity): Settled {
  const { cgroup } = identity;
  const unnumbered = withoutSuffix(nameOf(cgroup));
  if (unnumbered === undefined) return identity;
  const pids = pidsOfContainer(kernel, kernel.cgroup(cgroup));
  const id = lxcNameOf(kernel, pids, identity);
  if (id !== undefined) return { ...identity, id };
  if (!hasChild(kernel, parentOf(cgroup), unnumbered)) return identity;
  return pids.length === 0 ? 'empty' : 'unconfirmed';
}

/** A client of containerd can choose machined's slice: `ctr run --runc-systemd-cgroup --cgroup machine.slice:prefix:id`. */
function ofContainerd(kernel: KernelFiles, identity: CgroupIdentity): CgroupIdentity | undefined {
  const { cgroup } = identity;
  const shim = shimOf(kernel, pidsOfContainer(kernel, kernel.cgroup(cgroup)), cgroup);
  return shim !== undefined && isFor(shim, identity)
    ? { ...confirmed(identity), engine: ENGINE_BY_NAMESPACE[shim.namespace] ?? 'containerd', id: shim.id }
    : undefined;
}

/** On cgroup v1, and with some options on v2, systemd-nspawn is in the cgroup of the container that it runs. */
function isRunByNspawn(kernel: KernelFiles, cgroup: string): boolean {
  return kernel
    .cgroup(cgroup)
    .processes()
    .slice(0, MOST_PROCESSES)
    .some((pid) => {
      const words = commandLineOfEngine(kernel, { pid, cgroup, isName: /^systemd-nspawn/ });
      return /^(?:[^\0]*\/)?systemd-nspawn\0/.test(words);
    });
}

function settleByShim(kernel: KernelFiles, identity: CgroupIdentity, others: OtherWitnesses): Settled {
  if (isPodOfPodman(kernel, identity)) return undefined;
  const { engineOf = () => undefined, hostRoot = () => undefined } = others;
  const listedBy = withListedEngine(identity, engineOf);
  if (listedBy !== undefined) return listedBy;
  const pids = pidsOfContainer(kernel, kernel.cgroup(identity.cgroup));
  if (pids.length === 0) return 'empty';
  const shim = shimOf(kernel, pids, identity.cgroup);
  if (shim === undefined && identity.candidate !== undefined && isOfJailer(kernel, pids, identity.cgroup)) {
    return { ...confirmed(identity), engine: 'firecracker' };
  }
  if (shim === undefined) {
    const found = runtimeOf(kernel, pids, identity.cgroup) ?? runtimeByState(hostRoot, pids, identity.id);
    const ofRuntime = found && ofRuntimeAlone(identity, found);
    return ofRuntime ?? (isStarting(kernel, pids, identity.cgroup) ? 'starting' : 'unconfirmed');
  }
  if (identity.candidate !== undefined)
    return isFor(shim, identity) ? { ...confirmed(identity), id: shim.id } : undefined;
  return withEngine(identity, ENGINE_BY_NAMESPACE[shim.namespace] ?? 'containerd');
}

/** A container that somebody runs with a runtime alone. */
function ofRuntimeAlone(
  identity: CgroupIdentity,
  { engine, id }: Pick<CgroupMatch, 'engine' | 'id'>,
): CgroupIdentity | undefined {
  return isFor({ id }, identity) ? withEngine({ ...confirmed(identity), id }, engine) : undefined;
}

/** The container under the engine that lists it, if its engine was a guess so far; otherwise `undefined`. */
export function withListedEngine<Match extends CgroupMatch>(match: Match, engineOf: EngineOf): Match | undefined {
  const engine = match.engineGuessed === true ? engineOf(match.id) : undefined;
  return engine === undefined ? undefined : withEngine(match, engine);
}

function withEngine<Match extends CgroupMatch>(match: Match, engine: string): Match {
  const { engineGuessed: _, ...certain } = match;
  return { ...certain, engine } as Match;
}

/** The id of a shim or a runtime is the last name of the path, or the end of a scope's name. */
function isFor({ id }: Pick<Shim, 'id'>, { cgroup }: CgroupIdentity): boolean {
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
