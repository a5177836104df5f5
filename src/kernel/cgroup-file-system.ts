import { statfsSync } from 'node:fs';
import { missingAsUndefined } from './errno.ts';

/** The numbers of cgroup v1 and cgroup2 in statfs(2): `CGROUP_SUPER_MAGIC`, `CGROUP2_SUPER_MAGIC`. */
const TYPES: ReadonlySet<number> = new Set([0x27e0eb, 0x63677270]);

/** Whether a path is on a cgroup file system. */
export function isOnCgroupFileSystem(path: string): boolean {
  const found = missingAsUndefined(() => statfsSync(path));
  return found !== undefined && TYPES.has(found.type);
}
