/** The facts that decide whether a process is its container's init. */
export interface Process {
  readonly pid: number;
  readonly ppid: number;
  /** Its pids, from the outermost pid namespace to its own. */
  readonly nspid: readonly number[];
}

/** A process whose parent is outside the container. */
export interface Root extends Process {
  /** When it started, in seconds since boot, to a hundredth. */
  readonly start: number;
  readonly role: Role | undefined;
}

/** An engine's own process in a container's cgroup: the parent of the container's init, or a process beside it. */
export type Role = 'parent' | 'helper';

interface Tool {
  readonly role: Role;
  /** The engines in whose containers it is expected; all if not given. A container can give its processes any name. */
  readonly engines?: readonly string[];
  /** The first word of its command line. */
  readonly word: RegExp;
}

const TOOLS: readonly Tool[] = [
  // gVisor's file server, as pid 1 of its own pid namespace and older than the sandbox.
  { role: 'helper', word: /^runsc-gofer$/ },
  // On cgroup v1, and with some options on v2, nspawn is in the cgroup of the container that it runs.
  { role: 'parent', engines: ['nspawn'], word: /(?:^|\/)systemd-nspawn$/ },
  // `[lxc monitor] /var/lib/lxc c1`, which overwrites its command line.
  { role: 'parent', engines: ['lxc'], word: /^\[lxc monitor\]/ },
  { role: 'parent', engines: ['libvirt-lxc'], word: /(?:^|\/)libvirt_lxc$/ },
  { role: 'parent', engines: ['podman', 'cri-o'], word: /(?:^|\/)conmon$/ },
  { role: 'parent', engines: ['kata'], word: /(?:^|\/)containerd-shim-[\w-]+$/ },
];

/** What decides whether a process has the role that it claims. */
export interface Claimant extends Pick<Process, 'nspid'> {
  /** Whether it has a seccomp filter or lacks capabilities that the host's first process has. */
  readonly isConfined: () => boolean;
  /** The engine of the container. */
  readonly engineOf: () => string | undefined;
}

/**
 * The role that a process claims with its command line (`/proc/<pid>/cmdline`: words that end with NUL) in a container. Processes
 * inside the container can claim a role, too. The one of a parent is therefore only trusted of a process that is in the host's
 * pid namespace and unconfined, as engines are; the one of a helper only of the first process of a pid namespace, which the first
 * process of a container with the host's pids is not.
 */
export function roleOf(cmdline: string, { nspid, isConfined, engineOf }: Claimant): Role | undefined {
  const end = cmdline.indexOf('\0');
  const word = end === -1 ? cmdline : cmdline.slice(0, end);
  const tool = TOOLS.find(
    ({ engines, word: pattern }) => pattern.test(word) && (engines?.includes(engineOf() ?? '') ?? true),
  );
  const isInside = nspid.length > 1;
  if (tool?.role === 'helper') return isInside && nspid.at(-1) === 1 ? 'helper' : undefined;
  return tool === undefined || isInside || isConfined() ? undefined : 'parent';
}

/**
 * Chooses the init process of a container. Never by order or pid: cgroup v2 randomises the order on purpose, pids wrap, and
 * gVisor's file server comes before its sandbox.
 *
 * The init is pid 1 of the container's pid namespace. If a process with the same parent is in an outer namespace, the container
 * has no pid namespace of its own, and a pid 1 inside merely created one. (A process with another parent was not started by the
 * engine: it came from the host or escaped to it, and may be older than a restarted container.) In that case, and in a pod with
 * one shared pid namespace, the init is the oldest process with a parent outside. `docker exec` starts such processes too, but
 * later.
 *
 * @param roots the processes whose parent is outside the container.
 */
export function chooseInit<R extends Root>(roots: readonly R[]): R | undefined {
  const workload = roots.filter(({ role }) => role === undefined);
  // A container must not become invisible by naming its processes like an engine's tools.
  const choice = workload.length > 0 ? workload : roots;
  const hasOuterSibling = ({ ppid, nspid }: R): boolean =>
    choice.some((other) => other.ppid === ppid && other.nspid.length < nspid.length);
  const firsts = choice.filter((root) => root.nspid.length > 1 && root.nspid.at(-1) === 1 && !hasOuterSibling(root));
  return (firsts.length > 0 ? firsts : choice).toSorted((a, b) => a.start - b.start || a.pid - b.pid)[0];
}
