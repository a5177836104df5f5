import type { CgroupScope } from '../container.ts';
import { ECS_TASK_PATH, ECS_TASK_SLICE, POD, PODMAN_POD_SLICE } from './cgroup-patterns.ts';
import { nameOf, parentOf } from '../kernel/paths.ts';

/** A kind of parent cgroup that belongs to one container or to one pod, and to nobody else. */
interface PrivateParent {
  readonly scope: Exclude<CgroupScope, 'container' | 'shared'>;
  /** The parent's name; any if not given. */
  readonly name?: RegExp;
  /** The parent's whole path; any if not given. */
  readonly path?: RegExp;
  /** The name of the cgroup in it that the container is, or is in; any if not given. */
  readonly child?: RegExp;
}

/** Units that run more than one container: the user's service manager, and login sessions. */
const OWN_UNIT = /^(?!user@\d+\.service$|session-)[^/]+\.(?:service|scope)$/;

/** All known kinds. Each row follows an example of its path. */
const PRIVATE_PARENTS: readonly PrivateParent[] = [
  // /kubepods/burstable/pod<uid>/<id>; /kubepods.slice/…/kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope
  { scope: 'pod', name: POD },
  // /machine.slice/machine-libpod_pod_<id>.slice/libpod-<id>.scope, rootless: user-libpod_pod_<id>.slice
  { scope: 'pod', name: PODMAN_POD_SLICE, child: /^libpod-/ },
  // /libpod_parent/<pod id>/libpod-<id>; podman pod create --cgroup-parent=/batch: /batch/<pod id>/libpod-<id>
  { scope: 'pod', name: /^[0-9a-f]{64}$/, child: /^libpod-[0-9a-f]{64}$/ },
  // /ecs/<task>/<id>; /ecs/<cluster>/<task>/<id>
  { scope: 'task', path: ECS_TASK_PATH },
  // /ecstasks.slice/ecstasks-<task>.slice/docker-<id>.scope
  { scope: 'task', name: ECS_TASK_SLICE },
  // /system.slice/web.service/libpod-payload-<id>: a quadlet, or podman run --cgroups=split in a unit
  { scope: 'unit', name: OWN_UNIT, child: /^libpod-payload-[0-9a-f]{64}$/ },
  // /system.slice/ns-run.service/payload: systemd-nspawn --keep-unit
  { scope: 'unit', name: OWN_UNIT, child: /^payload$/ },
  // /user.slice/…/run-r12.scope/lxc.payload.c1: systemd-run --scope lxc-start; /system.slice/lxc@c1.service/lxc.payload.c1
  { scope: 'unit', name: /^(?:(?!session-).+\.scope|lxc@.+\.service)$/s, child: /^lxc\.payload\.[^/]+$/ },
];

/**
 * Finds the cgroups above a container's that belong to it or to its pod alone, the nearest first: most have none or one.
 * All others above are shared: QoS classes, `kubepods`, slices, `docker`, a `--cgroup-parent`, the cgroup of a container
 * around this one. The path alone decides, so it works with any prefix (kind, minikube, rootless engines).
 *
 * @param path the container's own cgroup.
 */
export function privateParentsOf(path: string): readonly CgroupScope[] {
  const scopes: CgroupScope[] = [];
  let child = path;
  for (;;) {
    const parent = parentOf(child);
    const scope = scopeOf(parent, nameOf(child));
    if (scope === undefined) return scopes;
    scopes.push(scope);
    child = parent;
  }
}

function scopeOf(parent: string, child: string): CgroupScope | undefined {
  if (parent === '') return undefined;
  const parentName = nameOf(parent);
  // kubepods-pod<uid>.slice:cri-containerd:<id> is a container, even with cgroups inside.
  if (parentName.includes(':')) return undefined;
  return PRIVATE_PARENTS.find(
    ({ name, path, child: inside }) =>
      (name?.test(parentName) ?? true) && (path?.test(parent) ?? true) && (inside?.test(child) ?? true),
  )?.scope;
}

/** Cgroups that a runtime creates directly inside the container's own, and in which it starts all processes. */
const RUNTIME_CGROUPS: readonly RegExp[] = [
  // /machine.slice/libpod-<id>.scope/container: crun
  /\.scope\/container$/,
  // /machine.slice/systemd-nspawn@m3.service/payload; /machine.slice/m1.scope/payload
  /\.(?:service|scope)\/payload$/,
  // /lxc/101/ns: LXC on Proxmox
  /(?:^|\/)lxc\/[^/]+\/ns$/,
  // /machine.slice/machine-lxc\x2d12\x2dc1.scope/libvirt
  /\.scope\/libvirt$/,
];

/**
 * Whether the runtime created a cgroup directly inside the container's own. Its limits are the container's: some
 * releases of crun (1.8) set the memory and CPU limits only there. Limits of other cgroups inside do not count.
 */
export function isRuntimeCgroup(path: string): boolean {
  return RUNTIME_CGROUPS.some((pattern) => pattern.test(path));
}
