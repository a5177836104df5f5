import type { EventQueue } from './event-queue.ts';

/** Whether a directory's watch was live, and the directory listed since, when something happened. */
export type WatchTrust = 'certain' | 'uncertain';

interface Account {
  balance: number;
  certainty: WatchTrust;
  touched: number;
}

/**
 * Reconciles the events of the watch with what checks of the directories show.
 *
 * Every mkdir and every rmdir gives exactly one event, which has the name but not the kind, and which comes late: a check shows
 * the present state. So each path has a balance: each delivered event adds one, and each change that a check noticed (appeared,
 * disappeared) subtracts one:
 *
 * - two left over: a directory was created and removed between checks, whatever existed there before or after;
 * - one left over: a chown or chmod, which gives the same event; or the removal of a directory that may have been created before
 *   the watch;
 * - a deficit: a change noticed before its event. If the event is still missing once all pending events were delivered, it was
 *   lost: the kernel's queue overflowed, which libuv does not report.
 */
export class EventReconciler {
  readonly #events: Pick<EventQueue, 'afterPending'>;
  readonly #onUnseen: (path: string) => void;
  readonly #onHalf: (path: string) => void;
  readonly #onLost: (path: string) => void;
  readonly #accounts = new Map<string, Account>();
  #clock = 0;
  #settling = false;

  constructor(options: {
    readonly events: Pick<EventQueue, 'afterPending'>;
    onUnseen: (path: string) => void;
    /** If the path does not exist now, the event was the removal of something created before the watch was live. */
    onHalf: (path: string) => void;
    onLost: (path: string) => void;
  }) {
    this.#events = options.events;
    this.#onUnseen = options.onUnseen;
    this.#onHalf = options.onHalf;
    this.#onLost = options.onLost;
  }

  /** Adds one event. `observe` checks the path and reports each change with {@link noticed}. */
  delivered(path: string, certainty: WatchTrust, observe: () => void): void {
    this.#add(path, 1, certainty);
    observe();
    const account = this.#accounts.get(path);
    if (account === undefined || account.balance < 2) return;
    this.#add(path, -2, certainty);
    this.#onUnseen(path);
  }

  /** Notes one appearance or disappearance in a watched directory, whose event has been or will be delivered. */
  noticed(path: string, certainty: WatchTrust): void {
    this.#add(path, -1, certainty);
  }

  #add(path: string, amount: number, certainty: WatchTrust): void {
    this.#clock += 1;
    const account = this.#accounts.get(path) ?? { balance: 0, certainty, touched: 0 };
    account.balance += amount;
    account.touched = this.#clock;
    if (certainty === 'uncertain') account.certainty = certainty;
    if (account.balance === 0) this.#accounts.delete(path);
    else this.#accounts.set(path, account);
    this.#settleLater();
  }

  #settleLater(): void {
    if (this.#settling || this.#accounts.size === 0) return;
    this.#settling = true;
    const until = this.#clock;
    this.#events.afterPending(() => {
      this.#settling = false;
      for (const [path, account] of this.#accounts) {
        if (account.touched > until) continue;
        this.#accounts.delete(path);
        this.#close(path, account);
      }
      this.#settleLater();
    });
  }

  #close(path: string, { balance, certainty }: Account): void {
    if (balance < 0 && certainty === 'certain') this.#onLost(path);
    if (balance > 0 && certainty === 'uncertain') this.#onHalf(path);
  }
}
