import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { type HostNamespaces, inodeOfLink } from '../kernel/host-namespaces.ts';
import { Encoder } from './encode.ts';
import { Failures } from './failures.ts';
import { runCollectors } from './scrape.ts';

/** The mount namespace of this process, as the exporter would find it. */
const OWN = inodeOfLink(readlinkSync('/proc/self/ns/mnt')) ?? 0;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The samples without any collector, for a container whose init is in the first mount namespace, on a host that is in the second. */
async function samples(mnt: number | undefined, host: number | undefined): Promise<readonly string[]> {
  const container = {
    cgroup: { path: '/web', inode: 1, seenAt: 0, match: { engine: 'docker', id: 'f'.repeat(64), infra: false } },
    labels: { engine: 'docker', namespace: '', pod: '', container: 'web' },
    init: mnt === undefined ? undefined : { namespaces: { mnt } },
  } as unknown as Container;
  const hostNamespaces: HostNamespaces = new Map(host === undefined ? [] : [['mnt', { inode: host, source: 'pid1' }]]);
  const kernel = { link: (name: string) => readlinkSync(`/proc/${name}`) };
  const scrape = { kernel, hostNamespaces, containers: [container] } as unknown as Scrape;
  const encoder = new Encoder('text');
  await runCollectors({ collectors: [], scrape, encoder, failures: new Failures(silent), deadline: Infinity });
  const text = Buffer.concat(encoder.finish()).toString();
  return text.split('\n').filter((line) => line.startsWith('isolation_container_runs_exporter'));
}

describe('isolation_container_runs_exporter', () => {
  it('is 1 for the container whose mount namespace the exporter is in, whichever collectors run', async () => {
    const labels = 'engine="docker",container="web"';
    expect(await samples(OWN, OWN + 1)).toEqual([`isolation_container_runs_exporter{${labels}} 1`]);
  });

  it.each([
    ['of another mount namespace', OWN + 2, OWN + 1],
    ['without a process', undefined, OWN + 1],
    ['in the mount namespace of the host, as the exporter is', OWN, OWN],
    ['on a host whose mount namespace is unknown', OWN, undefined],
  ])('is absent for a container %s', async (_, mnt, host) => {
    expect(await samples(mnt, host)).toEqual([]);
  });
});
