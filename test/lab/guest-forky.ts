import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APT_OF_RELEASE, type DebianRelease } from './debian-release.ts';
import { KERNEL_PACKAGES, MODULES, UNPACK_KERNEL } from './guest-kernel.ts';
import { host } from './host.ts';
import { privateDirectory } from './kept.ts';
import { succeed } from './machine.ts';

const RELEASE: DebianRelease = 'forky';

/** The engines, Node, and what the suites' scripts need. */
const PACKAGES = [
  'docker.io docker-cli containerd runc crun podman incus-base lxc systemd-container runsc',
  // For users without root.
  'uidmap slirp4netns dbus-user-session',
  'nodejs apparmor busybox-static curl iproute2 kmod procps',
];

/** Those of the disk come first. */
const DISK_MODULES = ['crc16', 'mbcache', 'jbd2', 'ext4', 'virtio_blk'];

/**
 * Makes a guest of Debian forky with its own kernel and engines, unless an earlier run has done so. It is bootstrapped
 * into a directory and never installed on this machine.
 *
 * @returns the directory with `vmlinuz`, `modules` and `disk`, the image of an ext4 file system.
 * @throws Error if the mirror does not answer.
 */
export async function fetchForky(): Promise<string> {
  const cache = privateDirectory();
  const recipe = createHash('sha256').update(FETCH('')).digest('hex').slice(0, 12);
  const kept = join(cache, `guest-${RELEASE}-${recipe}`);
  if (existsSync(kept)) return kept;
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    await succeed(host, FETCH(work), { timeoutMs: 1_200_000 });
    // Atomically, also when two test runs fetch at once.
    if (!existsSync(kept)) renameSync(join(work, 'kept'), kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

// An older debootstrap has no script of that name; that of sid does for all releases after it.
const FETCH = (work: string) => `
  ${APT_OF_RELEASE(work, RELEASE)}
  ${KERNEL_PACKAGES('of_release apt-cache')}
  mkdir kernel-debs
  (cd kernel-debs && of_release apt-get download $packages)
  ${UNPACK_KERNEL([...DISK_MODULES, ...MODULES])}

  said() { "$@" > log 2>&1 || { tail -n 5 log >&2; exit 1; }; }
  said debootstrap --variant=minbase --include=systemd-sysv,dbus,ca-certificates ${RELEASE} ${work}/root "$own" \\
    /usr/share/debootstrap/scripts/sid
  # Nothing of it starts here.
  printf '#!/bin/sh\\nexit 101\\n' > root/usr/sbin/policy-rc.d
  chmod +x root/usr/sbin/policy-rc.d
  cp /etc/resolv.conf root/etc/resolv.conf
  inside() {
    unshare --mount --pid --fork --mount-proc=${work}/root/proc chroot root env -i DEBIAN_FRONTEND=noninteractive \\
      HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
  }
  said inside apt-get -q -o APT::Sandbox::User=root install -y --no-install-recommends ${PACKAGES.join(' ')}
  inside apt-get clean
  rm -f root/usr/sbin/policy-rc.d root/etc/resolv.conf

  cp -a "$(find unpacked -type d -path '*lib/modules')" root/usr/lib/
  inside depmod "$(ls root/usr/lib/modules)"
  mke2fs -q -t ext4 -O ^has_journal -d root kept/disk 8G`;
