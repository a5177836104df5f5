import { type Mount, unescapeOctal } from './mountinfo.ts';

/**
 * File systems that answer from memory or from a local disk. Any other file system, including an unknown one, may block
 * a reader until a server answers: FUSE, NFS, CIFS, autofs, 9p, Ceph, Lustre, GFS2, OCFS2, AFS, virtiofs, …
 */
const LOCAL: ReadonlySet<string> = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs zfs f2fs jfs nilfs2 reiserfs bcachefs vfat msdos exfat ntfs3 hfs hfsplus minix ufs udf ' +
    'iso9660 squashfs erofs cramfs romfs ubifs jffs2 tmpfs ramfs rootfs devtmpfs devpts proc sysfs cgroup cgroup2 ' +
    'mqueue hugetlbfs securityfs debugfs tracefs bpf pstore configfs efivarfs selinuxfs nsfs binfmt_misc fusectl resctrl ' +
    'binder'
  ).split(' '),
);

/** An overlay on an overlay on … deeper than the kernel allows (`FILESYSTEM_MAX_STACK_DEPTH` is 2). */
const DEEPEST = 4;

/** Finds the mount that a path of the host is on. */
export type MountAt = (path: string) => Mount | undefined;

/**
 * Whether access to a file on a mount may have to wait for a server. An overlay waits if one of its layers does. The
 * layers are looked up in the host's mounts, because engines mount overlays there.
 *
 * @param hostMountAt `undefined` if the host's mounts are unknown. Then the layers cannot be looked up.
 */
export function mayWait(mount: Mount, hostMountAt: MountAt | undefined, depth = 0): boolean {
  if (LOCAL.has(mount.type)) return false;
  if (mount.type !== 'overlay' || depth > DEEPEST) return true;
  const layers = layersOf(mount);
  const absolute = layers.filter((path) => path.startsWith('/'));
  // Docker and containerd shorten the paths of lower layers: they are relative to the directory of the upper layer.
  if (absolute.length === 0) return layers.length > 0;
  if (hostMountAt === undefined) return false;
  return absolute.some((path) => {
    const below = hostMountAt(path);
    // The root of a live system is an overlay of directories that it hides itself, so they cannot be looked up.
    return below !== undefined && below.id !== mount.id && mayWait(below, hostMountAt, depth + 1);
  });
}

/** The directories that an overlay is made of, from its options `lowerdir=a:b::data`, `lowerdir+=`, `upperdir=`. */
function layersOf({ superOptions }: Mount): string[] {
  return superOptions.split(',').flatMap((option) => {
    const [, name, value] = /^(lowerdir\+?|datadir\+|upperdir|workdir)=(.*)$/s.exec(option) ?? [];
    if (name === undefined || value === undefined) return [];
    const text = unescapeOctal(value);
    // A backslash precedes a colon in the name of a layer.
    const parts = name === 'lowerdir' ? text.split(/(?<!\\):+/) : [text];
    return parts.map((part) => part.replaceAll('\\:', ':')).filter(Boolean);
  });
}
