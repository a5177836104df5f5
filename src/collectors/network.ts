import type { Container } from '../container.ts';
import { type InterfaceCounts, type DirectionCounts, parseNetDev } from '../kernel/net-dev.ts';
import { UNREADABLE, unlessMalformed } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Family, NAMESPACE_REMEDY, type Scrape } from './collector.ts';

/** A container with NET_ADMIN in its own network, as in LXC, can make any number of interfaces and give them any names. */
const MOST_INTERFACES = 256;

/** Network traffic, once per network namespace. The host's traffic is never exported. */
export const network: Collector = defineContainerCollector({
  name: 'network',
  help: 'Network traffic by interface, once per network namespace, without the host.',
  remedy: NAMESPACE_REMEDY,
  read: readNetwork,
  families: [...families('receive'), ...families('transmit')],
});

/**
 * Reads the traffic of a container's network namespace, without `lo`; `undefined` if it is the host's or another container's.
 *
 * @throws Error if the namespace could not be read.
 */
export function readNetwork(container: Container, scrape: Scrape): readonly InterfaceCounts[] | undefined {
  // Without the namespace it is unknown whether this would be the host's traffic.
  const error = container.initError ?? container.init?.namespacesError;
  if (error !== undefined) throw error;
  if (!ownsItsNetwork(container, scrape)) return undefined;
  const bytes = container.init?.files.read('net/dev');
  if (bytes === undefined) return undefined;
  const found = unlessMalformed('net/dev', (note) => parseNetDev(bytes, { most: MOST_INTERFACES + 1, note }));
  return found === UNREADABLE ? undefined : found.filter(({ name }) => name !== 'lo').slice(0, MOST_INTERFACES);
}

/**
 * Whether to report a container's network namespace for this container: it is known, it is not the host's, and the container
 * is the oldest in it, so it created the namespace.
 */
function ownsItsNetwork(container: Container, scrape: Scrape): boolean {
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
      `Network ${direction} ${count} by interface: /proc/<pid>/net/dev of the container that created the network namespace; ` +
      `for a pod without a container label. Absent in the network of the host, for interfaces after ${MOST_INTERFACES}, or if the ` +
      'namespace is unreadable.',
    labels: ['interface'],
    samples(interfaces, emit) {
      for (const found of interfaces) {
        const value = found[direction][count];
        if (value !== undefined) emit(value, found.name);
      }
    },
  }));
}
