import { join } from 'node:path';
import { APT_OF_RELEASE } from './debian-release.ts';
import { privateDirectory } from './kept.ts';
import { keepFrom } from './newer-debian.ts';

/** containerd 2, runtimes that can map ids of mounts, and plugins for pods' networks. Debian 12 has none of them. */
const PACKAGES = ['containerd', 'runc', 'crun', 'containernetworking-plugins'];

/** What the runtimes need, and Debian 12 does not have in this version. */
const LIBRARIES = ['libc6', 'libblake3-0'];

/** Where the programs are on a node: the runtimes look for their libraries there. */
export const ENGINE_ON_NODE = '/opt/lab-node';

/** The directory on the host to copy to {@link ENGINE_ON_NODE}, after {@link fetchNodeEngine}: `bin`, `cni`, `lib`. */
export function nodeEngine(): string {
  return join(privateDirectory(), 'node-engine-forky');
}

/** Downloads the programs with apt, unless an earlier run has done so. They run beside the machine's own packages. */
export async function fetchNodeEngine(): Promise<void> {
  await keepFrom(nodeEngine(), FETCH);
}

const FETCH = (work: string) => `
  ${APT_OF_RELEASE(work, 'forky')}
  mkdir -p debs root kept/bin kept/cni kept/lib
  cd debs
  of_release apt-get download ${[...PACKAGES, ...LIBRARIES].map((name) => `${name}/forky`).join(' ')}
  for deb in *.deb; do dpkg-deb -x "$deb" ../root; done
  cd ../root/usr
  mv bin/containerd bin/containerd-shim-runc-v2 bin/ctr bin/crun sbin/runc ../../kept/bin/
  mv lib/cni/ptp lib/cni/loopback lib/cni/host-local ../../kept/cni/
  cp -L lib/x86_64-linux-gnu/{ld-linux-x86-64.so.2,libc.so.6,libm.so.6,libblake3.so.0} ../../kept/lib/
  # Debian 12's C library is too old for them. The others are found where they always are.
  patchelf --force-rpath --set-rpath ${ENGINE_ON_NODE}/lib \\
    --set-interpreter ${ENGINE_ON_NODE}/lib/ld-linux-x86-64.so.2 ../../kept/bin/runc ../../kept/bin/crun`;
