import { statSync } from 'node:fs';
import { readText } from './read-text.ts';
import { missingAsUndefined } from './errno.ts';
import { MountPoints } from './mount-points.ts';
import { escapeOctal, type Mount, parseMountinfo } from './mountinfo.ts';
import { isAtOrBelow } from './paths.ts';

/** A mounted cgroup hierarchy: one for all controllers on v2, one for each controller (or a few) on v1. */
export interface Hierarchy {
  /** The directory it is mounted on, as this process sees it. */
  readonly root: string;
  /** The mounted cgroup: `/`, or that of the container in which the mount was made. */
  readonly mountRoot: string;
  readonly version: 1 | 2;
  /** `memory`, `cpu`, …; on v1 also `name=systemd`. */
  readonly controllers: readonly string[];
}

/** Where to read each controller. Each controller is in at most one hierarchy. */
export interface CgroupLayout {
  /** `hybrid`: controllers on v1 and a cgroup2 mount beside them (`/sys/fs/cgroup/unified`). */
  readonly version: 'v1' | 'v2' | 'hybrid';
  readonly hierarchies: readonly Hierarchy[];
  /**
   * The hierarchy for discovery: cgroup2 if it has the controllers, otherwise the v1 hierarchy with the fewest files that all
   * engines use.
   */
  readonly discovery: Hierarchy;
  /** The hierarchy of a controller; `undefined` if the kernel does not have it. */
  hierarchyOf(controller: string): Hierarchy | undefined;
  /** The cgroup2 hierarchy, also one without controllers: pressure files and `cgroup.events` live there. */
  readonly unified: Hierarchy | undefined;
  /** The mount points below the roots of hierarchies, which are not entered; `undefined`: there can be none. */
  readonly mountPoints?: MountPoints;
}

/** v1 hierarchies that every engine fills, those with the fewest files (and so inotify events) first. */
const V1_DISCOVERY_ORDER = ['pids', 'freezer', 'name=systemd', 'devices', 'cpuacct', 'cpu', 'memory'];

/** The default path of cgroups. */
const USUAL_ROOT = '/sys/fs/cgroup';

/** A mount table, and how to translate its paths. */
interface MountTable {
  read(): string | undefined;
  /** The path of the cgroups in the table. */
  readonly mountedAt: string;
  /** The path of the same directory for this process. */
  readonly visibleAt: string;
}

/**
 * Finds the cgroup hierarchies at and below `cgroupRoot` from the mount tables in `procRoot`. If a hierarchy is mounted several
 * times (with the same device number), the mount that shows most of it wins, then the one nearest to `cgroupRoot`.
 *
 * The mounts of this process come first: they are right on the host and in a container with the host's tree mounted elsewhere. If
 * none is below `cgroupRoot`, the table of PID 1 is used with `/sys/fs/cgroup` read as `cgroupRoot`, which supports a plain copy
 * of a host's trees. Only existing directories of that table count.
 *
 * @throws Error if no cgroup hierarchy is mounted there, or `procRoot` has no mount tables.
 */
export function findCgroupLayout(procRoot: string, cgroupRoot: string): CgroupLayout {
  const tableOf = (process: string, mountedAt: string): MountTable => ({
    read: () => missingAsUndefined(() => readText(`${procRoot}/${process}/mountinfo`)),
    mountedAt,
    visibleAt: cgroupRoot,
  });
  const own = tableOf('self', cgroupRoot);
  const hierarchies = hierarchiesIn(own);
  if (hierarchies.length > 0) return layoutOf(hierarchies, cgroupRoot, own);
  const init = tableOf('1', USUAL_ROOT);
  if (own.read() === undefined && init.read() === undefined) {
    throw new Error(`No process file system is mounted at ${JSON.stringify(procRoot)}`);
  }
  return layoutOf(hierarchiesIn(init).filter(isThere), cgroupRoot, init);
}

/** The mounts at and below a directory, by mount point. A later mount on the same point hides the earlier one. */
function mountsIn({ read, mountedAt }: MountTable): ReadonlyMap<string, Mount> {
  const lines = (read() ?? '').split('\n').filter((line) => line.includes(` ${escapeOctal(mountedAt)}`));
  const found = new Map<string, Mount>();
  for (const mount of parseMountinfo(lines.join('\n'))) {
    if (isAtOrBelow(mount.mountPoint, mountedAt)) found.set(mount.mountPoint, mount);
  }
  return found;
}

function hierarchiesIn(table: MountTable): Hierarchy[] {
  const byDevice = new Map<string, Mount>();
  for (const mount of mountsIn(table).values()) {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') continue;
    const known = byDevice.get(mount.device);
    if (known === undefined || showsMore(mount, known)) byDevice.set(mount.device, mount);
  }
  return [...byDevice.values()].map((mount) => {
    const root = visiblePath(table, mount.mountPoint);
    return {
      root,
      mountRoot: mount.root,
      version: mount.type === 'cgroup2' ? 2 : 1,
      controllers: mount.type === 'cgroup2' ? controllersOfUnified(root) : controllersOfV1(mount.superOptions),
    };
  });
}

/** Whether a mounted cgroup is above another one, from their paths in mountinfo. */
function showsMore(mount: Mount, other: Mount): boolean {
  const heightOf = ({ root }: Mount): number => {
    const names = root.split('/').filter(Boolean);
    return names.reduce((height, name) => height + (name === '..' ? 1 : -1), 0);
  };
  const difference = heightOf(mount) - heightOf(other);
  return difference > 0 || (difference === 0 && mount.mountPoint.length < other.mountPoint.length);
}

function visiblePath({ mountedAt, visibleAt }: MountTable, mountPoint: string): string {
  return visibleAt + mountPoint.slice(mountedAt.length);
}

/** All mount points below the hierarchies, as this process sees them. */
function mountPointsBelow(table: MountTable, hierarchies: readonly Hierarchy[]): ReadonlySet<string> {
  const paths = [...mountsIn(table).keys()].map((mountPoint) => visiblePath(table, mountPoint));
  return new Set(paths.filter((path) => hierarchies.some(({ root }) => path !== root && isAtOrBelow(path, root))));
}

/** Whether a hierarchy exists at the guessed path. A wrong path must not look like a host without containers. */
function isThere({ root, version }: Hierarchy): boolean {
  const witness = version === 2 ? `${root}/cgroup.controllers` : root;
  return missingAsUndefined(() => statSync(witness)) !== undefined;
}

/** v1 lists its controllers in the mount options: `rw,cpu,cpuacct` or `rw,xattr,name=systemd`. */
function controllersOfV1(superOptions: string): string[] {
  const notControllers = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'none', 'cpuset_v2_mode']);
  return superOptions
    .split(',')
    .filter((option) => !notControllers.has(option) && !option.startsWith('release_agent='));
}

/** v2 lists them in `cgroup.controllers`: `cpuset cpu io memory hugetlb pids rdma misc`. */
function controllersOfUnified(root: string): string[] {
  const text = missingAsUndefined(() => readText(`${root}/cgroup.controllers`)) ?? '';
  return text.split(/\s+/).filter(Boolean);
}

function layoutOf(hierarchies: readonly Hierarchy[], cgroupRoot: string, table: MountTable): CgroupLayout {
  const unified = hierarchies.find((hierarchy) => hierarchy.version === 2);
  const v1 = hierarchies.filter((hierarchy) => hierarchy.version === 1);
  // With cgroup2 at the root, engines use only that, even if a v1 hierarchy is mounted below it (`name=systemd` for old guests).
  const pure = unified?.root === cgroupRoot ? unified : undefined;
  const discovery =
    pure ??
    V1_DISCOVERY_ORDER.map((name) => v1.find((hierarchy) => hierarchy.controllers.includes(name))).find(
      (hierarchy) => hierarchy !== undefined,
    ) ??
    unified ??
    v1[0];
  if (discovery === undefined) {
    throw new Error(`No cgroup file system is mounted at ${JSON.stringify(cgroupRoot)}`);
  }
  const byController = new Map<string, Hierarchy>();
  for (const hierarchy of hierarchies) {
    for (const controller of hierarchy.controllers) byController.set(controller, hierarchy);
  }
  return {
    version: v1.length === 0 ? 'v2' : unified === undefined ? 'v1' : 'hybrid',
    hierarchies,
    discovery,
    unified,
    mountPoints: new MountPoints(() => mountPointsBelow(table, hierarchies)),
    hierarchyOf: (controller) => byController.get(controller),
  };
}
