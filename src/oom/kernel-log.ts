import { Kmsg, type KmsgDevice, type KmsgPosition } from '../kernel/kmsg.ts';
import { createOomReader } from '../kernel/oom-report.ts';
import type { KmsgKill } from './container-record.ts';

/** How many records to read at a time in any case: on a slow machine a few take all the time that there is. */
const FEWEST_RECORDS = 16;

/**
 * As many if the end of the log was not reached for {@link BEHIND_S}: a full report has about a hundred records, and the kernel
 * overwrites what is not read in time.
 */
const FEWEST_RECORDS_BEHIND = 128;

/** In seconds. A short lag does no harm, and containers that start meanwhile may be gone before they are noticed. */
const BEHIND_S = 2;

/** How to read the kernel's log. */
export interface KernelLogOptions {
  readonly path: string;
  /** The last record that an earlier run of the exporter read. */
  readonly after: KmsgPosition | undefined;
  /** The time in seconds, by the clock that dates kills. */
  readonly now: () => number;
  /** Is called if the log cannot be opened, or if reading it fails. */
  readonly onFailed: (error: unknown) => void;
  readonly open?: ((path: string) => KmsgDevice) | undefined;
}

/** The kills in the kernel's log, starting at its oldest record. Callers poll it; it never blocks. */
export class KernelLog implements Disposable {
  readonly #options: KernelLogOptions;
  readonly #startedAt = monotonic();
  readonly #read = createOomReader();
  #kmsg: Kmsg | undefined;
  /** When the log was last read to its end; `undefined` before the first time. In seconds, by the clock that dates kills. */
  #readAt: number | undefined;

  constructor(options: KernelLogOptions) {
    this.#options = options;
    try {
      const { path, after, open } = options;
      this.#kmsg = new Kmsg(path, { after, ...(open && { open }) });
    } catch (error) {
      options.onFailed(error);
    }
  }

  get up(): boolean {
    return this.#kmsg !== undefined;
  }

  /** Whether the last call of {@link kills} has left records unread. */
  get hasMore(): boolean {
    return this.#kmsg?.isAtEnd === false;
  }

  /** See {@link Kmsg.lost}. */
  get lost(): number | undefined {
    return this.#kmsg?.lost;
  }

  /** See {@link Kmsg.last}. */
  get last(): KmsgPosition | undefined {
    return this.#kmsg?.last;
  }

  /**
   * The kills reported since the last call.
   *
   * @param maxMs stop after this time, but not before {@link FEWEST_RECORDS}, if there is more to read.
   */
  *kills(maxMs = Infinity): Generator<KmsgKill> {
    if (this.#kmsg === undefined) return;
    const end = performance.now() + maxMs;
    const sinceBoot = monotonic();
    const now = this.#options.now();
    const readAt = this.#readAt ?? -Infinity;
    const fewest = now - readAt > BEHIND_S ? FEWEST_RECORDS_BEHIND : FEWEST_RECORDS;
    let read = 0;
    try {
      for (const record of this.#kmsg.records()) {
        read += 1;
        const victim = this.#read(record);
        if (victim !== undefined) {
          const time = victim.time / 1e6;
          // The log's clock drifts from all others, and stops in suspend. But new records are later than the last reading.
          const at = Math.min(now, Math.max(readAt, now - (sinceBoot - time)));
          yield { ...victim, at, beforeStart: this.#readAt === undefined && time < this.#startedAt };
        }
        if (read >= fewest && performance.now() >= end) break;
      }
      if (this.#kmsg.isAtEnd) this.#readAt = now;
    } catch (error) {
      this[Symbol.dispose]();
      this.#options.onFailed(error);
    }
  }

  [Symbol.dispose](): void {
    this.#kmsg?.[Symbol.dispose]();
    this.#kmsg = undefined;
  }
}

/** Seconds of CLOCK_MONOTONIC, which is the clock closest to that of the kernel's log. */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}
