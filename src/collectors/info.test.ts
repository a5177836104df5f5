import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Container } from '../container.ts';
import { type HostNamespaces, inodeOfLink } from '../kernel/host-namespaces.ts';
import type { Scrape } from './collector.ts';
import { info } from './info.ts';

/** The mount namespace of this process, as the exporter would find it. */
const OWN = inodeOfLink(readlinkSync('/proc/self/ns/mnt')) ?? 0;

/** The labels for a container whose init is in the first mount namespace, on a host that is in the second. */
function runsExporter(mnt: number | undefined, host: number | undefined): number | undefined {
  if (info.scope !== 'container') throw new Error('it is of containers');
  const init = mnt === undefined ? undefined : { namespaces: { mnt } };
  const hostNamespaces: HostNamespaces = new Map(host === undefined ? [] : [['mnt', { inode: host, source: 'pid1' }]]);
  const kernel = { link: (name: string) => readlinkSync(`/proc/${name}`) };
  const reading = info.read({ init } as unknown as Container, { kernel, hostNamespaces } as unknown as Scrape);
  const family = info.families.find(({ name }) => name === 'isolation_container_runs_exporter');
  return family !== undefined && 'value' in family ? family.value(reading) : undefined;
}

describe('isolation_container_runs_exporter', () => {
  it('is 1 for the container whose mount namespace the exporter is in', () => {
    expect(runsExporter(OWN, OWN + 1)).toBe(1);
  });

  it.each([
    ['of another mount namespace', OWN + 2, OWN + 1],
    ['without a process', undefined, OWN + 1],
    ['in the mount namespace of the host, as the exporter is', OWN, OWN],
    ['on a host whose mount namespace is unknown', OWN, undefined],
  ])('is absent for a container %s', (_, mnt, host) => {
    expect(runsExporter(mnt, host)).toBeUndefined();
  });
});
