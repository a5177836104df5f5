import { describe, expect, test } from 'vitest';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { upperDirectory } from './upper-directory.ts';

/** Lines of a mount table: an overlay with these options at each of these points. */
const overlay = (points: readonly string[], options: string, device = '0:57') =>
  points.map((point, nth) => `${900 + nth} 30 ${device} / ${point} rw,relatime - overlay overlay ${options}`);

function found(own: readonly string[], host: readonly string[]): string | undefined {
  const root = parseMountinfo(own.join('\n')).findLast(({ mountPoint }) => mountPoint === '/');
  return upperDirectory(root, parseMountinfo(['30 1 254:1 / / rw - ext4 /dev/vda1 rw', ...host].join('\n')));
}

describe('the upper directory of a container', () => {
  const DOCKER =
    'rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/var/lib/docker/overlay2/4f2a/diff,workdir=/var/lib/docker/overlay2/4f2a/work';
  const MERGED = '/var/lib/docker/overlay2/4f2a/merged';

  test.each([
    ['Docker', MERGED, DOCKER, '/var/lib/docker/overlay2/4f2a/diff'],
    [
      'Podman and CRI-O',
      '/var/lib/containers/storage/overlay/9c1d/merged',
      'rw,context="system_u:object_r:container_file_t:s0:c1,c2",lowerdir=/var/lib/containers/storage/overlay/l/X,upperdir=/var/lib/containers/storage/overlay/9c1d/diff,workdir=/var/lib/containers/storage/overlay/9c1d/work',
      '/var/lib/containers/storage/overlay/9c1d/diff',
    ],
    [
      'containerd',
      '/run/containerd/io.containerd.runtime.v2.task/k8s.io/77ab/rootfs',
      'rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/3/fs,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs,workdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/work',
      '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs',
    ],
    [
      'Docker on a path with a space and a comma',
      '/srv/a\\040b,c/overlay2/4f2a/merged',
      'rw,lowerdir=l/A,upperdir=/srv/a\\040b\\054c/overlay2/4f2a/diff,workdir=/srv/x',
      '/srv/a b,c/overlay2/4f2a/diff',
    ],
  ])('is known for %s', (_, point, options, path) =>
    expect(found(overlay(['/'], options), overlay([point], options))).toBe(path),
  );

  test('is not believed if only the container says so', () => {
    const host = overlay([MERGED], DOCKER);
    const own = overlay(['/'], 'rw,lowerdir=/x,upperdir=/,workdir=/w', '0:99');
    expect(found([...overlay(['/'], DOCKER), ...own], host)).toBeUndefined();
    expect(found(overlay(['/'], DOCKER, '0:99'), host)).toBeUndefined();
    expect(found(overlay(['/'], DOCKER), [])).toBeUndefined();
  });

  test('is not that of an ended container, whose device number has been used again', () =>
    expect(found(overlay(['/'], DOCKER), overlay([MERGED], DOCKER.replaceAll('4f2a', 'b0b0')))).toBeUndefined());

  test.each([
    ['/etc', '/var/lib/x/merged'],
    ['/', '/merged'],
    ['/var/lib/docker/overlay2/4f2a/../../../../etc', '/var/lib/docker/overlay2/4f2a/../../../../merged'],
    ['4f2a/diff', '4f2a/merged'],
    ['/run/rw', '/'],
    ['/a\\134b/diff', '/a\\134b/merged'],
  ])('is not %s where %s is mounted, which no engine does', (upper, point) => {
    const options = `rw,lowerdir=/x,upperdir=${upper},workdir=/w`;
    expect(found(overlay(['/'], options), overlay([point], options))).toBeUndefined();
  });

  test('is not there without an overlay, or with one that cannot be written to', () => {
    const host = overlay([MERGED], DOCKER);
    expect(found(['900 30 254:1 /data / rw - ext4 /dev/vda1 rw'], host)).toBeUndefined();
    expect(found(overlay(['/data'], DOCKER), host)).toBeUndefined();
    expect(found(overlay(['/'], 'ro,lowerdir=/a:/b'), overlay([MERGED], 'ro,lowerdir=/a:/b'))).toBeUndefined();
  });
});
