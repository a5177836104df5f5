import { lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { APT_OF_RELEASE, type DebianRelease } from './debian-release.ts';
import { host } from './host.ts';
import { quote, succeed } from './machine.ts';

/** The files that QEMU boots. */
export interface GuestImage {
  readonly kernel: string;
  readonly initramfs: string;
}

/** Kernel modules that the guest needs, in this order: virtio, the 9p file system, overlay. */
const MODULES = [
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
];

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

/** Puts the kernel's modules and the first program into an initramfs in `directory`. */
export async function buildImage(kernelDirectory: string, directory: string): Promise<GuestImage> {
  const root = join(directory, 'initramfs');
  const init = fileURLToPath(new URL('./guest/initramfs-init.sh', import.meta.url));
  await succeed(
    host,
    `set -e
    mkdir -p ${root}/bin ${root}/proc ${root}/dev ${root}/modules
    cp /bin/busybox ${root}/bin/
    cp ${quote(init)} ${root}/init
    chmod +x ${root}/init
    cp ${kernelDirectory}/modules/* ${root}/modules/
    cd ${root}
    find . | cpio --quiet -o -H newc | gzip -1 > ${directory}/initramfs.gz
    rm -r ${root}`,
  );
  return { kernel: join(kernelDirectory, 'vmlinuz'), initramfs: join(directory, 'initramfs.gz') };
}

/** A cache directory that survives runs. Other users must not be able to put a kernel there. */
export function privateDirectory(): string {
  const uid = process.getuid?.();
  const directory = join(tmpdir(), `isolation-exporter-lab-${uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid: owner, mode } = lstatSync(directory);
  if (owner !== uid || (mode & 0o077) !== 0) throw new Error(`${directory} is open to others; remove it`);
  writeFileSync(join(directory, 'README'), 'What the live tests of isolation-exporter fetched. May be removed.\n');
  return directory;
}

const FETCH_OWN = (work: string) => `
  set -e -o pipefail
  cd ${work}
  ${DEPENDENCY('apt-cache')}
  apt-get -q download "$package" || { apt-get -q update && apt-get -q download "$package"; }
  ${UNPACK}`;

const FETCH_NEWER = (work: string) => `
  ${APT_OF_RELEASE(work, NEWER)}
  ${DEPENDENCY('of_release apt-cache')}
  of_release apt-get download "$package"
  ${UNPACK}`;

const DEPENDENCY = (aptCache: string) => `
  package=$(${aptCache} depends ${KERNEL_PACKAGE} | awk '/^ *Depends: linux-image-/ { print $2; exit }')
  test -n "$package" || { echo 'apt knows no ${KERNEL_PACKAGE}' >&2; exit 1; }`;

const UNPACK = `
  mkdir -p unpacked kept/modules
  dpkg-deb --fsys-tarfile ./*.deb | tar -C unpacked -x
  cp unpacked/boot/vmlinuz-* kept/vmlinuz
  for module in ${MODULES.join(' ')}; do
    # A kernel may have built one in.
    found=$(find unpacked -name "$module.ko*" | head -n 1)
    case $found in
      '') continue ;;
      *.xz) xz -dc "$found" > kept/modules/$module.ko ;;
      *) cp "$found" kept/modules/$module.ko ;;
    esac
    echo "$module" >> kept/modules/order
  done`;
