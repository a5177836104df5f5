import type { KmsgKill } from './container-record.ts';

/** How long to wait for the kernel to name the group of a kill without a report, in ms. */
const WAIT_MS = 10_000;

/** How many kills without a known group are kept. */
const MAX_KILLS = 1_000;

interface UnplacedKill {
  readonly kill: KmsgKill;
  /** In ms of `performance.now()`. */
  readonly readAt: number;
}

/** Kills whose cgroup the kernel has not named so far. */
export class UnplacedKills {
  #kills: UnplacedKill[] = [];

  /** Adds a kill. `readAt` is in ms of `performance.now()`. */
  add(kill: KmsgKill, readAt: number): void {
    this.#kills.push({ kill, readAt });
    if (this.#kills.length > MAX_KILLS) this.#kills.shift();
  }

  /** Returns the kills whose group the kernel has named since, and forgets those whose group it will not name. */
  take(now: number): readonly KmsgKill[] {
    const named = this.#kills.filter(({ kill }) => kill.event.group !== undefined);
    this.#kills = this.#kills.filter(
      ({ kill: { event }, readAt }) => event.group === undefined && !event.isOver && now - readAt < WAIT_MS,
    );
    return named.map(({ kill }) => kill);
  }
}
