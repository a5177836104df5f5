import type { LimitLevel } from './limit-levels.ts';

/** The maximum length of a path in bytes of UTF-8. The exposition cuts longer label values at their end. */
const LONGEST = 250;

/**
 * The path of a level's cgroup as a label. A path that is too long loses its beginning. The paths of a container's
 * cgroups begin alike, so only their ends keep the series distinct.
 */
export function cgroupLabel({ path }: Pick<LimitLevel, 'path'>): string {
  if (path === '') return '/';
  if (Buffer.byteLength(path) <= LONGEST) return path;
  const bytes = Buffer.from(path);
  return `…${bytes.toString('utf8', bytes.length - LONGEST + 3).replace(/^\ufffd+/, '')}`;
}
