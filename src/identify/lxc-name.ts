import type { KernelFiles } from '../kernel/kernel-files.ts';
import { commandLineOfEngine, parentsOf } from './shim.ts';

/** What LXC appends to the name of a container whose cgroup exists already, such as that of its last life: `-1` to `-999`. */
const SUFFIX = /-[1-9]\d{0,2}$/;

/** The names of the monitor, which ends after 15 bytes. */
const MONITOR = /^(?:lxc-|lxd|incus)/;

/** The name of a cgroup without a suffix; `undefined` if it has none. A container can also be called so. */
export function withoutSuffix(name: string): string | undefined {
  return SUFFIX.test(name) ? name.replace(SUFFIX, '') : undefined;
}

/**
 * The name of an LXC container by the command line of its monitor, the parent of its init (`/proc/<pid>/cmdline`):
 *
 *     [lxc monitor] /var/lib/lxc c1
 *     /usr/bin/lxc-start -F -n c1
 *     /usr/libexec/incus/incusd forkstart c1 /var/lib/incus/containers /run/incus/c1/lxc.conf
 *
 * @param container.id the name of its cgroup, with or without a suffix.
 * @returns `undefined` if no parent has the name with or without a suffix in its command line.
 */
export function lxcNameOf(
  kernel: KernelFiles,
  pids: readonly number[],
  { id, cgroup }: { readonly id: string; readonly cgroup: string },
): string | undefined {
  for (const pid of parentsOf(kernel, pids)) {
    const words = commandLineOfEngine(kernel, { pid, cgroup, isName: MONITOR }).split(/[\0 =]/);
    const name = [id, withoutSuffix(id)].find((each) => each !== undefined && words.includes(each));
    if (name !== undefined) return name;
  }
  return undefined;
}
