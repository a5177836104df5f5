import type { Container } from '../container.ts';
import { NAMESPACE_KINDS, type NamespaceKind } from '../kernel/host-namespaces.ts';
import { type Collector, defineContainerCollector, NAMESPACE_REMEDY, oncePerScrape, type Scrape } from './collector.ts';

/** Who shares a container's namespace of one kind. */
export interface NamespaceSharing {
  readonly kind: NamespaceKind;
  /**
   * How many containers outside its pod share it, at least; `host` for a namespace of the host. `not host`: none is known to, but the
   * namespaces of another container could not be read.
   */
  readonly peers: number | 'host' | 'not host';
}

/** Which namespaces a container shares with the host, or with containers outside its pod. */
export const namespaces: Collector = defineContainerCollector({
  name: 'namespaces',
  help: 'Namespaces shared with the host and with other containers.',
  remedy: NAMESPACE_REMEDY,
  read: readNamespaces,
  families: [
    {
      name: 'isolation_container_host_namespace',
      type: 'gauge',
      help:
        'Whether the container is in the host namespace of this kind (1) or in another (0): /proc/<pid>/ns of its init ' +
        'process compared with the host. Absent if either is unreadable, the kernel lacks the kind, or in a sandbox.',
      labels: ['ns'],
      samples(sharings, emit) {
        for (const { kind, peers } of sharings) emit(peers === 'host' ? 1 : 0, kind);
      },
    },
    {
      name: 'isolation_container_namespace_peers',
      type: 'gauge',
      help:
        'How many containers outside its own pod are in the same namespace of this kind, by /proc/<pid>/ns, as far as those of ' +
        'all containers can be read. Absent if there is none, where isolation_container_host_namespace is 0; for a namespace ' +
        'of the host; and if unreadable.',
      labels: ['ns'],
      samples(sharings, emit) {
        for (const { kind, peers } of sharings) if (typeof peers === 'number' && peers > 0) emit(peers, kind);
      },
    },
  ],
});

/**
 * Finds who shares a container's namespaces; `undefined` if the container has no process.
 *
 * @throws Error if a privilege is missing.
 */
export function readNamespaces(container: Container, scrape: Scrape): readonly NamespaceSharing[] | undefined {
  const { init, initError, posture } = container;
  const error = initError ?? init?.namespacesError;
  if (error !== undefined) throw error;
  if (init === undefined) return undefined;
  // The namespaces of a sandbox's processes on the host are not those of the workload.
  if (posture !== undefined && posture.sandbox?.kernel !== 'shared') return undefined;
  const sharings: NamespaceSharing[] = [];
  for (const kind of NAMESPACE_KINDS) {
    const inode = init.namespaces[kind];
    const host = scrape.hostNamespaces.get(kind);
    // If either side is unknown, emit nothing: "not shared" would be a guess.
    if (inode === undefined || host === undefined) continue;
    sharings.push(
      sharingOf(kind, inode === host.inode ? 'host' : peersOf(container, scrape.members(kind, inode), scrape)),
    );
  }
  return sharings;
}

/** Its pod of Kubernetes or Podman. */
function podOf({ cgroup: { match } }: Container): string | undefined {
  return match.podUid ?? match.podmanPod;
}

/** Few differ, so each is stored once: equal readings have the same identity. */
const known = new Map<NamespaceKind, Map<NamespaceSharing['peers'], NamespaceSharing>>();

function sharingOf(kind: NamespaceKind, peers: NamespaceSharing['peers']): NamespaceSharing {
  let ofKind = known.get(kind);
  if (ofKind === undefined) {
    ofKind = new Map();
    known.set(kind, ofKind);
  }
  let sharing = ofKind.get(peers);
  if (sharing === undefined) {
    sharing = { kind, peers };
    ofKind.set(peers, sharing);
  }
  return sharing;
}

/** The containers whose namespaces could not be read. Any of them may share those of another one. */
const unreadable = oncePerScrape(({ containers }) =>
  containers.filter(({ init, initError }) => (initError ?? init?.namespacesError) !== undefined),
);

function peersOf(container: Container, members: readonly Container[], scrape: Scrape): number | 'not host' {
  const count = outsidePodOf(container, members);
  return count === 0 && outsidePodOf(container, unreadable(scrape)) > 0 ? 'not host' : count;
}

/** How many of these are neither the container nor in its pod. */
function outsidePodOf(container: Container, others: readonly Container[]): number {
  const pod = podOf(container);
  return others.filter((other) => other !== container && (pod === undefined || podOf(other) !== pod)).length;
}
