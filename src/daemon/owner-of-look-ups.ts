import type { DiscoveredContainers } from '../discover/discovered-containers.ts';
import { privateParentsOf } from '../identify/cgroup-scope.ts';
import { parentOf } from '../kernel/paths.ts';

/**
 * Who can make the look-ups for a cgroup hang: the outermost container around it or the user in whose part of the tree it is, and of a
 * container its pod. All else is its own owner.
 */
export function ownerOfLookUps(path: string, discovery: Pick<DiscoveredContainers, 'territoryOf'>): string {
  // An engine or a file of the configuration.
  if (!path.startsWith('/')) return path;
  const top = discovery.territoryOf(path) ?? path;
  return privateParentsOf(top).length > 0 ? parentOf(top) : top;
}
