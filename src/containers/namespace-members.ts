import type { Container } from '../container.ts';
import type { NamespaceKind } from '../kernel/host-namespaces.ts';

/** Finds the containers whose init is in a namespace. The index of each kind is built on first use. */
export function membersByNamespace(
  containers: readonly Container[],
): (kind: NamespaceKind, inode: number) => readonly Container[] {
  const byKind = new Map<NamespaceKind, Map<number, Container[]>>();
  return (kind, inode) => {
    const known = byKind.get(kind) ?? sortBy(kind, containers);
    byKind.set(kind, known);
    return known.get(inode) ?? [];
  };
}

function sortBy(kind: NamespaceKind, containers: readonly Container[]): Map<number, Container[]> {
  const byInode = new Map<number, Container[]>();
  for (const container of containers) {
    const inode = container.init?.namespaces[kind];
    if (inode === undefined) continue;
    const members = byInode.get(inode);
    if (members === undefined) byInode.set(inode, [container]);
    else members.push(container);
  }
  return byInode;
}
