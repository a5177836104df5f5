import type { Labels } from '../container.ts';
import type { Log } from '../log.ts';
import type { Change } from './step.ts';

/** How long the same finding of a container is not logged again, in ms. */
const QUIET_MS = 10 * 60_000;

/** How many lines all containers together may cause in a minute. */
const MOST_LINES = 20;
const MINUTE_MS = 60_000;

/** What the log has reported about a container. */
export interface Told {
  /** When each finding was reported last, in ms of a steady clock. */
  readonly at: Map<string, number>;
  /** How many changes were not reported since the last line. */
  untold: number;
}

/**
 * Logs what has changed, one line for each container and scrape. A container that changes again and again, or many that do, cannot fill
 * the log: what is left out is counted in the next line, and always in the metrics.
 */
export class DriftLog {
  readonly #log: Log;
  readonly #elapsed: () => number;
  #minute = -Infinity;
  #lines = 0;

  /** @param elapsed ms of a steady clock. */
  constructor(log: Log, elapsed: () => number) {
    this.#log = log;
    this.#elapsed = elapsed;
  }

  tell({ engine, namespace, pod, container }: Labels, changes: readonly Change[], told: Told): void {
    const now = this.#elapsed();
    const isNews = changes.some(({ finding }) => now - (told.at.get(finding) ?? -Infinity) >= QUIET_MS);
    if (!isNews || !this.#hasRoom(now)) {
      told.untold += changes.length;
      return;
    }
    for (const { finding } of changes) told.at.set(finding, now);
    const fields = {
      engine,
      ...(namespace !== '' && { namespace }),
      ...(pod !== '' && { pod }),
      container,
      changes: changes.map(({ finding, before, after }) => `${finding}: ${before} -> ${after}`),
      ...(told.untold > 0 && { untold: told.untold }),
    };
    told.untold = 0;
    this.#log.warn(fields, 'isolation of a running container got worse');
  }

  #hasRoom(now: number): boolean {
    if (now - this.#minute >= MINUTE_MS) {
      this.#minute = now;
      this.#lines = 0;
    }
    this.#lines += 1;
    if (this.#lines === MOST_LINES + 1) {
      this.#log.warn({ most: MOST_LINES }, 'more running containers got worse than there are lines in a minute');
    }
    return this.#lines <= MOST_LINES;
  }
}
