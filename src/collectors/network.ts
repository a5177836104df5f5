import type { Container } from '../container.ts';
import { type InterfaceCounts, type DirectionCounts, parseNetDev } from '../kernel/net-dev.ts';
import { type Collector, defineContainerCollector, type Family, NAMESPACE_REMEDY, type Scrape } from './collector.ts';

/** Traffic, once for each network namespace, and never that of the host. */
export const network: Collector = defineContainerCollector({
  name: 'network',
  help: 'Network traffic by interface, once per network namespace, without the host.',
  remedy: NAMESPACE_REMEDY,
  read(container, scrape): readonly InterfaceCounts[] | undefined {
    // Without the namespace it is not to be told whether this would be the traffic of the host.
    const error = container.initError ?? container.init?.namespacesError;
    if (error !== undefined) throw error;
    if (!speaksForItsNetwork(container, scrape)) return undefined;
    const bytes = container.init?.files.read('net/dev');
    return bytes === undefined ? undefined : parseNetDev(bytes).filter(({ name }) => name !== 'lo');
  },
  families: [...families('receive'), ...families('transmit')],
});

/**
 * Whether a container's network namespace is known, is not the host's, and it is the one among those in it to tell: the
 * oldest, which made it.
 */
function speaksForItsNetwork(container: Container, scrape: Scrape): boolean {
  const inode = container.init?.namespaces.net;
  const host = scrape.hostNamespaces.get('net');
  if (inode === undefined || host === undefined || inode === host.inode) return false;
  const [first, ...others] = scrape.members('net', inode);
  return others.reduce((oldest, other) => (isOlder(other, oldest) ? other : oldest), first) === container;
}

function isOlder(container: Container, than: Container | undefined): boolean {
  if (than === undefined) return true;
  const difference = (container.init?.startTime ?? Infinity) - (than.init?.startTime ?? Infinity);
  return difference < 0 || (difference === 0 && container.cgroup.path < than.cgroup.path);
}

function families(direction: 'receive' | 'transmit'): Family<readonly InterfaceCounts[]>[] {
  const counts: readonly (keyof DirectionCounts)[] = ['bytes', 'packets', 'errors', 'dropped'];
  return counts.map((count) => ({
    name: `isolation_container_network_${direction}_${count}_total`,
    type: 'counter',
    of: 'pod',
    help:
      `Network ${direction} ${count} by interface: /proc/<pid>/net/dev of the container that made the network namespace; ` +
      'for a pod without a container label. Absent on the network of the host, or if the namespace could not be read.',
    labels: ['interface'],
    samples(interfaces, emit) {
      for (const found of interfaces) emit(found[direction][count], found.name);
    },
  }));
}
