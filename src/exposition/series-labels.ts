import type { Container, Labels } from '../container.ts';
import { renderLabels } from './render-labels.ts';

const LABEL_NAMES = ['engine', 'namespace', 'pod', 'container'] as const;

/** Room for `~<id>` within the length of a label. */
const NAME_BEFORE_ID = 128;
const ID_AFTER_NAME = 64;

const rendered = new WeakMap<Labels, string>();
const renderedForPod = new WeakMap<Container, string>();

/**
 * The rendered labels of each container, all distinct: Prometheus silently drops one of two equal series. If two live
 * containers have the same labels, the newer keeps the name and the other becomes `name~<12 digits of its id>`, so a container
 * that replaces another under its name continues its series.
 */
export function identities(containers: readonly Container[]): ReadonlyMap<Container, string> {
  const taken = new Map<string, Container>();
  const result = new Map<Container, string>();
  // From newest to oldest. Labels rarely collide.
  for (const container of containers.toSorted(newestFirst)) {
    let own = identityOfLabels(container.labels);
    if (taken.has(own)) own = renderWithId(container, container.cgroup.match.id.slice(0, 12));
    // Ids of LXC and nspawn are names and can be equal in nested hosts. Inodes are unique.
    if (taken.has(own)) own = renderWithId(container, String(container.cgroup.inode));
    taken.set(own, container);
    result.set(container, own);
  }
  return result;
}

/** The rendered labels of data whose labels are unique. */
export function identityOfLabels(labels: Labels): string {
  const known = rendered.get(labels) ?? render(labels);
  rendered.set(labels, known);
  return known;
}

/** The rendered labels of a container's pod, or its own outside pods. */
export function podIdentityOf(container: Container, own: string): string {
  if (container.labels.pod === '') return own;
  const known = renderedForPod.get(container) ?? render({ ...container.labels, container: '' });
  renderedForPod.set(container, known);
  return known;
}

function renderWithId({ labels }: Container, id: string): string {
  const name = labels.container.slice(0, NAME_BEFORE_ID);
  return render({ ...labels, container: `${name}~${id.slice(0, ID_AFTER_NAME)}` });
}

function render(labels: Labels): string {
  return renderLabels(
    LABEL_NAMES,
    LABEL_NAMES.map((name) => labels[name]),
  );
}

function newestFirst({ cgroup: a }: Container, { cgroup: b }: Container): number {
  return b.seenAt - a.seenAt || b.inode - a.inode;
}
