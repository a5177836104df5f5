import { statSync } from 'node:fs';

/** Identifies a file on the host. */
export interface FileIdentity {
  /** `major:minor`, as in mount tables. */
  readonly device: string;
  readonly inode: bigint;
}

/**
 * Identifies the file that a path leads to.
 *
 * @throws the system error if there is none, or if the path may not be followed.
 */
export function identityOf(path: string): FileIdentity {
  const { dev, ino } = statSync(path, { bigint: true });
  return { device: deviceName(dev), inode: ino };
}

/** Whether two files are the same. */
export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/** Splits `st_dev` like glibc's `gnu_dev_major` and `gnu_dev_minor`. */
function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
