import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KmsgKill } from './container-record.ts';
import { KernelLog } from './kernel-log.ts';

/** Seconds since boot by the clock of the log. A machine that has just been booted has no past of some minutes. */
const SINCE_BOOT = 100_000;

/** A kernel log to which a test adds kills, each with a time stamp of so many seconds ago. */
class Log {
  now = 1_000;
  readonly errors: unknown[] = [];
  readonly #records: string[] = [];
  #next = 0;
  #fault: string | undefined;
  #sequence = 0;
  readonly log = new KernelLog({
    path: '/dev/kmsg',
    after: undefined,
    now: () => this.now,
    onFailed: (error) => this.errors.push(error),
    open: () => ({
      read: (into) => {
        const record = this.#fault === undefined ? this.#records[this.#next] : undefined;
        if (record !== undefined) {
          this.#next += 1;
          return into.write(record);
        }
        throw Object.assign(new Error('read'), { code: this.#fault ?? 'EAGAIN' });
      },
      [Symbol.dispose]() {},
    }),
  });

  kill(pid: number, secondsAgo: number): void {
    this.#sequence += 1;
    const time = (SINCE_BOOT - secondsAgo) * 1e6;
    this.#records.push(`3,${this.#sequence},${time},-;Out of memory: Killed process ${pid} (x) total-vm:1kB\n`);
  }

  fail(code: string): void {
    this.#fault = code;
  }

  read(): KmsgKill[] {
    return [...this.log.kills()];
  }
}

describe('KernelLog', () => {
  beforeEach(() => void vi.spyOn(process.hrtime, 'bigint').mockReturnValue(BigInt(SINCE_BOOT) * 1_000_000_000n));
  afterEach(() => void vi.restoreAllMocks());

  it('gives kills of before the start the time that the kernel has stamped them with', () => {
    const log = new Log();
    log.kill(1, 60);
    const [kill] = log.read();
    expect(kill?.at).toBeCloseTo(940, 0);
    expect([kill?.pid, kill?.beforeStart]).toEqual([1, true]);
  });

  // The log has no times before boot, so the test works on a machine that was booted a minute ago.
  it.each([60, -900])('is not misled by a clock of the log that is %d s behind', (behind) => {
    const log = new Log();
    log.read();
    log.now = 1_010;
    log.kill(1, behind);
    const [kill] = log.read();
    // The record was written after the last read at 1,000 s, and before this one.
    expect(kill?.at).toBeGreaterThanOrEqual(1_000);
    expect(kill?.at).toBeLessThanOrEqual(1_010);
    expect(kill?.beforeStart).toBe(false);
  });

  it('dates kills of before the start also if it takes several calls to read them', () => {
    const log = new Log();
    for (let pid = 1; pid <= 16_385; pid += 1) log.kill(pid, 60);
    expect(log.read()).toHaveLength(16_384);
    expect(log.log.hasMore).toBe(true);
    const [last] = log.read();
    expect([last?.pid, last?.beforeStart, log.log.hasMore]).toEqual([16_385, true, false]);
    log.kill(1, 0);
    expect(log.read().map(({ beforeStart }) => beforeStart)).toEqual([false]);
  });

  it('reads in parts if told to', () => {
    const log = new Log();
    for (let pid = 1; pid <= 300; pid += 1) log.kill(pid, 60);
    const part = (): unknown => {
      const pids = [...log.log.kills(0)].map(({ pid }) => pid);
      return [pids[0], pids.at(-1), log.log.hasMore];
    };
    expect(part()).toEqual([1, 128, true]);
    const rest = log.read();
    expect([rest[0], rest.length]).toMatchObject([{ pid: 129, beforeStart: true }, 172]);
    for (let pid = 301; pid <= 500; pid += 1) log.kill(pid, 0);
    expect(part()).toEqual([301, 316, true]);
    log.now += 1;
    expect(part()).toEqual([317, 332, true]);
    // The end was reached too long ago.
    log.now += 2;
    expect(part()).toEqual([333, 460, true]);
    log.read();
    expect(log.log.hasMore).toBe(false);
  });

  it('says that it cannot be read any more', () => {
    const log = new Log();
    log.kill(1, 0);
    expect([log.read().length, log.log.up]).toEqual([1, true]);
    log.fail('EIO');
    expect([log.read(), log.log.up, log.errors.length]).toEqual([[], false, 1]);
    expect([log.log.last, log.log.lost]).toEqual([undefined, undefined]);
  });
});
