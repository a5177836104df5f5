import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { errnoOf } from './errno.ts';
import { type KmsgRecord, parseKmsgRecord } from './kmsg-record.ts';

/** In bytes. No record is longer, escapes included (`CONSOLE_EXT_LOG_MAX`); the kernel answers EINVAL to a smaller buffer. */
export const LONGEST_RECORD = 16 * 1024;

/** Microseconds. A CPU takes the time of a record before the record gets its number, so times can go back slightly. */
const TIME_DISORDER_US = 1_000_000;

/**
 * How many records one call reads. Whoever can write to the log may write faster than this process reads. The largest default
 * buffer of a distribution has about as many.
 */
const MOST_RECORDS = 16_384;

/** `st_rdev` of the device: major 1, minor 11 (Documentation/admin-guide/devices.txt), as stat(2) has it. */
const KMSG_NUMBER = (1 << 8) | 11;

/** Something else is at the path of the kernel log. */
export class NotKernelLog extends Error {
  constructor(path: string) {
    super(`${JSON.stringify(path)} is not the kernel log, which is the device 1:11`);
  }
}

/** The last record that was read. */
export type KmsgPosition = Pick<KmsgRecord, 'sequence' | 'time'>;

/** `/dev/kmsg`, opened. */
export interface KmsgDevice extends Disposable {
  /**
   * Reads the next record.
   *
   * @returns its length in bytes.
   * @throws the system error: EAGAIN at the end of the log, EPIPE if the next record was overwritten.
   */
  read(into: Buffer): number;
}

/** The kernel's log, from its oldest record on. Reading it takes no records away from other readers. */
export class Kmsg implements Disposable {
  readonly #device: KmsgDevice;
  readonly #buffer = Buffer.allocUnsafeSlow(LONGEST_RECORD);
  readonly #after: KmsgPosition | undefined;
  #last: KmsgPosition | undefined;
  #lost = 0;
  #isAtEnd = true;

  /**
   * @param options.after where an earlier run stopped; the records up to there are skipped.
   * @throws the system error: ENOENT where there is no such device, EPERM without `CAP_SYSLOG` (while
   *   `kernel.dmesg_restrict` is 1) or where the device cgroup denies it; {@link NotKernelLog} if it is something else.
   */
  constructor(
    path: string,
    options: { readonly after?: KmsgPosition | undefined; readonly open?: (path: string) => KmsgDevice } = {},
  ) {
    const { after, open = openDevice } = options;
    this.#device = open(path);
    this.#after = after;
    this.#last = after;
  }

  /** How many records were overwritten before this process read them, counted from the first record that it read. */
  get lost(): number {
    return this.#lost;
  }

  /** The last record that was read, in this run or an earlier one; `undefined` before the first. */
  get last(): KmsgPosition | undefined {
    return this.#last;
  }

  /** Whether the last call of {@link records} read all that there was. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /**
   * The records since the last call, or the oldest of them if there are very many. Text that is not in the format of a record is skipped.
   *
   * @throws the system error if the log cannot be read any more.
   */
  *records(): Generator<KmsgRecord> {
    this.#isAtEnd = false;
    for (let count = 0; count < MOST_RECORDS; count += 1) {
      const text = this.#read();
      if (text === undefined) {
        this.#isAtEnd = true;
        return;
      }
      const record = recordOf(text);
      if (record === undefined || this.#wasReadBefore(record)) continue;
      const { sequence, time } = record;
      if (this.#last !== undefined) this.#lost += Math.max(0, sequence - this.#last.sequence - 1);
      this.#last = { sequence, time };
      yield record;
    }
  }

  [Symbol.dispose](): void {
    this.#device[Symbol.dispose]();
  }

  /**
   * Compares sequence numbers, then times. A stored number can be ahead of the kernel's, and must not suppress all
   * later records.
   */
  #wasReadBefore({ sequence, time }: KmsgRecord): boolean {
    if (this.#after === undefined || sequence > this.#after.sequence) return false;
    return time <= this.#after.time + TIME_DISORDER_US;
  }

  #read(): string | undefined {
    for (;;) {
      try {
        const length = this.#device.read(this.#buffer);
        return length === 0 ? undefined : this.#buffer.toString('latin1', 0, length);
      } catch (error) {
        if (errnoOf(error) === 'EAGAIN') return undefined;
        // The kernel has moved on to the oldest record that is left.
        if (errnoOf(error) !== 'EPIPE') throw error;
      }
    }
  }
}

/**
 * Opens the device. In its place systemd-nspawn has a FIFO, older LXC a link to the console, and a node of Kubernetes in a container often
 * /dev/null: all can be read, and would look like a kernel that has logged nothing.
 *
 * @throws the system error, or {@link NotKernelLog}.
 */
export function openDevice(path: string): KmsgDevice {
  // Before it is opened: to open a terminal, or a device, can have effects.
  const file = statSync(path);
  if (!file.isCharacterDevice() || file.rdev !== KMSG_NUMBER) throw new NotKernelLog(path);
  // Not blocking, so that a read at the end of the log answers EAGAIN instead of waiting.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return {
    read: (into) => readSync(descriptor, into, 0, into.length, null),
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function recordOf(text: string): KmsgRecord | undefined {
  try {
    return parseKmsgRecord(text);
  } catch {
    return undefined;
  }
}
