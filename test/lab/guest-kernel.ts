import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APT_OF_RELEASE, type DebianRelease } from './debian-release.ts';
import { host } from './host.ts';
import { privateDirectory } from './kept.ts';
import { succeed } from './machine.ts';

/** Kernel modules that every guest needs, in this order: virtio, the 9p file system, overlay. */
export const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'netfs',
  'fscache',
  '9pnet',
  '9pnet_virtio',
  '9p',
  'overlay',
  'veth',
] as const;

/** The distribution's package that depends on its newest kernel. The "cloud" one has no 9p. */
const KERNEL_PACKAGE = 'linux-image-amd64';

/** The origin of a guest's kernel: this machine's own Debian (6.1 in Debian 12), or a newer release (6.12). */
export type GuestKernel = 'own' | 'newer';

const NEWER: DebianRelease = 'trixie';

/** Downloads a guest's kernel with apt, unless an earlier run has done so, and returns the kernel's directory. */
export async function fetchKernel(kernel: GuestKernel): Promise<string> {
  const cache = privateDirectory();
  const prefix = kernel === 'own' ? `kernel-${MODULES.length}-` : `kernel-${NEWER}-${MODULES.length}-`;
  const known = readdirSync(cache).find((name) => name.startsWith(prefix));
  if (known !== undefined) return join(cache, known);

  const work = mkdtempSync(join(cache, 'work-'));
  try {
    await succeed(host, (kernel === 'own' ? FETCH_OWN : FETCH_NEWER)(work), { timeoutMs: 300_000 });
    // Atomically, also with two test runs at once.
    const kept = join(cache, `${prefix}${process.pid}`);
    renameSync(join(work, 'kept'), kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Bash that sets `packages` to those of a kernel. Releases divide it in different ways: into one package, or (Debian 14)
 * into several, where the one that is called image is empty.
 *
 * @param aptCache the command, such as `apt-cache`.
 */
export const KERNEL_PACKAGES = (aptCache: string) => `
  packages=$(${aptCache} depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \\
    --no-enhances ${KERNEL_PACKAGE} | grep '^linux-' | sort -u)
  test -n "$packages" || { echo 'apt knows no ${KERNEL_PACKAGE}' >&2; exit 1; }`;

/** Bash that unpacks the packages in `kernel-debs` into `unpacked`, and puts `vmlinuz` and `modules` into `kept`. */
export const UNPACK_KERNEL = (modules: readonly string[]) => `
  mkdir -p unpacked kept/modules
  for deb in kernel-debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -C unpacked -x; done
  vmlinuz=$(find unpacked -type f -name 'vmlinuz*' | head -n 1)
  test -n "$vmlinuz" || { echo "no package has a kernel: $packages" >&2; exit 1; }
  cp "$vmlinuz" kept/vmlinuz
  for module in ${modules.join(' ')}; do
    # A kernel may have built one in.
    found=$(find unpacked -name "$module.ko*" | head -n 1)
    case $found in
      '') continue ;;
      *.xz) xz -dc "$found" > kept/modules/$module.ko ;;
      *.zst) zstd -qdc "$found" > kept/modules/$module.ko ;;
      *) cp "$found" kept/modules/$module.ko ;;
    esac
    echo "$module" >> kept/modules/order
  done`;

const FETCH_OWN = (work: string) => `
  set -e -o pipefail
  mkdir ${work}/kernel-debs
  cd ${work}/kernel-debs
  ${KERNEL_PACKAGES('apt-cache')}
  apt-get -q download $packages || { apt-get -q update && apt-get -q download $packages; }
  cd ..
  ${UNPACK_KERNEL(MODULES)}`;

const FETCH_NEWER = (work: string) => `
  ${APT_OF_RELEASE(work, NEWER)}
  ${KERNEL_PACKAGES('of_release apt-cache')}
  mkdir kernel-debs
  (cd kernel-debs && of_release apt-get download $packages)
  ${UNPACK_KERNEL(MODULES)}`;
