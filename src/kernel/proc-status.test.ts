import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseProcStatus } from './proc-status.ts';

const status = (more = 'NSpid:\t7946\t14\t1\n', name = 'sleep'): string =>
  `Name:\t${name}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t7946\nNgid:\t0\nPid:\t7947\nPPid:\t7941\nTracerPid:\t0\n` +
  `Groups:\t \nNStgid:\t7946\t14\t1\n${more}NSpgid:\t7946\t14\t1\nKthread:\t0\nThreads:\t1\n`;

test('tells the process, its parent and its pids, the outermost first', () => {
  expect(parseProcStatus(status())).toEqual({ tgid: 7946, ppid: 7941, nspid: [7946, 14, 1] });
});

test('without NSpid a process has just its pid', () => {
  expect(parseProcStatus(status(''))).toEqual({ tgid: 7946, ppid: 7941, nspid: [7946] });
});

test('a name cannot pass for a line', () => {
  expect(parseProcStatus(status(undefined, String.raw`x\nPPid:\t1\nNSpid:\t1`)).ppid).toBe(7941);
  expect(parseProcStatus(status(undefined, 'NSpid:\t9\t1')).nspid).toEqual([7946, 14, 1]);
});

test.each([
  ['nothing', ''],
  ['no parent', 'Name:\tx\nTgid:\t1\n'],
  ['no number', status().replace('7941', 'one')],
  ['no NSpid in its line', status('NSpid:\t\n')],
  ['spaces', status('NSpid:\t1 2\n')],
])('%s is an error', (_, text) => {
  expect(() => parseProcStatus(text)).toThrow(SyntaxError);
});

test('throws nothing but SyntaxError', () => {
  const line = fc.oneof(fc.string(), fc.constantFrom(...status().split('\n'), 'NSpid:\t', 'PPid:\t-1', 'Tgid:'));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        parseProcStatus(lines.join('\n'));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
  );
});
