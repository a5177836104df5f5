import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long a scrape waits for look-ups that another process makes, in ms. A look-up takes less than 1 ms. A path whose
 * server does not answer delays the first scrape by this time, and later scrapes not at all.
 */
const WAIT_MS = 500;

/** How long a scrape waits for look-ups on a machine without a free CPU, where they take longer. In ms. */
const WAIT_FOR_CPU_MS = 5_000;

/** The part that performs look-ups. */
interface Maker {
  /** Resolves once the process accepts look-ups. A slow start delays all look-ups, but only once. */
  started(): Promise<void>;
  /** Whether look-ups are in progress and only wait for the CPU. */
  readonly isBusy: boolean;
  /** How many replies have come so far. */
  readonly replies: number;
}

/** Look-ups that are not answered yet. */
export class PendingLookUps {
  /** When each look-up began, in ms of `performance.now()`. */
  readonly #begun = new Map<Promise<void>, number>();
  #hasCommandLines = false;

  get isEmpty(): boolean {
    return this.#begun.size === 0;
  }

  /** Adds a look-up until it is answered. It must not reject. */
  add(lookUp: Promise<void>): void {
    const pending = lookUp.then(() => {
      this.#begun.delete(pending);
    });
    this.#begun.set(pending, performance.now());
  }

  /**
   * Adds all command lines that are being looked up: they show which process is the init of a container. Only one scrape waits for
   * one that never arrives.
   */
  addCommandLines(commandLines: { settled(): Promise<void> }): void {
    if (this.#hasCommandLines) return;
    this.#hasCommandLines = true;
    this.add(commandLines.settled().then(() => void (this.#hasCommandLines = false)));
  }

  /**
   * Waits until all look-ups are answered. Gives up on look-ups that do not return, and never waits for them again.
   *
   * @param deadline in ms of `performance.now()`.
   */
  async settled(maker: Maker, deadline: number): Promise<void> {
    if (this.isEmpty) return;
    await until(maker.started(), deadline);
    const latest = Math.max(...this.#begun.values());
    const end = Math.min(latest + WAIT_FOR_CPU_MS, deadline);
    await until(Promise.all(this.#begun.keys()), Math.min(latest + WAIT_MS, end));
    let replies: number;
    let isBusy: boolean;
    // A timer fires before the event loop reads what came meanwhile: this process may have been the one without a CPU.
    do {
      ({ replies, isBusy } = maker);
      await until(maker.started(), end);
      await until(Promise.all(this.#begun.keys()), performance.now() + WAIT_MS / 10);
    } while (!this.isEmpty && (isBusy || maker.replies !== replies) && performance.now() < end);
  }
}

/** Waits for a promise, but no longer than until a time of `performance.now()`. */
async function until(what: Promise<unknown>, deadline: number): Promise<void> {
  const ms = deadline - performance.now();
  if (!(ms > 0)) return;
  const wait = new AbortController();
  // Timers cannot wait longer than 24 days.
  const timer = sleep(Math.min(ms, 60_000), undefined, { signal: wait.signal }).catch(() => {});
  await Promise.race([what, timer]);
  wait.abort();
}
