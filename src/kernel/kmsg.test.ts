import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Kmsg, type KmsgPosition } from './kmsg.ts';

/** The device's answer to each read: the text of a record, or the name of an error. */
type Answer = string;

/** A log whose device gives these answers and then has no more. An overrun of the real ring would blind other readers. */
class Device {
  readonly answers: Answer[];
  isClosed = false;

  constructor(...answers: Answer[]) {
    this.answers = answers;
  }

  open(after?: KmsgPosition): Kmsg {
    return new Kmsg('/dev/kmsg', {
      after,
      open: () => ({
        read: (into) => {
          const answer = this.answers.shift() ?? 'EAGAIN';
          if (/^E[A-Z]+$/.test(answer)) throw Object.assign(new Error(answer), { code: answer });
          return into.write(answer, 'latin1');
        },
        [Symbol.dispose]: () => {
          this.isClosed = true;
        },
      }),
    });
  }
}

const record = (sequence: number, seconds = sequence): string => `6,${sequence},${seconds * 1e6},-;text ${sequence}\n`;
const numbersIn = (kmsg: Kmsg): number[] => [...kmsg.records()].map(({ sequence }) => sequence);

describe('Kmsg', () => {
  it('reads the records that have come since the last time', () => {
    const device = new Device(record(5), record(6));
    using kmsg = device.open();
    expect([kmsg.last, kmsg.lost]).toEqual([undefined, 0]);
    expect(numbersIn(kmsg)).toEqual([5, 6]);
    expect(numbersIn(kmsg)).toEqual([]);
    device.answers.push(record(7));
    expect(numbersIn(kmsg)).toEqual([7]);
    expect([kmsg.last, kmsg.lost]).toEqual([{ sequence: 7, time: 7e6 }, 0]);
  });

  it('continues after overwritten records, and counts them', () => {
    const device = new Device(record(5), 'EPIPE', record(9));
    using kmsg = device.open();
    expect(numbersIn(kmsg)).toEqual([5, 9]);
    expect(kmsg.lost).toBe(3);
    device.answers.push('EPIPE', 'EPIPE', record(20), record(21));
    expect(numbersIn(kmsg)).toEqual([20, 21]);
    expect(kmsg.lost).toBe(13);
  });

  it('does not count what was overwritten before the first record that it reads', () => {
    using kmsg = new Device('EPIPE', record(1_000)).open();
    expect(numbersIn(kmsg)).toEqual([1_000]);
    expect(kmsg.lost).toBe(0);
  });

  it('skips what an earlier run has read, and counts what was overwritten since', () => {
    using skipping = new Device(record(5), record(6), record(7)).open({ sequence: 6, time: 6e6 });
    expect(numbersIn(skipping)).toEqual([7]);
    expect(skipping.lost).toBe(0);
    using late = new Device(record(9)).open({ sequence: 6, time: 6e6 });
    expect(numbersIn(late)).toEqual([9]);
    expect(late.lost).toBe(2);
  });

  it('does not read a record twice that another CPU stamped a little later', () => {
    using kmsg = new Device(record(5, 6.2), record(6, 6.1), record(7, 6.15)).open({ sequence: 6, time: 6.1e6 });
    expect(numbersIn(kmsg)).toEqual([7]);
  });

  it('is not silenced by an earlier position that is ahead of the log', () => {
    using kmsg = new Device(record(5), record(6), record(8)).open({ sequence: 1_000_000, time: 5e6 });
    expect(numbersIn(kmsg)).toEqual([8]);
    expect([kmsg.last, kmsg.lost]).toEqual([{ sequence: 8, time: 8e6 }, 0]);
  });

  it('keeps the position of the earlier run while nothing is new', () => {
    using kmsg = new Device(record(5)).open({ sequence: 5, time: 5e6 });
    expect(numbersIn(kmsg)).toEqual([]);
    expect(kmsg.last).toEqual({ sequence: 5, time: 5e6 });
  });

  it('returns after very many records, and continues with the next', () => {
    // The device gives records as fast as they are read.
    let sequence = 0;
    using kmsg = new Kmsg('/dev/kmsg', {
      open: () => ({
        read: (into) => into.write(record((sequence += 1)), 'latin1'),
        [Symbol.dispose]: () => {},
      }),
    });
    const first = numbersIn(kmsg);
    expect(first).toHaveLength(16_384);
    expect(kmsg.isAtEnd).toBe(false);
    expect(numbersIn(kmsg)[0]).toBe(16_385);
    expect(kmsg.lost).toBe(0);
  });

  it('is at the end once it has read everything', () => {
    using kmsg = new Device(record(5)).open();
    numbersIn(kmsg);
    expect(kmsg.isAtEnd).toBe(true);
  });

  it('skips malformed text', () => {
    using kmsg = new Device('text\n', record(2)).open();
    expect(numbersIn(kmsg)).toEqual([2]);
  });

  it('throws other errors', () => {
    using kmsg = new Device(record(5), 'EINVAL').open();
    expect(() => numbersIn(kmsg)).toThrow('EINVAL');
  });

  it('closes the device', () => {
    const device = new Device();
    device.open()[Symbol.dispose]();
    expect(device.isClosed).toBe(true);
  });

  it('throws if there is no such device', () => {
    expect(() => new Kmsg('/nowhere/kmsg')).toThrow('ENOENT');
  });

  it('is nothing else that can be read, which would be a kernel that has logged nothing', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-kmsg-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [file, fifo, link] = ['file', 'fifo', 'link'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(file, '6,1,1,-;Linux version 6.1\n');
    execFileSync('mkfifo', [fifo]);
    symlinkSync('/dev/zero', link);
    for (const path of ['/dev/null', file, fifo, link, directory]) {
      expect(() => new Kmsg(path)).toThrow(/^".*" is not the kernel log, which is the device 1:11$/);
    }
  });

  it.runIf(existsSync('/dev/kmsg') && process.getuid?.() === 0)('reads the log of this machine', () => {
    using kmsg = new Kmsg('/dev/kmsg');
    const numbers = numbersIn(kmsg);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(kmsg.last?.sequence).toBe(numbers.at(-1));
  });
});
