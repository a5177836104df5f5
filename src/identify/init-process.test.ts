import { describe, expect, it } from 'vitest';
import { parseBootTime, parseStartTime } from '../kernel/proc-stat.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import { type Candidate, chooseInit } from './init-process.ts';

const process = (pid: number, ppid: number, nspid: number[], start: number): Candidate => ({ pid, ppid, nspid, start });

describe('chooseInit()', () => {
  it('takes pid 1 of the container, wherever it is in the list', () => {
    const init = process(900, 50, [900, 1], 10);
    expect(chooseInit([process(300, 900, [300, 7], 20), init, process(120, 50, [120, 9], 30)])).toBe(init);
  });

  it('takes the outermost of nested ones', () => {
    const init = process(900, 50, [900, 1], 10);
    expect(chooseInit([process(100, 900, [100, 14, 1], 5), init])).toBe(init);
  });

  it('takes the oldest from outside in the pid namespace of the host, not an exec or a lower pid', () => {
    const main = process(900, 50, [900], 10);
    const exec = process(80, 50, [80], 40);
    expect(chooseInit([exec, process(901, 900, [901], 11), main])).toBe(main);
  });

  it('takes the lower pid of two that started together', () => {
    const first = process(5, 1, [5], 10);
    expect(chooseInit([process(6, 1, [6], 10), first])).toBe(first);
  });

  it('finds none among none', () => expect(chooseInit([])).toBeUndefined());
});

describe('parseProcStatus()', () => {
  it('reads pids, and does without NSpid', () => {
    expect(parseProcStatus('Name:\tsh\nPPid:\t12\nNSpid:\t34\t1\n')).toEqual({ ppid: 12, nspid: [34, 1] });
    expect(parseProcStatus('PPid:\t12\n')).toEqual({ ppid: 12, nspid: [] });
  });
  it('refuses what is none', () => expect(() => parseProcStatus('')).toThrow(SyntaxError));
});

describe('parseStartTime()', () => {
  const tail = 'S 2201 2231 2231 0 -1 4194560 102 0 0 0 0 0 0 0 20 0 1 0 91822 2785280 1';

  it.each(['sleep', 'a) b) (c', ') R 1 (\n', ''])('is not misled by the name %j', (name) =>
    expect(parseStartTime(`2231 (${name}) ${tail}`)).toBe(918.22),
  );
  it('refuses what is too short', () => expect(() => parseStartTime('1 (a) S 1')).toThrow(SyntaxError));
});

describe('parseBootTime()', () => {
  it('reads btime', () => expect(parseBootTime('cpu 1\nbtime 1795391234\n')).toBe(1795391234));
  it('refuses a file without it', () => expect(() => parseBootTime('')).toThrow(SyntaxError));
});
