import { expect, test } from 'vitest';
import { mayWait, type MountAt } from './file-system-types.ts';
import { type Mount, parseMountinfo } from './mountinfo.ts';

/** The mounts of a host, and the answer for a path on it. */
const HOST = parseMountinfo(
  '27 1 254:0 / / rw - ext4 /dev/vda rw\n' +
    '28 27 0:50 / /srv/images rw - nfs4 server:/images rw\n' +
    '29 27 0:51 / /srv/fast rw - overlay overlay rw,lowerdir=/srv/images/a,upperdir=/var/u,workdir=/var/w\n',
);
const hostMountAt: MountAt = (path) =>
  HOST.filter(({ mountPoint }) => mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`)).at(
    -1,
  );

function mountOf(rest: string): Mount {
  const [mount] = parseMountinfo(`300 200 0:99 / / rw - ${rest}\n`);
  if (mount === undefined) throw new Error('No mount');
  return mount;
}

test.each(
  (
    'fuse fuse.sshfs fuse.fuse-overlayfs fuseblk nfs nfs4 cifs smb3 autofs 9p ceph lustre gfs2 ocfs2 fuse.glusterfs afs coda ' +
    'virtiofs orangefs gpfs beegfs ecryptfs aufs a_type_of_tomorrow'
  ).split(' '),
)('a look at %s may have to wait', (type) => {
  expect(mayWait(mountOf(`${type} x rw`), hostMountAt)).toBe(true);
});

test.each('ext4 xfs btrfs zfs tmpfs proc sysfs cgroup cgroup2 devtmpfs squashfs erofs vfat mqueue'.split(' '))(
  'a look at %s does not',
  (type) => {
    expect(mayWait(mountOf(`${type} x rw`), hostMountAt)).toBe(false);
  },
);

test.each([
  ['on local disks', 'lowerdir=/var/l/A:/var/l/B,upperdir=/var/u,workdir=/var/w', false],
  ['with a lower layer on NFS', 'lowerdir=/var/l/A:/srv/images/b,upperdir=/var/u,workdir=/var/w', true],
  ['with a data layer on NFS', 'lowerdir=/var/l/A::/srv/images/b', true],
  ['with layers that were given one by one', 'lowerdir+=/var/l/A,lowerdir+=/srv/images/b', true],
  ['with an upper layer on NFS', 'lowerdir=/var/l/A,upperdir=/srv/images/u,workdir=/srv/images/w', true],
  ['on an overlay that waits', 'lowerdir=/srv/fast/x,upperdir=/var/u,workdir=/var/w', true],
  ['with a colon and a space in the name of a layer', 'lowerdir=/srv/images/a\\134:b\\040c:/var/l', true],
  ['whose lower layers are relative to the upper one', 'lowerdir=l/A:l/B,upperdir=/var/u,workdir=/var/w', false],
  ['with nothing but relative layers', 'lowerdir=1/fs:2/fs', true],
])('an overlay %s', (_, options, expected) => {
  expect(mayWait(mountOf(`overlay overlay rw,${options}`), hostMountAt)).toBe(expected);
});
