import { describe, expect, it } from 'vitest';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { HostMounts, seenThrough } from './host-mounts.ts';
import { isDaemonSocket, kindOf } from './host-paths.ts';
import { MountTable } from './mount-table.ts';

const [BIND, PROC, OTHER] = parseMountinfo(
  '90 80 254:0 /etc /host-etc ro,relatime - ext4 /dev/vda rw\n' +
    '91 80 0:21 / /host-proc rw,relatime - proc proc rw\n' +
    '92 80 0:99 / /data rw,relatime - tmpfs tmpfs rw\n',
);

describe('mounts of the host', () => {
  const host = new HostMounts(
    parseMountinfo(
      '22 27 0:21 / /proc rw,relatime - proc proc rw\n' +
        '24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw\n' +
        '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n' +
        '28 27 0:30 / /run rw,relatime shared:5 - tmpfs tmpfs rw\n' +
        '42 27 254:0 /var/lib/docker /var/lib/docker rw,relatime shared:7 - ext4 /dev/vda rw\n' +
        '46 42 0:39 / /var/lib/docker/overlay2/x/merged rw,relatime - overlay overlay rw\n' +
        '47 27 0:40 / /run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/x/rootfs rw - overlay overlay rw\n' +
        '48 27 0:41 / /var/lib/docker/rootfs/overlayfs/x rw - overlay overlay rw\n' +
        '49 27 0:43 / /home/u/.local/share/containers/storage/overlay/x/merged rw - overlay overlay rw\n' +
        '52 27 0:44 / /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/x/rootfs rw - overlay overlay rw\n' +
        '53 27 0:45 / /etc rw - overlay overlay rw\n' +
        '54 27 0:46 / /usr ro - overlay sysext ro\n' +
        '55 27 0:47 / /srv/engine/x/root rw - overlay overlay rw\n' +
        '50 27 254:1 / /mnt/disk rw,relatime - ext4 /dev/vdb rw\n' +
        '51 27 254:1 /data /srv rw,relatime - ext4 /dev/vdb rw\n',
    ),
  );
  const pathsOf = (device: string, root: string): string[] => host.pathsOf({ device, root }).toSorted();

  it('show where a directory of a file system is', () => {
    expect(pathsOf('254:0', '/etc')).toEqual(['/etc']);
    expect(pathsOf('254:0', '/')).toEqual(['/']);
    expect(pathsOf('254:0', '/var/lib/docker/volumes/v/_data')).toEqual(['/var/lib/docker/volumes/v/_data']);
    expect(pathsOf('0:30', '/')).toEqual(['/run']);
    expect(pathsOf('0:30', '/docker.sock')).toEqual(['/run/docker.sock']);
    expect(pathsOf('254:1', '/data/x')).toEqual(['/mnt/disk/data/x', '/srv/x']);
    expect(pathsOf('254:1', '/database')).toEqual(['/mnt/disk/database']);
    for (const device of ['0:39', '0:40', '0:41', '0:43', '0:44']) expect(pathsOf(device, '/')).toEqual([]);
    expect(pathsOf('0:45', '/cron.d')).toEqual(['/etc/cron.d']);
    expect(pathsOf('0:46', '/')).toEqual(['/usr']);
    expect(pathsOf('0:99', '/')).toEqual([]);
  });

  it('show where a program is, but not where it may be of a container', () => {
    const root = '/bin/qemu-system-x86_64';
    expect(host.pathsOfProgram({ device: '0:46', root })).toEqual([`/usr${root}`]);
    expect(host.pathsOfProgram({ device: '254:0', root: `/usr${root}` })).toEqual([`/usr${root}`]);
    expect(pathsOf('0:47', root)).toEqual([`/srv/engine/x/root${root}`]);
    expect(host.pathsOfProgram({ device: '0:47', root })).toEqual([]);
  });

  it('show on what file system a path is', () => {
    expect(host.placeOf('/run/docker.sock')).toEqual({ device: '0:30', path: '/docker.sock' });
    expect(host.placeOf('/etc/passwd')).toEqual({ device: '0:45', path: '/passwd' });
    expect(host.placeOf('/srv/x')).toEqual({ device: '254:1', path: '/data/x' });
    expect(host.placeOf('/')).toEqual({ device: '254:0', path: '/' });
  });

  it('know their own, and those that they share with', () => {
    const [own, reused, peer, slave] = parseMountinfo(
      '28 1 0:30 / /run rw - tmpfs tmpfs rw\n' +
        '28 1 0:77 / / rw - overlay overlay rw\n' +
        '99 1 0:30 / /hostrun rw shared:5 - tmpfs tmpfs rw\n' +
        '99 1 0:30 / /hostrun rw shared:99 master:5 - tmpfs tmpfs rw\n',
    );
    expect([own, reused].map((mount) => mount && host.has(mount))).toEqual([true, false]);
    expect([own, peer, slave].map((mount) => mount && host.isPeer(mount))).toEqual([false, true, false]);
  });
});

it('a path of the host is found behind a mount', () => {
  const etc = { device: '254:0', path: '/etc/passwd' };
  expect([BIND, PROC, OTHER].map((mount) => mount && seenThrough(mount, etc))).toEqual([
    '/host-etc/passwd',
    undefined,
    undefined,
  ]);
  expect(BIND && seenThrough(BIND, { device: '254:0', path: '/etc' })).toBe('/host-etc');
  expect(BIND && seenThrough(BIND, { device: '254:0', path: '/etcetera' })).toBeUndefined();
});

it.each([
  ['/', 'root'],
  ['/run/docker.sock', 'socket'],
  ['/run/user/1000/podman/podman.sock', 'socket'],
  ['/var/lib/incus/unix.socket', 'socket'],
  ['/run/containerd/containerd.sock', 'socket'],
  ['/etc', 'critical'],
  ['/etc/shadow', 'critical'],
  ['/etc/cron.d', 'critical'],
  ['/proc', 'critical'],
  ['/dev', 'critical'],
  ['/var', 'critical'],
  ['/var/lib', 'critical'],
  ['/root/.ssh', 'critical'],
  ['/run', 'sensitive'],
  ['/usr', 'sensitive'],
  ['/dev/sda', 'sensitive'],
  ['/var/lib/docker', 'sensitive'],
  ['/var/log', 'sensitive'],
  ['/run/balena-engine.sock', 'socket'],
  ['/run/dbus/system_bus_socket', 'sensitive'],
  ['/run/dbus', 'sensitive'],
  ['/run/snapd.socket', 'sensitive'],
  ['/run/libvirt/libvirt-sock', 'sensitive'],
  ['/run/libvirt', 'sensitive'],
  ['/run/udev', 'sensitive'],
  ['/run/udev/data', 'plain'],
  ['/run/user/1000/bus', 'plain'],
  ...[
    ...'passwd shadow- sudoers.d crontab cron.daily profile profile.d/x.sh environment ld.so.preload ld.so.conf.d'.split(
      ' ',
    ),
    ...'pam.d ssh/sshd_config systemd/system init.d rc.local rc.d rc3.d rcS.d udev/rules.d docker containerd'.split(
      ' ',
    ),
  ].map((name) => [`/etc/${name}`, 'critical'] as const),
  ...'rclone profiles docker-compose/app group-policies sshfs rcd environments securityd cron.allow systemd-x'
    .split(' ')
    .map((name) => [`/etc/${name}`, 'plain'] as const),
  ['/etc/nginx', 'plain'],
  ['/data', 'plain'],
  ['/home/user/x', 'plain'],
  ['/etc/localtime', undefined],
  ['/etc/ssl/certs', undefined],
  ['/dev/null', undefined],
  ['/dev/shm', undefined],
  [`/var/lib/docker/containers/${'a'.repeat(64)}/resolv.conf`, undefined],
  ['/var/lib/docker/volumes/data/_data', undefined],
  ['/var/lib/kubelet/pods/3a864680/volumes/kubernetes.io~projected/token', undefined],
  ['/var/lib/kubelet/pods/3a864680/etc-hosts', undefined],
  ['/var/lib/kubelet/plugins/kubernetes.io/csi/pv/pvc-1/globalmount', undefined],
  [`/var/lib/kubelet/plugins/kubernetes.io/csi/ebs.csi.aws.com/${'a'.repeat(64)}/globalmount`, undefined],
  ['/var/lib/kubelet/plugins/kubernetes.io/csi', 'sensitive'],
  ['/var/lib/nerdctl/1935db59/volumes/default/pg/_data', undefined],
  ['/var/lib/nerdctl/1935db59/volumes', 'plain'],
  ['/var/lib/incus/shmounts/c1', undefined],
  ['/var/lib/incus/guestapi', undefined],
  ['/var/snap/lxd/common/lxd/devlxd', undefined],
  ['/var/lib/incus/storage-pools', 'plain'],
  ['/sys/fs/fuse/connections', undefined],
  ['/sys/fs/pstore', undefined],
  ['/sys/fs/bpf', 'sensitive'],
  ['/sys/kernel/debug', 'sensitive'],
  ['/var/lib/kubelet/pods', 'sensitive'],
] as const)('%s is %s', (path, kind) => {
  expect(kindOf(path)).toBe(kind);
});

it('sockets that give no root are none of those', () => {
  expect(isDaemonSocket('/run/systemd/notify')).toBe(false);
  expect(isDaemonSocket('/run/mydocker.sock')).toBe(false);
});

it('reads no path whose server or process may never answer', () => {
  const table = new MountTable(
    '1 0 0:40 / / rw - overlay overlay rw\n2 1 0:41 / /data rw - fuse.sshfs x rw\n3 2 0:42 / /data/tmp rw - tmpfs x rw\n' +
      '4 1 0:43 / /dev rw - fuse x rw\n5 1 0:44 / /dev rw - tmpfs x rw\n',
  );
  const paths = ['/', '/dev/null', '/data', '/data/x/y', '/data/tmp/x', '/database', 'relative'];
  expect(paths.filter((path) => table.mayWait(path))).toEqual(['/data', '/data/x/y', '/data/tmp/x']);
  expect(new MountTable('1 0 0:40 / / rw - nfs4 x rw\n').mayWait('/dev')).toBe(true);
});
