import { areMalformed, type FlatKeyed } from '../kernel/flat-keyed.ts';

/** The fields of cgroup v2's `memory.stat` that {@link unreclaimableOfV2} needs. */
export const V2_FIELDS = [
  'anon',
  'file',
  'shmem',
  'active_file',
  'inactive_file',
  'kernel',
  'slab_reclaimable',
  'slab_unreclaimable',
  'kernel_stack',
  'pagetables',
  'percpu',
  'sock',
] as const;

/** The fields of cgroup v1's `memory.stat` that {@link unreclaimableOfV1} needs; cgroups below are included. */
export const V1_FIELDS = [
  'total_rss',
  'total_cache',
  'total_shmem',
  'total_active_file',
  'total_inactive_file',
] as const;

type Stat<Field extends string> = Readonly<Partial<FlatKeyed<Field>>> | undefined;

/** The fields that some kernels lack, and that count as 0 then. */
const OPTIONAL = [
  'kernel',
  'slab_reclaimable',
  'slab_unreclaimable',
  'kernel_stack',
  'pagetables',
  'percpu',
  'sock',
] as const;

/**
 * Bytes that the kernel can free neither by dropping page cache nor by shrinking caches of its own, from `memory.stat`:
 *
 *     anon 20480000          anonymous memory; with swap it could be written there
 *     file 61440000          page cache, of which shmem 1048576 is tmpfs and shared memory
 *     inactive_file 59392000
 *     active_file 999424     the rest of the page cache is locked (mlock) or on its way to a list
 *     kernel 3145728         since Linux 5.18; before it is the sum of its parts
 *     slab_reclaimable 1048576
 *     sock 4096              buffers of sockets, which are not in kernel
 *
 * @returns `undefined` if a field that each kernel has is missing, or if one is malformed.
 */
export function unreclaimableOfV2(stat: Stat<(typeof V2_FIELDS)[number]>): number | undefined {
  if (stat === undefined || areMalformed<(typeof V2_FIELDS)[number]>(stat, OPTIONAL)) return undefined;
  const { anon, shmem } = stat;
  const locked = lockedFile(stat.file, shmem, stat.active_file, stat.inactive_file);
  if (anon === undefined || shmem === undefined || locked === undefined) return undefined;
  const kernel =
    stat.kernel === undefined
      ? sum([stat.slab_unreclaimable, stat.kernel_stack, stat.pagetables, stat.percpu])
      : Math.max(0, stat.kernel - (stat.slab_reclaimable ?? 0));
  return anon + shmem + locked + kernel + (stat.sock ?? 0);
}

/**
 * The same from v1. Its `memory.stat` does not say how much of the kernel's memory can be reclaimed, so all of it
 * counts.
 *
 * @param kernel `memory.kmem.usage_in_bytes`.
 */
export function unreclaimableOfV1(
  stat: Stat<(typeof V1_FIELDS)[number]>,
  kernel: number | undefined,
): number | undefined {
  if (stat === undefined) return undefined;
  const { total_rss: anon, total_shmem: shmem } = stat;
  const locked = lockedFile(stat.total_cache, shmem, stat.total_active_file, stat.total_inactive_file);
  if (anon === undefined || shmem === undefined || locked === undefined || kernel === undefined) return undefined;
  return anon + shmem + locked + kernel;
}

/** Page cache that is neither tmpfs nor on a list that the kernel can drop it from. */
function lockedFile(file?: number, shmem?: number, active?: number, inactive?: number): number | undefined {
  if (file === undefined || shmem === undefined || active === undefined || inactive === undefined) return undefined;
  return Math.max(0, file - shmem - active - inactive);
}

function sum(parts: readonly (number | undefined)[]): number {
  return parts.reduce<number>((total, part) => total + (part ?? 0), 0);
}
