import type { KernelFiles } from '../kernel/kernel-files.ts';
import { PENDING } from '../kernel/command-lines.ts';
import { isConfined } from './confined.ts';
import { parseStartTime } from '../kernel/proc-stat.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';

/** The container that a containerd shim was started for. */
export interface Shim {
  /** The namespace in containerd: `moby` for Docker, `k8s.io` for the kubelet. */
  readonly namespace: string;
  /** The container. For a pod it is the sandbox, because one shim serves all containers of a pod. */
  readonly id: string;
}

/** How many processes to try. The init has the shim as its parent, and is among the first. */
export const MOST_PROCESSES = 64;

/** The name of a shim, which ends after 15 bytes. */
const SHIM_NAME = /^(?:containerd-shim|docker-containe|balena-containe|balena-engine-c)/;

/**
 * Parses the command line of a containerd shim (`/proc/<pid>/cmdline`, words that end with NUL):
 *
 *     /usr/bin/containerd-shim-runc-v2 -namespace moby -id 3b5046be… -address /run/containerd/containerd.sock
 *     containerd-shim -namespace moby -workdir /var/lib/containerd/io.containerd.runtime.v1.linux/moby/3b5046be… …
 *     balena-engine-containerd-shim-runc-v2 -namespace moby -id 3b5046be… …
 *
 * @returns `undefined` for any other process.
 */
export function parseShim(cmdline: string): Shim | undefined {
  const [command = '', ...words] = cmdline.split('\0');
  if (!/(?:^|\/)(?:docker-|balena-(?:engine-)?)?containerd-shim(?:-[\w.-]+)?$/.test(command)) return undefined;
  const namespace = flagIn(words, 'namespace');
  const id = flagIn(words, 'id') ?? flagIn(words, 'workdir')?.split('/').at(-1);
  return namespace && id ? { namespace, id } : undefined;
}

/** The value of a flag in any of Go's forms: `-id x`, `--id x`, `-id=x`, `--id=x`. */
function flagIn(words: readonly string[], flag: string): string | undefined {
  for (const [index, word] of words.entries()) {
    const name = word.replace(/^--?/, '');
    if (name === word) continue;
    if (name === flag) return words[index + 1];
    if (name.startsWith(`${flag}=`)) return name.slice(flag.length + 1);
  }
  return undefined;
}

/** The shim that is the parent of one of the processes. */
export function shimOf(kernel: KernelFiles, pids: readonly number[], cgroup: string): Shim | undefined {
  for (const pid of parentsOf(kernel, pids)) {
    const shim = parseShim(commandLineOfEngine(kernel, { pid, cgroup, isName: SHIM_NAME }));
    if (shim !== undefined) return shim;
  }
  return undefined;
}

/** The parents of the processes. A process that is one of them does not count: it can claim to be an engine's. */
export function* parentsOf(kernel: KernelFiles, pids: readonly number[]): Generator<number> {
  const asked = new Set([0, ...pids]);
  for (const pid of pids.slice(0, MOST_PROCESSES)) {
    const status = kernel.proc(`${pid}/status`);
    const parent = status === undefined ? 0 : parseProcStatus(status).ppid;
    if (asked.has(parent)) continue;
    asked.add(parent);
    yield parent;
  }
}

/**
 * The command line of a process that may be an engine's own, which is read immediately, because at startup one check must classify
 * each cgroup: such a process cannot block a reader. One of a container is left to a probe.
 *
 * @param isName whether a name in `/proc/<pid>/comm` is that of the engine's process.
 */
export function commandLineOfEngine(
  kernel: KernelFiles,
  { pid, cgroup, isName }: { readonly pid: number; readonly cgroup: string; readonly isName: RegExp },
): string {
  const text = kernel.proc(`${pid}/status`);
  if (text === undefined) return '';
  const status = parseProcStatus(text);
  const isEngines = status.nspid.length === 1 && isName.test(status.name) && !isConfined(kernel, status);
  return isEngines ? (kernel.proc(`${pid}/cmdline`) ?? '') : commandLineOf(kernel, pid, cgroup);
}

/** The command line; empty while it is not known. */
function commandLineOf(kernel: KernelFiles, pid: number, cgroup: string): string {
  const stat = kernel.proc(`${pid}/stat`);
  const words = stat === undefined ? undefined : kernel.commandLines.of({ cgroup, pid, start: parseStartTime(stat) });
  return words === PENDING ? '' : (words ?? '');
}

/** Whether the first process is still the runtime's (`runc init`), not yet the container's program. */
export function isStarting(kernel: KernelFiles, pids: readonly number[], cgroup: string): boolean {
  const [first] = pids;
  const [command = ''] = first === undefined ? [] : commandLineOf(kernel, first, cgroup).split('\0');
  return /(?:^|\/)(?:runc|crun|youki)$/.test(command);
}
