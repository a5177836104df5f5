import { type CgroupMatch, type Labels, makerOf } from '../container.ts';
import type { KmsgPosition } from '../kernel/kmsg.ts';
import type { ContainerRecord } from './container-record.ts';
import type { SavedEvents } from './event-count.ts';
import type { SavedSources } from './kill-sources.ts';
import type { ArchivedKills } from './kill-totals.ts';
import type { Entries, LoadedEntries } from './state-journal.ts';

/** The state that is saved for the next run of the exporter. */
export interface State {
  readonly boot: Boot;
  /** The last record of the kernel's log that was read. */
  readonly kmsg: KmsgPosition | undefined;
  /** When the state was saved, in seconds since that boot, like all other times. */
  readonly savedAt: number;
  readonly expiredKills: number;
  readonly totals: readonly ArchivedKills[];
  readonly records: readonly SavedRecord[];
}

/** The kernel's counters, the record numbers of its log and the steady clock restart at each boot. */
export interface Boot {
  readonly id: string;
  /** In seconds since the epoch, by the wall clock as it was set when the state was saved. */
  readonly time: number;
}

/** The saved part of a record that has kills, or contains inner containers with kills. */
export interface SavedRecord extends Pick<
  ContainerRecord,
  'match' | 'path' | 'inode' | 'kills' | 'archivedInnerKills' | 'lastKill' | 'removedAt' | 'named'
> {
  readonly sources: SavedSources;
  readonly events: SavedEvents;
}

/** The data to save. */
export function stateOf(parts: {
  readonly boot: Boot;
  readonly kmsg: KmsgPosition | undefined;
  readonly savedAt: number;
  readonly expiredKills: number;
  readonly totals: readonly ArchivedKills[];
  readonly records: readonly ContainerRecord[];
}): State {
  return {
    boot: parts.boot,
    kmsg: parts.kmsg,
    savedAt: parts.savedAt,
    expiredKills: parts.expiredKills,
    totals: parts.totals.map(({ labels, maker, kills, events, lastKill, removedAt }) => ({
      labels,
      maker,
      kills,
      events,
      lastKill,
      removedAt,
    })),
    records: parts.records.filter(isWorthSaving).map(savedRecord),
  };
}

/**
 * Without the inner records, the next run would count their kills in the outer counter as the outer container's own. Kills in the sources
 * that are not settled yet will not be reported again.
 */
function isWorthSaving({ kills, sources, inner, archivedInnerKills }: ContainerRecord): boolean {
  return kills > 0 || sources.sum(0).kills > 0 || archivedInnerKills > 0 || [...inner].some(isWorthSaving);
}

function savedRecord(record: ContainerRecord): SavedRecord {
  const { match, path, inode, kills, archivedInnerKills, lastKill, removedAt, named } = record;
  const [sources, events] = [record.sources.save(), record.events.save()];
  return { match, path, inode, kills, archivedInnerKills, lastKill, removedAt, named, sources, events };
}

/** What remains valid after a reboot: counters start at 0 again, but the times of last kills stay. */
export function afterReboot({ records, totals }: Pick<State, 'records' | 'totals'>): readonly ArchivedKills[] {
  const named = records.flatMap(({ match: of, named: name, lastKill }) =>
    name === undefined ? [] : [{ labels: name.labels, maker: makerOf(of), lastKill }],
  );
  return [...totals, ...named].map(({ labels, maker, lastKill }) => ({
    labels,
    maker,
    kills: 0,
    events: 0,
    lastKill,
    removedAt: undefined,
  }));
}

/**
 * Converts the times of a state to the steady clock of this boot. Ages stay, and the time between the runs is added. The
 * steady clock measures that time within a boot. Across boots only the wall clock continues. No time lies in the future.
 *
 * @param now in seconds since boot.
 */
export function atBoot(state: State, boot: Boot, now: number): State {
  const passed = boot.time + now - (state.boot.time + state.savedAt);
  const shift = isSameBoot(state, boot, now) ? 0 : now - state.savedAt - Math.max(0, passed);
  const convert = (time: number | undefined): number | undefined =>
    time === undefined ? undefined : Math.min(now, time + shift);
  const converted = <T extends Pick<SavedRecord, 'lastKill' | 'removedAt'>>(times: T): T => ({
    ...times,
    lastKill: convert(times.lastKill),
    removedAt: convert(times.removedAt),
  });
  return { ...state, totals: state.totals.map(converted), records: state.records.map(converted) };
}

/** Whether counters and the kernel's log continue from the state. A virtual machine can return to an earlier moment of a boot. */
export function isSameBoot(state: State, boot: Boot, now: number): boolean {
  return state.boot.id === boot.id && state.savedAt <= now;
}

/** Entries that change all the time. A change of these alone is not written. */
const POSITION = 'kmsg';
const SAVED_AT = 'saved';
const FLEETING: ReadonlySet<string> = new Set([POSITION, SAVED_AT]);

/** The entries of the state file. */
export function entriesOf({ boot, kmsg, savedAt, expiredKills, totals, records }: State): Entries {
  const entries = new Map([
    ['boot', JSON.stringify(boot)],
    [SAVED_AT, JSON.stringify(savedAt)],
    ['expired', JSON.stringify(expiredKills)],
  ]);
  if (kmsg !== undefined) entries.set(POSITION, JSON.stringify(kmsg));
  for (const total of totals) setDistinct(entries, `total:${Object.values(total.labels).join('\n')}`, total);
  for (const record of records) setDistinct(entries, `record:${record.path}#${record.inode ?? ''}`, record);
  return entries;
}

/** Whether two sets of entries differ in anything worth a write. */
export function differ(a: Entries, b: Entries): boolean {
  const size = (entries: Entries): number => [...entries.keys()].filter((key) => !FLEETING.has(key)).length;
  return size(a) !== size(b) || [...a].some(([key, text]) => !FLEETING.has(key) && b.get(key) !== text);
}

/** One path can have had two containers, one after the other. */
function setDistinct(entries: Map<string, string>, key: string, value: unknown): void {
  let free = key;
  for (let nth = 2; entries.has(free); nth += 1) free = `${key}#${nth}`;
  entries.set(free, JSON.stringify(value));
}

/**
 * Reads the entries of a state file.
 *
 * @throws SyntaxError if they are not of the form that {@link entriesOf} writes.
 */
export function stateIn(entries: LoadedEntries): State {
  const valuesOf = (kind: string): unknown[] =>
    [...entries].filter(([key]) => key.startsWith(`${kind}:`)).map(([, value]) => value);
  return {
    boot: bootIn(entries.get('boot')),
    kmsg: optional(position)(entries.get(POSITION)),
    savedAt: number(entries.get(SAVED_AT)),
    expiredKills: count(entries.get('expired')),
    totals: valuesOf('total').map(totalIn),
    records: valuesOf('record').map(recordIn),
  };
}

function position(value: unknown): KmsgPosition {
  const { sequence, time } = object(value);
  return { sequence: count(sequence), time: count(time) };
}

function bootIn(value: unknown): Boot {
  const { id, time } = object(value);
  return { id: string(id), time: number(time) };
}

function totalIn(value: unknown): ArchivedKills {
  const total = object(value);
  return {
    labels: labels(total['labels']),
    maker: optional(string)(total['maker']) ?? '',
    kills: count(total['kills']),
    events: count(total['events']),
    lastKill: optional(number)(total['lastKill']),
    removedAt: optional(number)(total['removedAt']),
  };
}

function recordIn(value: unknown): SavedRecord {
  const saved = object(value);
  return {
    match: match(saved['match']),
    path: string(saved['path']),
    inode: optional(count)(saved['inode']),
    kills: count(saved['kills']),
    archivedInnerKills: count(saved['archivedInnerKills']),
    sources: sourcesIn(saved['sources']),
    events: eventsIn(saved['events']),
    lastKill: optional(number)(saved['lastKill']),
    removedAt: optional(number)(saved['removedAt']),
    named: optional((named) => {
      const { labels: text, named: isFinal } = object(named);
      return { labels: labels(text), named: isFinal === true };
    })(saved['named']),
  };
}

function sourcesIn(value: unknown): SavedSources {
  const saved = object(value);
  return {
    counts: array(saved['counts']).map((entry) => {
      const [cgroup, fromCounter, fromKmsg] = array(entry);
      return [string(cgroup), count(fromCounter), count(fromKmsg)];
    }),
    recent: array(saved['recent']).map((entry) => {
      const [cgroup, kills] = array(entry);
      return [string(cgroup), count(kills)];
    }),
    reported: count(saved['reported']),
    unreported: count(saved['unreported']),
    withoutCgroup: count(saved['withoutCgroup']),
  };
}

function eventsIn(value: unknown): SavedEvents {
  const saved = object(value);
  return {
    reported: count(saved['reported']),
    released: count(saved['released']),
    unreportedKills: count(saved['unreportedKills']),
    groups: count(saved['groups']),
  };
}

function match(value: unknown): CgroupMatch {
  const { engine, id, podUid, ownerUid, territory, infra } = object(value);
  return {
    engine: string(engine),
    id: string(id),
    infra: infra === true,
    ...(podUid !== undefined && { podUid: string(podUid) }),
    ...(ownerUid !== undefined && { ownerUid: count(ownerUid) }),
    ...(territory !== undefined && { territory: string(territory) }),
  };
}

function labels(value: unknown): Labels {
  const { engine, namespace, pod, container } = object(value);
  return { engine: string(engine), namespace: string(namespace), pod: string(pod), container: string(container) };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected('an object', value);
  return Object.fromEntries(Object.entries(value));
}

function array(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected('a list', value);
  return value;
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw unexpected('a text', value);
  return value;
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw unexpected('a number', value);
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || number(value) < 0) throw unexpected('a count', value);
  return number(value);
}

function optional<T>(read: (value: unknown) => T): (value: unknown) => T | undefined {
  return (value) => (value === undefined ? undefined : read(value));
}

function unexpected(what: string, value: unknown): SyntaxError {
  return new SyntaxError(`Expected ${what}, not ${JSON.stringify([value]).slice(1, 80)}`);
}
