import type { DaemonState } from '../collectors/collector.ts';
import type { ContainersWithoutCgroup } from '../containers/without-cgroup.ts';
import type { ContainerLimits } from '../discover/container-limits.ts';
import type { DiscoveredContainers } from '../discover/discovered-containers.ts';
import type { NameSource } from '../engines/name-source.ts';
import type { Naming } from '../engines/naming.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { OomWatch } from '../oom/oom-watch.ts';
import type { OptionalReads } from './optional-reads.ts';

/** The daemon as its own metrics show it: the health of each source, and what could not be seen. */
export function stateOf(options: {
  readonly kernel: KernelFiles;
  readonly reads: OptionalReads;
  readonly discovery: DiscoveredContainers;
  readonly limits: ContainerLimits;
  readonly sources: readonly NameSource[];
  readonly naming: Naming;
  readonly withoutCgroup: ContainersWithoutCgroup<NameSource>;
  readonly hostNamespaces: HostNamespaces;
  readonly oom: OomWatch | undefined;
  readonly acceptances: { readonly isUp: boolean } | undefined;
}): DaemonState {
  const { kernel, reads, discovery, limits, sources, naming, withoutCgroup, hostNamespaces, oom, acceptances } =
    options;
  const hasPsi = reads.read('pressure/cpu', () => kernel.proc('pressure/cpu')) !== undefined;
  const health = new Map([
    ['cgroup_walk', discovery.walkComplete],
    ['cgroup_watch', discovery.watchUp],
    ['host_namespaces', hostNamespaces.has('net') && hostNamespaces.has('mnt') && hostNamespaces.has('pid')],
    ...(oom?.sources ?? []),
    ...(acceptances === undefined ? [] : [['accept_file', acceptances.isUp] as const]),
    ...(kernel.layout.unified === undefined ? [] : [['psi', hasPsi] as const]),
  ]);
  for (const { name, up } of sources) if (up !== undefined) health.set(name, up);
  const limitHits = new Map(
    sources.filter(({ up }) => up !== undefined).map((source) => [source.name, source.limitHits]),
  );
  const ended = new Map(
    sources.flatMap(({ name, up, ended: those }) => (up && those !== undefined ? [[name, those.count] as const] : [])),
  );
  return {
    lifecycle: discovery.lifecycle,
    sources: health,
    withoutCgroup: withoutCgroup.count(sources, (source) => naming.liveIdsOf(source), performance.now()),
    ended,
    limitHits,
    surplus: limits.surplus(),
  };
}
