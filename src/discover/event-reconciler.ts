import { afterPendingInotifyEvents } from './pending-events.ts';

/** Whether the watch was known to be live (and the directory listed since) when something happened. */
export type WatchTrust = 'certain' | 'uncertain';

interface Account {
  balance: number;
  certainty: WatchTrust;
  touched: number;
}

/**
 * Keeps the account between what the watch tells and what looking at the directories shows.
 *
 * Every mkdir and every rmdir gives exactly one event, which says the name but not which of the two it was, and which
 * comes late: looking shows how things are now. So each delivered event is put on the account of its path, and each
 * change that was noticed by looking (it appeared, it disappeared) uses one up:
 *
 * - two left over are a life that nobody saw: made and removed before the first look, whatever lived there before
 *   or after;
 * - one left over is a chown or chmod, which gives the same event; or it is half of a life, if the other half may have
 *   been before the watch;
 * - a deficit is a change noticed ahead of its event. If the event has still not come when the queue is drained, it was
 *   lost: the kernel's queue overflowed, and of that libuv tells nothing.
 */
export class EventReconciler {
  readonly #onUnseen: (path: string) => void;
  readonly #onHalf: (path: string) => void;
  readonly #onLost: (path: string) => void;
  readonly #accounts = new Map<string, Account>();
  #clock = 0;
  #settling = false;

  constructor(listeners: {
    onUnseen: (path: string) => void;
    /** If nothing is there now, it is the end of something that was made before the watch was live. */
    onHalf: (path: string) => void;
    onLost: (path: string) => void;
  }) {
    this.#onUnseen = listeners.onUnseen;
    this.#onHalf = listeners.onHalf;
    this.#onLost = listeners.onLost;
  }

  /** Takes in one event; `observe` looks at the path and reports each change by {@link noticed}. */
  delivered(path: string, certainty: WatchTrust, observe: () => void): void {
    this.#add(path, 1, certainty);
    observe();
    const account = this.#accounts.get(path);
    if (account === undefined || account.balance < 2) return;
    this.#add(path, -2, certainty);
    this.#onUnseen(path);
  }

  /** One appearance or disappearance was noticed in a watched directory, whose event has come or is to come. */
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
    afterPendingInotifyEvents(() => {
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
