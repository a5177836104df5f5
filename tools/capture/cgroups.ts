import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { CgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import type { FixtureTree } from './fixture-tree.ts';

/** Files that are not about limits, use or events, or that repeat other files. */
const USELESS = [
  /^(tasks|cgroup\.threads|notify_on_release|release_agent)$/,
  /^cgroup\.(clone_children|sane_behavior|max\..*|subtree_control|pressure|stat.*|type|freeze)$/,
  /^memory\.(numa_stat|use_hierarchy|move_charge_at_immigrate|pressure_level|shown_.*|swappiness|events\.local)$/,
  /^memory\.(kmem\.(?!usage_in_bytes).*|memsw\.(failcnt|max_.*)|zswap.*|oom\.group|swap\.high)$/,
  /^cpuacct\.usage_.*$/,
  /^cpu\.(rt_.*|idle|cfs_burst_us|max\.burst|weight\.nice|uclamp\..*|stat\.local)$/,
  /^cpuset\.(mem_.*|memory_.*|sched_.*|.*exclusive.*|cpus\.partition|.*mems.*)$/,
  /^blkio\.(bfq\..*|throttle\.(?!io_service).*|throttle\.io_service.*(?<!_recursive))$/,
  /^(freezer\..*|io\.(prio\.class|bfq\.weight|latency|cost\..*)|rdma\..*|misc\..*)$/,
  // One huge page size is enough.
  /^hugetlb\.(?!2MB)/,
  /^hugetlb\.2MB\.(numa_stat|rsvd\..*|events\.local)$/,
];

/** In the root these list every process of the machine. */
const ABOUT_THE_MACHINE = /^cgroup\.procs$/;

/**
 * Copies the files of some cgroups, of those inside them, and of those above them up to the root, in every hierarchy.
 * Returns the processes in them.
 */
export function captureCgroups(layout: CgroupLayout, paths: readonly string[], tree: FixtureTree): number[] {
  const wanted = new Set(
    paths.flatMap((path) => [
      ...ancestors(path),
      ...layout.hierarchies.flatMap((hierarchy) => below(hierarchy.root, path)),
    ]),
  );
  for (const { root, controllers } of layout.hierarchies) {
    // This hierarchy only lists processes, which the others list too.
    if (controllers.includes('freezer')) continue;
    const to = `cgroup${root.slice('/sys/fs/cgroup'.length)}`;
    for (const path of wanted) captureCgroup(root + path, to + path, tree);
  }
  const own = [...wanted].filter((path) =>
    paths.some((container) => path === container || path.startsWith(`${container}/`)),
  );
  return own.flatMap((path) => processesOf(layout.discovery.root + path));
}

function captureCgroup(from: string, to: string, tree: FixtureTree): void {
  if (!existsSync(from)) return;
  const isRoot = from.endsWith('/');
  for (const name of readdirSync(from)) {
    if (USELESS.some((pattern) => pattern.test(name)) || (isRoot && ABOUT_THE_MACHINE.test(name))) continue;
    const { mode } = statSync(`${from}/${name}`);
    // Some files are write-only: cgroup.kill, memory.reclaim, devices.allow.
    if ((mode & 0o170000) === 0o100000 && (mode & 0o444) !== 0) tree.copy(`${from}/${name}`, `${to}/${name}`);
  }
}

/** The ancestors of `/a/b` are `/` and `/a`. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

/** A cgroup and all cgroups inside it. */
function below(root: string, path: string): string[] {
  if (!existsSync(root + path)) return [path];
  const children = readdirSync(root + path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [path, ...children.flatMap((child) => below(root, `${path}/${child.name}`))];
}

function processesOf(directory: string): number[] {
  if (!existsSync(directory)) return [];
  return readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
}
