import { statSync } from 'node:fs';

/** What makes a file this one and no other on the host. */
export interface FileIdentity {
  /** `major:minor`, as mount tables have it. */
  readonly device: string;
  readonly inode: bigint;
}

/**
 * Finds out which file a path leads to.
 *
 * @throws the system error if it leads to none, or may not be followed.
 */
export function identityOf(path: string): FileIdentity {
  const { dev, ino } = statSync(path, { bigint: true });
  return { device: deviceName(dev), inode: ino };
}

/** Whether two files are the same. */
export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/** Takes `st_dev` apart as glibc's `gnu_dev_major` and `gnu_dev_minor` do. */
function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
