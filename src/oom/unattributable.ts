import type { ContainerRecord } from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';

/** A runtime creates the cgroups of a container one after the other, but within this time. In ms. */
const CGROUP_CREATION_MS = 5_000;

/**
 * The cgroup of a container whose kills cannot be attributed because it has no cgroup in the memory hierarchy; `undefined` if there
 * is none.
 */
export function findUnattributable(records: ContainerRecords): string | undefined {
  const before = performance.now() - CGROUP_CREATION_MS;
  for (const [{ path, seenAt }, record] of records.liveByCgroup) {
    const { memoryCgroup, error } = record;
    if (memoryCgroup !== 'unknown' || error !== undefined || seenAt >= before) continue;
    if (!isCountedAround(record)) return path;
  }
  return undefined;
}

/**
 * Whether the kernel counts the kills of a container for one around it. A container can make cgroups inside itself that have no
 * memory controller.
 */
function isCountedAround({ outer }: ContainerRecord): boolean {
  for (let around = outer; around !== undefined; around = around.outer) {
    if (around.memoryCgroup === 'counted') return true;
  }
  return false;
}
