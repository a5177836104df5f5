import { createHash } from 'node:crypto';
import { type Container, isMadeByOthers, type Labels } from '../container.ts';
import { renderLabels } from './render-labels.ts';

const LABEL_NAMES = ['engine', 'namespace', 'pod', 'container'] as const;

/** The number of characters that `~<id>` takes at the end of a label. */
const NAME_BEFORE_ID = 128;
const ID_AFTER_NAME = 64;
const HASH_DIGITS = 12;

/** How the series of containers are labelled. All labels are rendered. */
export interface SeriesLabels {
  /** The labels of each container, all distinct. */
  ofContainers(containers: readonly Container[]): ReadonlyMap<Container, string>;
  /** The labels of a container's pod, or its own outside pods. */
  readonly ofPod: (container: Container, own: string) => string;
}

const rendered = new WeakMap<Labels, string>();
const renderedForPod = new WeakMap<Container, string>();

/**
 * The rendered labels of each container, all distinct: Prometheus silently drops one of two equal series. If two live
 * containers have the same labels, the newer keeps the name and the other becomes `name~<12 digits of its id>`, so a container
 * that replaces another under its name continues its series. What others than the host's root can have made never takes the name
 * of a container that only root can have made.
 */
export function identities(containers: readonly Container[]): ReadonlyMap<Container, string> {
  const taken = new Map<string, Container>();
  const result = new Map<Container, string>();
  // Labels rarely collide.
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

/**
 * The rendered labels of entries that are kept by labels, all distinct. Different names can become equal once they are cut or
 * made printable. Then the entry of a live container keeps that container's labels. Among the others the first keeps the name,
 * and the rest get a hash of their labels.
 */
export function identitiesOfKept<Entry extends { readonly labels: Labels }>(
  entries: readonly Entry[],
  containers: ReadonlyMap<Container, string>,
): ReadonlyMap<string, Entry> {
  const result = new Map<string, Entry>();
  for (const entry of entries) result.set(identityOfLabels(entry.labels), entry);
  if (result.size === entries.length) return result;
  result.clear();
  const live = liveIdentities(containers);
  const gone: Entry[] = [];
  for (const entry of entries) {
    const own = live.get(keyOf(entry.labels));
    if (own === undefined) gone.push(entry);
    else result.set(own, entry);
  }
  for (const entry of gone) {
    const own = identityOfLabels(entry.labels);
    result.set(result.has(own) ? renderWithHash(entry.labels) : own, entry);
  }
  return result;
}

/** The rendered labels of the live container with these labels; the newest one, if there are several. */
function liveIdentities(containers: ReadonlyMap<Container, string>): ReadonlyMap<string, string> {
  const live = new Map<string, string>();
  for (const [{ labels }, own] of containers) {
    const key = keyOf(labels);
    if (!live.has(key)) live.set(key, own);
  }
  return live;
}

function renderWithHash(labels: Labels): string {
  const hash = createHash('sha256').update(keyOf(labels)).digest('hex').slice(0, HASH_DIGITS);
  return render({ ...labels, container: `${labels.container.slice(0, NAME_BEFORE_ID)}~${hash}` });
}

function keyOf(labels: Labels): string {
  return JSON.stringify(LABEL_NAMES.map((name) => labels[name]));
}

/** The rendered labels of data whose labels are unique. */
export function identityOfLabels(labels: Labels): string {
  const known = rendered.get(labels) ?? render(labels);
  rendered.set(labels, known);
  return known;
}

function podIdentityOf(container: Container, own: string): string {
  if (container.labels.pod === '') return own;
  const known = renderedForPod.get(container) ?? render({ ...container.labels, container: '' });
  renderedForPod.set(container, known);
  return known;
}

/** Our labels: `engine`, `namespace`, `pod` and `container`. */
export const OUR_LABELS: SeriesLabels = { ofContainers: identities, ofPod: podIdentityOf };

function renderWithId({ labels }: Container, id: string): string {
  const name = labels.container.slice(0, NAME_BEFORE_ID);
  return render({ ...labels, container: `${name}~${id.slice(0, ID_AFTER_NAME)}` });
}

/**
 * A backtick becomes a single quote: dashboards put names into raw strings of PromQL, which a backtick would end. Engines allow
 * none, but a container with write access to its cgroup can create any name.
 */
function render(labels: Labels): string {
  return renderLabels(
    LABEL_NAMES,
    LABEL_NAMES.map((name) => labels[name].replaceAll('`', "'")),
  );
}

/** Those of the host's root come before all others, because others can choose any name. */
function newestFirst({ cgroup: a }: Container, { cgroup: b }: Container): number {
  return Number(isMadeByOthers(a.match)) - Number(isMadeByOthers(b.match)) || b.seenAt - a.seenAt || b.inode - a.inode;
}
