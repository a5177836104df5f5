import { type Container, type EngineRecord, isMadeByOthers, type Labels, type Life, type Names } from '../container.ts';
import type { NameSource } from '../engines/name-source.ts';
import { labelsOf } from './labels.ts';

/**
 * What engines keep about the lives of containers, by labels: how each last ended and how often it was restarted. What an engine said
 * before it stopped answering stays: the past does not change.
 */
export function engineRecords(
  containers: readonly Container[],
  sources: readonly Pick<NameSource, 'ended'>[],
): readonly EngineRecord[] {
  const hasRecords = containers.some(isKept) || sources.some(({ ended }) => (ended?.containers ?? []).length > 0);
  if (!hasRecords) return [];
  const records = new Map<string, EngineRecord>();
  // First the one that the labels stand for, if several have the same: the newest, and one of the host's root before all others.
  const live = containers.toSorted(
    ({ cgroup: a }, { cgroup: b }) =>
      Number(isMadeByOthers(a.match)) - Number(isMadeByOthers(b.match)) || b.seenAt - a.seenAt,
  );
  for (const { labels, names, life } of live) addTo(records, { labels, names, life, hasEnded: false });
  for (const { ended } of sources) {
    for (const { id, names, life } of ended?.containers ?? []) {
      if (names.infra === true) continue;
      const labels = labelsOf({ engine: ended?.engine ?? '', id, infra: false }, names);
      addTo(records, { labels, names, life, hasEnded: true });
    }
  }
  return [...records.values()].filter(
    ({ exit, restarts, shouldRun, hasEnded }) => exit !== undefined || restarts !== undefined || shouldRun || hasEnded,
  );
}

function isKept({ life, names }: Container): boolean {
  return life?.exit !== undefined || life?.restarts !== undefined || names.shouldRun === true;
}

function addTo(
  records: Map<string, EngineRecord>,
  found: {
    readonly labels: Labels;
    readonly names: Names;
    readonly life: Life | undefined;
    readonly hasEnded: boolean;
  },
): void {
  const { labels, names, life = {}, hasEnded } = found;
  const key = keyOf(labels);
  const known = records.get(key);
  const record = { labels, restarts: life.restarts, exit: life.exit, shouldRun: names.shouldRun === true, hasEnded };
  if (known === undefined) records.set(key, withoutUnknown(record));
  else if (hasEnded && (life.exit?.at ?? 0) > (known.exit?.at ?? 0)) {
    records.set(key, withoutUnknown(known.hasEnded ? record : { ...known, restarts: known.restarts, exit: life.exit }));
  }
}

/** The labels of a container are the same object in each scrape. */
const keys = new WeakMap<Labels, string>();

function keyOf(labels: Labels): string {
  let key = keys.get(labels);
  if (key === undefined) {
    key = JSON.stringify([labels.engine, labels.namespace, labels.pod, labels.container]);
    keys.set(labels, key);
  }
  return key;
}

function withoutUnknown({
  restarts,
  exit,
  ...others
}: Pick<EngineRecord, 'labels' | 'shouldRun' | 'hasEnded'> & {
  readonly [K in 'restarts' | 'exit']: EngineRecord[K] | undefined;
}): EngineRecord {
  return { ...others, ...(restarts !== undefined && { restarts }), ...(exit !== undefined && { exit }) };
}
