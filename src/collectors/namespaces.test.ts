import { describe, expect, it } from 'vitest';
import type { Container } from '../container.ts';
import { membersByNamespace } from '../containers/namespace-members.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';
import type { Scrape } from './collector.ts';
import { namespaces, readNamespaces } from './namespaces.ts';

const DENIED = Object.assign(new Error('EACCES'), { code: 'EACCES' });
const HOST: HostNamespaces = new Map([['net', { inode: 1, source: 'pid1' }]]);

/** A container in that network namespace; an error if it cannot be read. */
function container(net: number | Error, podUid?: string): Container {
  const match = { engine: 'docker', id: 'x', infra: false, ...(podUid !== undefined && { podUid }) };
  const known = net instanceof Error ? { namespaces: {}, namespacesError: net } : { namespaces: { net } };
  return { cgroup: { match }, init: { namespacesError: undefined, ...known } } as unknown as Container;
}

/** Who shares the network namespace of the first container, and what the metrics say. */
function peersOf(...containers: readonly [Container, ...(readonly Container[])]) {
  const members = membersByNamespace(containers);
  const scrape = { containers, members, hostNamespaces: HOST } as unknown as Scrape;
  const sharings = readNamespaces(containers[0], scrape) ?? [];
  const samples: string[] = [];
  for (const family of namespaces.families) {
    if ('samples' in family) family.samples(sharings, (value) => samples.push(`${family.name.slice(20)} ${value}`));
  }
  return [sharings[0]?.peers, ...samples];
}

describe('the containers that share a namespace', () => {
  it('are those outside the pod', () => {
    expect(peersOf(container(7), container(7), container(8))).toEqual([1, 'host_namespace 0', 'namespace_peers 1']);
    expect(peersOf(container(7), container(8))).toEqual([0, 'host_namespace 0']);
    expect(peersOf(container(7, 'a'), container(7, 'a'))).toEqual([0, 'host_namespace 0']);
    expect(peersOf(container(1), container(1))).toEqual(['host', 'host_namespace 1']);
  });

  it('are not none if those of another container could not be read', () => {
    expect(peersOf(container(7), container(DENIED))).toEqual(['not host', 'host_namespace 0']);
    expect(peersOf(container(7), container(7), container(DENIED))).toEqual([
      1,
      'host_namespace 0',
      'namespace_peers 1',
    ]);
    expect(peersOf(container(7, 'a'), container(DENIED, 'a'))).toEqual([0, 'host_namespace 0']);
    expect(peersOf(container(1), container(DENIED))).toEqual(['host', 'host_namespace 1']);
  });
});
