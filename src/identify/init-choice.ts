/** What decides whether a process is the one that stands for its container. */
export interface Process {
  readonly pid: number;
  readonly ppid: number;
  /** Its pids, from the outermost pid namespace to its own. */
  readonly nspid: readonly number[];
}

/** A process whose parent is not one of the container's. */
export interface Root extends Process {
  /** Seconds since boot, to a hundredth. */
  readonly start: number;
  readonly role: Role | undefined;
}

/** What an engine's own process is in a container's cgroup: one that the container's init is a child of, or beside it. */
export type Role = 'parent' | 'helper';

interface Tool {
  readonly role: Role;
  /** The engines whose containers it is looked for in; all if not given. A container can call its processes anything. */
  readonly engines?: readonly string[];
  /** The first word of its command line. */
  readonly word: RegExp;
}

const TOOLS: readonly Tool[] = [
  // gVisor's file server. In a pid namespace of its own, and older than the sandbox.
  { role: 'helper', word: /^runsc-gofer$/ },
  // Before cgroup v2, and for some options with it, nspawn is in the cgroup of the container that it runs.
  { role: 'parent', engines: ['nspawn'], word: /(?:^|\/)systemd-nspawn$/ },
  // `[lxc monitor] /var/lib/lxc c1`, written over its command line in one piece.
  { role: 'parent', engines: ['lxc'], word: /^\[lxc monitor\]/ },
  { role: 'parent', engines: ['libvirt-lxc'], word: /(?:^|\/)libvirt_lxc$/ },
  { role: 'parent', engines: ['podman', 'cri-o'], word: /(?:^|\/)conmon$/ },
  { role: 'parent', engines: ['kata'], word: /(?:^|\/)containerd-shim-[\w-]+$/ },
];

/**
 * What a process says it is by its command line (`/proc/<pid>/cmdline`: words that end with NUL), in a container of an
 * engine. Parents are only believed in the host's pid namespace, where engines are: what is started in a container's own
 * namespace cannot leave it by a name.
 */
export function roleOf(
  cmdline: string,
  { nspid }: Pick<Process, 'nspid'>,
  engineOf: () => string | undefined,
): Role | undefined {
  const end = cmdline.indexOf('\0');
  const word = end === -1 ? cmdline : cmdline.slice(0, end);
  const tool = TOOLS.find(
    ({ engines, word: pattern }) => pattern.test(word) && (engines?.includes(engineOf() ?? '') ?? true),
  );
  return tool?.role === 'parent' && nspid.length > 1 ? undefined : tool?.role;
}

/**
 * Whether a process can be taken without a look at any other: it is the first in a pid namespace that is right inside
 * the host's, and nobody in the container is its parent.
 */
export function isSurelyInit(root: Root, shallowest: number): boolean {
  return root.role === undefined && root.nspid.length === 2 && root.nspid[1] === 1 && shallowest >= 2;
}

/**
 * Chooses the process that stands for a container. Never by order or by pid: cgroup v2 lists processes in an order made
 * random on purpose, pids wrap, and gVisor's file server comes before its sandbox.
 *
 * It is the one that is pid 1 in the pid namespace of the container. If another process of the same parent is in an outer
 * namespace, then the container has no pid namespace of its own, and a pid 1 in it is just somebody's who made one. (One
 * of another parent was not started by the engine: it came from the host, or went there, and may be older than a container
 * that was started again.) Then, and in a pod with one pid namespace for all, it is the one that started first of those
 * whose parent is outside: what `docker exec` starts has such a parent too, but is later.
 *
 * @param roots the processes with a parent that is not in the container.
 */
export function chooseInit<R extends Root>(roots: readonly R[]): R | undefined {
  const workload = roots.filter(({ role }) => role === undefined);
  // A container that names its processes like an engine's tools is not to become invisible by that.
  const choice = workload.length > 0 ? workload : roots;
  const hasOuterSibling = ({ ppid, nspid }: R): boolean =>
    choice.some((other) => other.ppid === ppid && other.nspid.length < nspid.length);
  const firsts = choice.filter((root) => root.nspid.length > 1 && root.nspid.at(-1) === 1 && !hasOuterSibling(root));
  return (firsts.length > 0 ? firsts : choice).toSorted((a, b) => a.start - b.start || a.pid - b.pid)[0];
}
