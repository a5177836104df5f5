import type { Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { unseenAsUndefined } from '../kernel/errno.ts';
import { inodeOfLink } from '../kernel/host-namespaces.ts';
import type { Encoder } from './encode.ts';

/** In each scrape, whichever collectors run: rules on different collectors except the exporter by it. */
export const RUNS_EXPORTER = {
  name: 'isolation_container_runs_exporter',
  type: 'gauge',
  help:
    'Always 1, for the container that this exporter runs in: its init process is in the same mount namespace, by ' +
    '/proc/<pid>/ns/mnt. Absent for all others.',
} as const;

/** Marks the container that the exporter runs in. */
export function encodeOwnContainer(scrape: Scrape, known: ReadonlyMap<Container, string>, encoder: Encoder): void {
  const own = ownMounts(scrape);
  if (own === undefined) return;
  // Does not use names: another container could take the exporter's name.
  const found = scrape.containers.filter(({ init }) => init?.namespaces.mnt === own);
  if (found.length === 0) return;
  encoder.family(RUNS_EXPORTER);
  for (const container of found) encoder.sample(known.get(container) ?? '', 1);
}

/** The exporter's mount namespace; `undefined` if it is the host's, because then it is in no container. */
function ownMounts({ kernel, hostNamespaces }: Scrape): number | undefined {
  const host = hostNamespaces.get('mnt')?.inode;
  const own = inodeOfLink(unseenAsUndefined(() => kernel.link('self/ns/mnt')) ?? '');
  return host === undefined || own === host ? undefined : own;
}
