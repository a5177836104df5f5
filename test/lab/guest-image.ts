import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { host } from './host.ts';
import { quote, succeed } from './machine.ts';

/** The files that QEMU boots. */
export interface GuestImage {
  readonly kernel: string;
  readonly initramfs: string;
  /** The image of the guest's own root directory. Without one, it shares the host's. */
  readonly disk: string | undefined;
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
  const disk = join(kernelDirectory, 'disk');
  return {
    kernel: join(kernelDirectory, 'vmlinuz'),
    initramfs: join(directory, 'initramfs.gz'),
    disk: existsSync(disk) ? disk : undefined,
  };
}
