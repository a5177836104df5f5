import { readFileSync, statSync } from 'node:fs';
import { absentAsUndefined } from './errno.ts';
import { parseMountinfo } from './mountinfo.ts';

/** A mounted cgroup hierarchy: one for all controllers on v2, one for each controller (or a few) on v1. */
export interface Hierarchy {
  /** The directory it is mounted on, as this process sees it. */
  readonly root: string;
  /** The cgroup that is mounted there: `/`, or that of the container in which the mount was made. */
  readonly mountRoot: string;
  readonly version: 1 | 2;
  /** `memory`, `cpu`, …; on v1 also `name=systemd`. */
  readonly controllers: readonly string[];
}

/** Which controller is to be read where. Every controller of the kernel is in at most one hierarchy. */
export interface CgroupLayout {
  /** `hybrid`: controllers on v1 and a cgroup2 mount beside them (`/sys/fs/cgroup/unified`). */
  readonly version: 'v1' | 'v2' | 'hybrid';
  readonly hierarchies: readonly Hierarchy[];
  /**
   * The one hierarchy in which containers are looked for: cgroup2 if it has the controllers, else the v1 hierarchy
   * with the fewest files that all engines use.
   */
  readonly discovery: Hierarchy;
  /** The hierarchy of a controller; `undefined` where the kernel has it nowhere. */
  hierarchyOf(controller: string): Hierarchy | undefined;
  /** The cgroup2 hierarchy, also one without controllers: pressure files and `cgroup.events` live there. */
  readonly unified: Hierarchy | undefined;
}

/** v1 hierarchies that every engine fills, those with the fewest files (and so inotify events) first. */
const V1_DISCOVERY_ORDER = ['pids', 'freezer', 'name=systemd', 'devices', 'cpuacct', 'cpu', 'memory'];

/** Where a host keeps its cgroups when it is not said otherwise. */
const USUAL_ROOT = '/sys/fs/cgroup';

/**
 * Finds the cgroup hierarchies at and below `cgroupRoot` from the mount tables in `procRoot`.
 *
 * The mounts of this process come first (they are right on the host and in a container that has the host's tree
 * mounted elsewhere); where none of them lies below `cgroupRoot`, the table of PID 1 is used with `/sys/fs/cgroup`
 * read as `cgroupRoot`, which serves a plain copy of a host's trees. Of that table only what is really there counts.
 *
 * @throws Error if no cgroup hierarchy is mounted there, or `procRoot` has no mount tables.
 */
export function findCgroupLayout(procRoot: string, cgroupRoot: string): CgroupLayout {
  const own = absentAsUndefined(() => readFileSync(`${procRoot}/self/mountinfo`, 'utf8'));
  const hierarchies = hierarchiesIn(own ?? '', cgroupRoot, cgroupRoot);
  if (hierarchies.length === 0) {
    const init = absentAsUndefined(() => readFileSync(`${procRoot}/1/mountinfo`, 'utf8'));
    if (own === undefined && init === undefined) {
      throw new Error(`No process file system is mounted at ${JSON.stringify(procRoot)}`);
    }
    hierarchies.push(...hierarchiesIn(init ?? '', USUAL_ROOT, cgroupRoot).filter(isThere));
  }
  return layoutOf(hierarchies, cgroupRoot);
}

/** The cgroup mounts of a mount table at or below `mountedAt`, as seen below `visibleAt`. */
function hierarchiesIn(mountinfo: string, mountedAt: string, visibleAt: string): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const mount of parseMountinfo(mountinfo)) {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') continue;
    if (mount.mountPoint !== mountedAt && !mount.mountPoint.startsWith(`${mountedAt}/`)) continue;
    const root = visibleAt + mount.mountPoint.slice(mountedAt.length);
    // A later mount on the same point hides the earlier one.
    found.set(root, {
      root,
      mountRoot: mount.root,
      version: mount.type === 'cgroup2' ? 2 : 1,
      controllers: mount.type === 'cgroup2' ? controllersOfUnified(root) : controllersOfV1(mount.superOptions),
    });
  }
  return [...found.values()];
}

/** Whether a hierarchy can be seen where it was guessed to be. A wrong path must not look like a host without containers. */
function isThere({ root, version }: Hierarchy): boolean {
  const witness = version === 2 ? `${root}/cgroup.controllers` : root;
  return absentAsUndefined(() => statSync(witness)) !== undefined;
}

/** v1 names its controllers among the options of the mount: `rw,cpu,cpuacct` or `rw,xattr,name=systemd`. */
function controllersOfV1(superOptions: readonly string[]): string[] {
  const notControllers = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'none', 'cpuset_v2_mode']);
  return superOptions.filter((option) => !notControllers.has(option) && !option.startsWith('release_agent='));
}

/** v2 lists them in `cgroup.controllers`: `cpuset cpu io memory hugetlb pids rdma misc`. */
function controllersOfUnified(root: string): string[] {
  const text = absentAsUndefined(() => readFileSync(`${root}/cgroup.controllers`, 'utf8')) ?? '';
  return text.split(/\s+/).filter(Boolean);
}

function layoutOf(hierarchies: readonly Hierarchy[], cgroupRoot: string): CgroupLayout {
  const unified = hierarchies.find((hierarchy) => hierarchy.version === 2);
  const v1 = hierarchies.filter((hierarchy) => hierarchy.version === 1);
  // With cgroup2 there, engines use nothing else, whatever v1 hierarchy is mounted below it (`name=systemd` for old guests).
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
    hierarchyOf: (controller) => byController.get(controller),
  };
}
