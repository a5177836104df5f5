import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import type { CgroupIdentity } from './cgroup-path.ts';
import { pidsOfContainer } from './container-pids.ts';

/** What a containerd shim was started for. */
export interface Shim {
  /** containerd's namespace: `moby` is Docker's, `k8s.io` the kubelet's. */
  readonly namespace: string;
  /** The container; for a pod its sandbox, as one shim serves all containers of a pod. */
  readonly id: string;
}

/** Every process of a container might have the shim as parent; the init does, and it is among the first. */
const MOST_PROCESSES = 64;

/** The engine whose containerd has a namespace. Others are containerd's own clients: ctr, nerdctl, the kubelet. */
const ENGINE_BY_NAMESPACE: Readonly<Record<string, string>> = { moby: 'docker' };

/**
 * Parses the command line of a containerd shim (`/proc/<pid>/cmdline`, words that end with NUL):
 *
 *     /usr/bin/containerd-shim-runc-v2 -namespace moby -id 3b5046be… -address /run/containerd/containerd.sock
 *     containerd-shim -namespace moby -workdir /var/lib/containerd/io.containerd.runtime.v1.linux/moby/3b5046be… …
 *
 * @returns `undefined` for any other process.
 */
export function parseShim(cmdline: string): Shim | undefined {
  const [command = '', ...words] = cmdline.split('\0');
  if (!/(?:^|\/)containerd-shim(?:-[\w.-]+)?$/.test(command)) return undefined;
  const namespace = flagIn(words, 'namespace');
  const id = flagIn(words, 'id') ?? flagIn(words, 'workdir')?.split('/').at(-1);
  return namespace && id ? { namespace, id } : undefined;
}

/** The value of a flag in one of the ways that Go programs take: `-id x`, `--id x`, `-id=x`, `--id=x`. */
function flagIn(words: readonly string[], flag: string): string | undefined {
  for (const [index, word] of words.entries()) {
    const name = word.replace(/^--?/, '');
    if (name === word) continue;
    if (name === flag) return words[index + 1];
    if (name.startsWith(`${flag}=`)) return name.slice(flag.length + 1);
  }
  return undefined;
}

/**
 * Asks the parent of a container's processes what the path could not say: whether a candidate is a container at all, and
 * whose a container is.
 *
 * @returns what is certain now; `undefined` if it is no container; `later` as long as no process has a shim as parent: it
 * may be that none has been started, or that something else starts it; `starting` if runc is at work in it, which is to
 * hand it over to the shim.
 * @throws the system error if processes cannot be looked at for want of a privilege.
 */
export function settleByShim(
  kernel: KernelFiles,
  identity: CgroupIdentity,
): CgroupIdentity | 'later' | 'starting' | undefined {
  if (identity.candidate !== true && identity.engineGuessed !== true) return identity;
  const pids = pidsOfContainer(kernel, kernel.cgroup(identity.cgroup));
  const shim = shimOf(kernel, pids);
  if (shim === undefined) return isStarting(kernel, pids) ? 'starting' : 'later';
  const { candidate, engineGuessed: _, ...certain } = identity;
  if (candidate === true) return agrees(identity, shim) ? { ...certain, id: shim.id } : undefined;
  return { ...certain, engine: ENGINE_BY_NAMESPACE[shim.namespace] ?? 'containerd' };
}

/** The shim that is the parent of one of the processes. One of them that only calls itself a shim does not count. */
function shimOf(kernel: KernelFiles, pids: readonly number[]): Shim | undefined {
  const asked = new Set(pids);
  for (const pid of pids.slice(0, MOST_PROCESSES)) {
    const status = kernel.proc(`${pid}/status`);
    const parent = status === undefined ? undefined : parseProcStatus(status).ppid;
    if (parent === undefined || asked.has(parent)) continue;
    asked.add(parent);
    const shim = parseShim(kernel.proc(`${parent}/cmdline`) ?? '');
    if (shim !== undefined) return shim;
  }
  return undefined;
}

/** Whether the first process is still the runtime's (`runc init`) and not yet what the container is to run. */
function isStarting(kernel: KernelFiles, pids: readonly number[]): boolean {
  const [first] = pids;
  const [command = ''] = first === undefined ? [] : (kernel.proc(`${first}/cmdline`) ?? '').split('\0');
  return /(?:^|\/)(?:runc|crun|youki)$/.test(command);
}

/** `/<namespace>/<id>` on its own, or a scope that ends with `-<id>` whatever comes before it. */
function agrees({ cgroup }: CgroupIdentity, { namespace, id }: Shim): boolean {
  return cgroup === `/${namespace}/${id}` || cgroup.endsWith(`-${id}.scope`);
}
