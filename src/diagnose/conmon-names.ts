import { namesByConmon } from '../engines/conmon.ts';
import { conmonsOf } from '../identify/conmon.ts';
import type { CgroupLayout } from '../kernel/cgroup-layout.ts';
import { isDenied } from '../kernel/errno.ts';
import { findHostNamespaces } from '../kernel/host-namespaces.ts';
import { findHostRoot, type HostRoot } from '../kernel/host-root.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { PathProbes } from '../probes/path-probes.ts';
import type { FoundContainers } from './found-containers.ts';

/** Enough for one container at a time. */
const DESCRIPTORS = 64;

/** How many of Podman's containers their monitors name, as for the daemon. */
export async function countNamedByConmon(
  containers: FoundContainers['podmanContainers'],
  { procfs, layout }: { readonly procfs: string; readonly layout: CgroupLayout },
): Promise<number> {
  const kernel = new KernelFiles({ procRoot: procfs, layout, descriptorBudget: DESCRIPTORS });
  using probes = new PathProbes({ info() {}, warn() {} });
  const namespaces = findHostNamespaces(procfs);
  const hostRoot = (): string | undefined => findHostRoot(kernel, namespaces);
  let count = 0;
  for (const { id, cgroup } of containers) {
    if (await isNamed(kernel, { id, cgroup, probes, hostRoot })) count += 1;
  }
  return count;
}

async function isNamed(
  kernel: KernelFiles,
  {
    id,
    cgroup,
    ...parts
  }: FoundContainers['podmanContainers'][number] & {
    readonly probes: PathProbes;
    readonly hostRoot: HostRoot;
  },
): Promise<boolean> {
  try {
    for (const conmon of conmonsOf(kernel, cgroup)) {
      using _ = { [Symbol.dispose]: () => conmon.close() };
      const names = await namesByConmon(conmon, id, { ...parts, cgroup });
      if (names !== undefined) return true;
    }
  } catch (error) {
    if (!(error instanceof Error && isDenied(error))) throw error;
  }
  return false;
}
