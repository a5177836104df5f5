import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBootTime, parseStartTime } from './proc-stat.ts';

const AFTER_NAME = 'S 2201 2231 2231 0 -1 4194560 102 0 0 0 0 0 0 0 20 0 1 0 91822 2785280 210 18446744073709551615';

test.each(['sleep', 'a) b) (c', '', ' ', ')', 'x) S 1 1', 'new\nline', '))))'])('a process called "%s"', (name) => {
  expect(parseStartTime(`2231 (${name}) ${AFTER_NAME}\n`)).toBe(918.22);
});

test('a line that ends with the field', () => {
  expect(parseStartTime('1 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 2200\n')).toBe(22);
});

test.each([
  '',
  '1 (sleep',
  '1 (sleep)',
  '1 (sleep) ',
  '1 (sleep) S 1 2 3',
  `1 (x) ${AFTER_NAME.replace('91822', '-1')}`,
])('"%s" is an error', (stat) => {
  expect(() => parseStartTime(stat)).toThrow(SyntaxError);
});

test('throws nothing but SyntaxError', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom(...AFTER_NAME.split(' '), '(x)', ')'));
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      try {
        expect(parseStartTime(parts.join(' '))).toBeGreaterThanOrEqual(0);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
  );
});

test('this process started before now and after boot', () => {
  const boot = parseBootTime(readFileSync('/proc/stat', 'utf8'));
  const start = boot + parseStartTime(readFileSync('/proc/self/stat', 'utf8'));
  expect(start).toBeGreaterThan(boot);
  // `btime` has whole seconds only.
  expect(Math.abs(Date.now() / 1000 - process.uptime() - start)).toBeLessThan(2);
});

test('a stat without boot time is an error', () => {
  expect(() => parseBootTime('cpu 1 2 3\nbtime\nxbtime 5\n')).toThrow(SyntaxError);
});
