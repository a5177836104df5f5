import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APT_OF_RELEASE, type DebianRelease } from './debian-release.ts';
import { KERNEL_PACKAGES, MODULES, UNPACK_KERNEL } from './guest-kernel.ts';
import { host } from './host.ts';
import { privateDirectory } from './kept.ts';
import { succeed } from './machine.ts';

const RELEASE: DebianRelease = 'forky';

/** Docker, Podman, Node, and what the suites' scripts need. */
const PACKAGES =
  'systemd-sysv dbus mount ca-certificates docker.io docker-cli containerd runc crun podman nodejs apparmor busybox-static ' +
  'curl iproute2 kmod procps';

/** The other engines, and what Podman needs for users without root. */
const OTHER_ENGINES = 'incus-base lxc systemd-container runsc uidmap slirp4netns dbus-user-session';

/** Those of the disk come first. */
const DISK_MODULES = ['crc16', 'mbcache', 'jbd2', 'ext4', 'virtio_blk'];

/**
 * Makes a guest of Debian forky with its own kernel and engines, unless an earlier run has done so: with `LAB=all` all
 * engines, otherwise Docker and Podman. It is bootstrapped into a directory and never installed on this machine.
 *
 * @returns the directory with `vmlinuz`, `modules` and `disk`, the image of an ext4 file system.
 * @throws Error if the mirror does not answer.
 */
export async function fetchForky(): Promise<string> {
  const cache = privateDirectory();
  const recipe = process.env['LAB'] === 'all' ? ALL : SOME;
  const hash = createHash('sha256').update(recipe('')).digest('hex').slice(0, 12);
  const kept = join(cache, `guest-${RELEASE}-${hash}`);
  if (existsSync(kept)) return kept;
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    await succeed(host, recipe(work), { timeoutMs: 1_200_000 });
    // Atomically, also when two test runs fetch at once.
    if (!existsSync(kept)) renameSync(join(work, 'kept'), kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const FETCH = (work: string, packages: string, more: string) => `
  ${APT_OF_RELEASE(work, RELEASE)}
  ${KERNEL_PACKAGES('of_release apt-cache')}
  mkdir kernel-debs
  (cd kernel-debs && of_release apt-get download $packages)
  ${UNPACK_KERNEL([...DISK_MODULES, ...MODULES])}

  # The mirror is reached as this machine's apt reaches it.
  apt-config dump --format '%F "%v";%n' Acquire | grep -v IndexTargets > apt.conf
  mmdebstrap --mode=root --variant=essential --format=directory --aptopt=${work}/apt.conf \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include=${packages.replaceAll(' ', ',')} ${RELEASE} root "$(cat sources.list)" > log 2>&1 ||
    { grep -a '^E:' log | head -n 5 >&2; exit 1; }
  rm -f root/etc/resolv.conf
  ${more}
  mke2fs -q -t ext4 -O ^has_journal -d root kept/disk 8G`;

const SOME = (work: string) => FETCH(work, PACKAGES, '');

/** With all modules of the kernel: Incus loads some. */
const ALL = (work: string) =>
  FETCH(
    work,
    `${PACKAGES} ${OTHER_ENGINES}`,
    `cp -a "$(find unpacked -type d -path '*lib/modules')" root/usr/lib/
  chroot root depmod "$(ls root/usr/lib/modules)"`,
  );
