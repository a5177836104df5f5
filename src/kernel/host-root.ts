import { unseenAsUndefined } from './errno.ts';
import { type HostNamespaces, inodeOfLink } from './host-namespaces.ts';
import type { KernelFiles } from './kernel-files.ts';

/** The path of the host's root directory, such as `/proc/1/root` or nothing; `undefined` if it cannot be reached. */
export type HostRoot = () => string | undefined;

/**
 * The path of the host's root directory: the root of PID 1 or, if that is shielded, this process's own if it is in the
 * host's mount namespace. `undefined` if it cannot be reached.
 */
export function findHostRoot(kernel: KernelFiles, namespaces: HostNamespaces): string | undefined {
  // Reading the link requires permission to follow it, but touches no file system.
  if (unseenAsUndefined(() => kernel.link('1/root')) !== undefined) return `${kernel.procRoot}/1/root`;
  const own = inodeOfLink(kernel.link('self/ns/mnt') ?? '');
  return own !== undefined && own === namespaces.get('mnt')?.inode ? '' : undefined;
}
