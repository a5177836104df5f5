import { isAbsence, isDenied } from './errno.ts';
import type { KernelFiles } from './files.ts';

/** The host's own namespaces, to compare containers with. */
export interface HostNamespaces {
  /** The inode of the host's namespace of a kind; `undefined` if it could not be found out. */
  inodeOf(kind: string): number | undefined;
  /** Where that was read: `pid1`, `kthreadd`, `constant`, `self`. */
  sourceOf(kind: string): string | undefined;
}
