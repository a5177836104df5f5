import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long a scrape waits for look-ups that another process makes, in ms. A look-up takes less than 1 ms. A path whose
 * server does not answer delays the first scrape by this time, and later scrapes not at all.
 */
const WAIT_MS = 500;

/** The same for a machine without a free CPU, where look-ups take longer, in ms. */
const WAIT_FOR_CPU_MS = 5_000;

/** The part that makes look-ups. */
interface Maker {
  /** Resolves once the process can make look-ups. A delay before that affects all look-ups, and is temporary. */
  started(): Promise<void>;
  /** It is making look-ups, and only waits for the CPU. */
  readonly isBusy: boolean;
}

/** Look-ups that are not answered yet. */
export class PendingLookUps {
  /** When each was begun, in ms of `performance.now()`. */
  readonly #begun = new Map<Promise<void>, number>();

  get isEmpty(): boolean {
    return this.#begun.size === 0;
  }

  /** Adds one, until it is answered. It must not reject. */
  add(lookUp: Promise<void>): void {
    const pending = lookUp.then(() => {
      this.#begun.delete(pending);
    });
    this.#begun.set(pending, performance.now());
  }

  /**
   * Waits until all are answered. Gives up on look-ups that do not return, and does not wait for them again.
   *
   * @param deadline of `performance.now()`.
   */
  async settled(maker: Maker, deadline: number): Promise<void> {
    if (this.isEmpty) return;
    await until(maker.started(), deadline);
    const latest = Math.max(...this.#begun.values());
    const end = Math.min(latest + WAIT_FOR_CPU_MS, deadline);
    await until(Promise.all(this.#begun.keys()), Math.min(latest + WAIT_MS, end));
    while (!this.isEmpty && maker.isBusy && performance.now() < end) {
      await until(Promise.all(this.#begun.keys()), performance.now() + WAIT_MS / 10);
    }
  }
}

/** Waits for something, but no longer than until a time of `performance.now()`. */
async function until(what: Promise<unknown>, deadline: number): Promise<void> {
  const ms = deadline - performance.now();
  if (!(ms > 0)) return;
  const wait = new AbortController();
  // Timers cannot wait longer than 24 days.
  const timer = sleep(Math.min(ms, 60_000), undefined, { signal: wait.signal }).catch(() => {});
  await Promise.race([what, timer]);
  wait.abort();
}
