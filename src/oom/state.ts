import type { CgroupMatch, Labels } from '../container.ts';
import type { RetiredKills } from './kill-totals.ts';
import type { ContainerRecord, NamedLabels } from './container-record.ts';

/** Of what is in the file, in case that changes one day. */
const VERSION = 1;

/** What is kept of the ledger over a restart of the exporter. */
export interface State {
  readonly version: typeof VERSION;
  /** The kernel's counters and the numbers of its log begin anew at each boot. */
  readonly bootId: string;
  /** The last record of the kernel's log that was read. */
  readonly sequence: number | undefined;
  readonly expired: number;
  readonly accounts: readonly RetiredKills[];
  readonly lives: readonly SavedRecord[];
}

/** What is kept of a life with kills, its own or those of containers inside. */
export interface SavedRecord extends Pick<
  ContainerRecord,
  'match' | 'path' | 'inode' | 'kills' | 'innerForgotten' | 'past'
> {
  readonly counts: readonly (readonly [cgroup: string, kernel: number, told: number])[];
  readonly lastKill: number | undefined;
  readonly goneAt: number | undefined;
  readonly named: NamedLabels | undefined;
}

export function stateOf(ledger: {
  readonly bootId: string;
  readonly sequence: number | undefined;
  readonly expired: number;
  readonly accounts: readonly RetiredKills[];
  readonly lives: readonly ContainerRecord[];
}): State {
  return {
    version: VERSION,
    bootId: ledger.bootId,
    sequence: ledger.sequence,
    expired: ledger.expired,
    accounts: ledger.accounts.map(({ labels, retired, lastKill }) => ({ labels, retired, lastKill })),
    lives: ledger.lives.filter(isWorthSaving).map(savedLife),
  };
}

/** Without those inside, the next run would take what the counter of the outer one holds of them for its own. */
function isWorthSaving({ kills, inner, innerForgotten }: ContainerRecord): boolean {
  return kills > 0 || innerForgotten > 0 || [...inner].some(isWorthSaving);
}

function savedLife(life: ContainerRecord): SavedRecord {
  const { match, path, inode, kills, innerForgotten, past, lastKill, goneAt, named } = life;
  const counts = [...life.counts].map(([cgroup, { kernel, told }]) => [cgroup, kernel, told] as const);
  return { match, path, inode, kills, innerForgotten, past, counts, lastKill, goneAt, named };
}

/**
 * What is left of it after a reboot: counters begin at 0 again, but when a container was killed last is still told.
 */
export function afterReboot({ lives, accounts }: State): readonly RetiredKills[] {
  const named = lives.flatMap((life) => (life.named === undefined ? [] : [{ ...life, labels: life.named.labels }]));
  return [...accounts, ...named].map(({ labels, lastKill }) => ({ labels, retired: 0, lastKill }));
}

/**
 * Reads the text of a state file.
 *
 * @throws SyntaxError if it is not one, or of another version.
 */
export function parseState(text: string): State {
  const state = object(JSON.parse(text));
  if (state['version'] !== VERSION) throw new SyntaxError(`Unknown version ${JSON.stringify(state['version'])}`);
  return {
    version: VERSION,
    bootId: string(state['bootId']),
    sequence: optional(count)(state['sequence']),
    expired: count(state['expired']),
    accounts: array(state['accounts']).map((value) => {
      const account = object(value);
      return {
        labels: labels(account['labels']),
        retired: count(account['retired']),
        lastKill: optional(number)(account['lastKill']),
      };
    }),
    lives: array(state['lives']).map(life),
  };
}

function life(value: unknown): SavedRecord {
  const saved = object(value);
  return {
    match: match(saved['match']),
    path: string(saved['path']),
    inode: optional(count)(saved['inode']),
    kills: count(saved['kills']),
    innerForgotten: count(saved['innerForgotten']),
    // Earlier builds did not write it.
    past: optional(count)(saved['past']) ?? 0,
    counts: array(saved['counts']).map((entry) => {
      const [cgroup, kernel, told] = array(entry);
      return [string(cgroup), count(kernel), count(told)];
    }),
    lastKill: optional(number)(saved['lastKill']),
    goneAt: optional(number)(saved['goneAt']),
    named: optional((named) => {
      const { labels: text, named: final } = object(named);
      return { labels: labels(text), named: final === true };
    })(saved['named']),
  };
}

function match(value: unknown): CgroupMatch {
  const { engine, id, podUid, ownerUid, infra } = object(value);
  return {
    engine: string(engine),
    id: string(id),
    infra: infra === true,
    ...(podUid !== undefined && { podUid: string(podUid) }),
    ...(ownerUid !== undefined && { ownerUid: count(ownerUid) }),
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
