import { expect, test } from 'vitest';
import { compare, valuesOf } from './bench/comparison.ts';

const values = (...lines: readonly string[]) =>
  valuesOf(lines.map((line) => `# HELP ${nameOf(line)} x\n# TYPE ${nameOf(line)} gauge\n${line}\n`).join(''));
const nameOf = (line: string): string => /^\w+/.exec(line)?.[0] ?? '';

test('a value between two of this build is the same, and one outside in every round differs', () => {
  const before = values('a{c="x"} 1', 'b 5', 'c +Inf');
  const after = values('a{c="x"} 3', 'b 5', 'c +Inf');
  const other = values('a{c="x"} 2', 'b 6', 'c +Inf');
  const found = compare([{ before, other, after }]);
  expect(found.equal).toBe(2);
  expect(found.different).toEqual(['b[] 5…5 here, 6 there']);
  expect(
    compare([
      { before, other, after },
      { before, other: before, after },
    ]).different,
  ).toEqual([]);
});

test('clocks of two processes differ by milliseconds', () => {
  const at = (time: number) => values(`kill_timestamp_seconds ${time}`);
  expect(compare([{ before: at(100), other: at(100.01), after: at(100) }]).equal).toBe(1);
  expect(compare([{ before: at(100), other: at(101), after: at(100) }]).equal).toBe(0);
});

test('series of one build are counted by family', () => {
  const round = {
    before: values('a{c="x"} 1', 'b 1'),
    other: values('a{c="y"} 1', 'process_cpu_seconds_total 1'),
    after: values('a{c="x"} 1', 'b 1'),
  };
  const { equal, onlyHere, onlyThere } = compare([round]);
  expect([equal, [...onlyHere], [...onlyThere]]).toEqual([
    0,
    [
      ['a', 1],
      ['b', 1],
    ],
    [['a', 1]],
  ]);
});
