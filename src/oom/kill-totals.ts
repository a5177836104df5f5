import type { Labels, OomAccount } from '../container.ts';
import type { ContainerRecord, NamedLabels } from './container-record.ts';

/** All lives under the same labels: a container that is killed and started again goes on counting. */
interface Account {
  readonly labels: Labels;
  readonly lives: Set<ContainerRecord>;
  /** Kills of lives that are forgotten. */
  retired: number;
  /** Of those, the last one. */
  lastKill: number | undefined;
}

/** What the state file keeps of an account. */
export type RetiredKills = Pick<Account, 'labels' | 'retired' | 'lastKill'>;

/** The kills by labels. */
export class KillTotals {
  readonly #accounts = new Map<string, Account>();
  /** Kills under labels that are told of no more. */
  #expired = 0;

  /** Puts a life under its labels, or others. */
  enter(life: ContainerRecord, named: NamedLabels): void {
    if (life.named !== undefined && keyOf(life.named.labels) !== keyOf(named.labels)) this.#leave(life);
    life.named = named;
    this.#accountOf(named.labels).lives.add(life);
  }

  /** Takes a life out again; it is to get other labels. */
  withdraw(life: ContainerRecord): void {
    this.#leave(life);
    life.named = undefined;
  }

  /** Forgets a life but not its kills, as long as there are others under its labels. */
  retire(life: ContainerRecord): void {
    const account = life.named && this.#accounts.get(keyOf(life.named.labels));
    if (account === undefined) {
      this.#expired += life.kills;
      return;
    }
    account.retired += life.kills;
    account.lastKill = latest(account.lastKill, life.lastKill);
    this.#leave(life);
  }

  /** Takes in what an earlier run of the exporter knew. */
  restore(expired: number, accounts: readonly RetiredKills[]): void {
    this.#expired += expired;
    for (const { labels, retired, lastKill } of accounts) {
      const account = this.#accountOf(labels);
      account.retired += retired;
      account.lastKill = latest(account.lastKill, lastKill);
    }
  }

  /** Drops what was restored for labels that nobody has taken up within the time that kills are told of. */
  expireBefore(time: number): void {
    for (const account of this.#accounts.values()) {
      if (account.lives.size === 0 && (account.lastKill ?? 0) < time) this.#expire(account);
    }
  }

  /** Puts the last kills that a clock that was ahead has seen at `now`, in seconds since the epoch. */
  clampToNow(now: number): void {
    for (const account of this.#accounts.values()) account.lastKill = notAfter(now, account.lastKill);
  }

  get expired(): number {
    return this.#expired;
  }

  /** What is kept of lives that are forgotten. */
  get retired(): readonly RetiredKills[] {
    return [...this.#accounts.values()].filter(({ retired, lastKill }) => retired > 0 || lastKill !== undefined);
  }

  /** @param sees `all`: every kill is told of, so that of a container without a counter no kill known is none, too. */
  counts(sees: 'all' | 'counters'): OomAccount[] {
    return [...this.#accounts.values()].map((account) => countsOf(account, sees));
  }

  #leave(life: ContainerRecord): void {
    const account = life.named && this.#accounts.get(keyOf(life.named.labels));
    account?.lives.delete(life);
    if (account?.lives.size === 0) this.#expire(account);
  }

  #expire(account: Account): void {
    this.#expired += account.retired;
    this.#accounts.delete(keyOf(account.labels));
  }

  #accountOf(labels: Labels): Account {
    const key = keyOf(labels);
    const account = this.#accounts.get(key) ?? { labels, lives: new Set(), retired: 0, lastKill: undefined };
    this.#accounts.set(key, account);
    return account;
  }
}

function countsOf({ labels, lives, retired, lastKill }: Account, sees: 'all' | 'counters'): OomAccount {
  let kills = retired;
  let known = sees === 'all' || retired > 0;
  let last = lastKill;
  let error: Error | undefined;
  for (const life of lives) {
    kills += life.kills;
    known ||= life.counted || life.kills > 0;
    error ??= life.error;
    last = latest(last, life.lastKill);
  }
  return { labels, kills: known ? kills : undefined, lastKill: last, error };
}

function keyOf({ engine, namespace, pod, container }: Labels): string {
  return [engine, namespace, pod, container].join('\n');
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

/** The earlier of two times, where the second may not be known. */
export function notAfter(now: number, time: number | undefined): number | undefined {
  return time === undefined ? undefined : Math.min(now, time);
}
