/** Identifies a file on the host. */
export interface FileIdentity {
  /** `major:minor`, as in mount tables. */
  readonly device: string;
  readonly inode: bigint;
}

/** The identity in the fields of `stat`, as decimal text. */
export function fileIdentity({ dev, ino }: { readonly dev: string; readonly ino: string }): FileIdentity {
  return { device: deviceName(BigInt(dev)), inode: BigInt(ino) };
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
