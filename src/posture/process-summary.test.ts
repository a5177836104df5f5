import { describe, expect, test } from 'vitest';
import type { ProcessPosture } from './posture.ts';
import { isSameSummary, summaryOf } from './process-summary.ts';

const process = (facts: Partial<ProcessPosture> = {}): ProcessPosture =>
  ({ name: 'sh', permitted: 1n, seccomp: 'filter', escaped: false, ...facts }) as ProcessPosture;

describe('the summary of processes', () => {
  test('has equal processes once, whatever their names', () => {
    const byPid = new Map([
      [1, process()],
      [2, process({ name: 'nginx' })],
      [3, process({ permitted: 3n })],
    ]);
    expect(summaryOf(byPid, process(), true).processes.map(({ permitted }) => permitted)).toEqual([1n, 3n]);
  });

  test('keeps the name of sshd, which a finding needs', () => {
    const names = summaryOf(new Map([[2, process({ name: 'sshd' })]]), process(), true).processes.map(
      ({ name }) => name,
    );
    expect(names).toEqual(['sh', 'sshd']);
  });

  test('leaves out processes that do not count', () => {
    expect(summaryOf(new Map([[2, undefined]]), process(), true).processes).toHaveLength(1);
  });

  test.each([
    ['no process has', [false, false], 0],
    ['one has', [true, false], 1],
    ['one has, and of another it is unknown', [true, undefined], 1],
    ['of one it is unknown', [false, undefined], undefined],
  ])('counts processes that have escaped: %s', (_, escaped, expected) => {
    const byPid = new Map(escaped.map((answer, index) => [index + 2, process({ escaped: answer })]));
    expect(summaryOf(byPid, process(), true).escapedProcesses).toBe(expected);
  });

  test('counts none only if all were inspected', () => {
    expect(summaryOf(new Map([[2, process()]]), process(), false).escapedProcesses).toBeUndefined();
    expect(summaryOf(new Map([[2, process({ escaped: true })]]), process(), false).escapedProcesses).toBe(1);
  });

  test('equals another one with the same facts', () => {
    const one = summaryOf(new Map([[2, process()]]), process(), true);
    expect(isSameSummary(one, summaryOf(new Map(), process({ name: 'bash' }), true))).toBe(true);
    expect(isSameSummary(one, summaryOf(new Map(), process(), false))).toBe(false);
    expect(isSameSummary(one, summaryOf(new Map([[2, process({ permitted: 3n })]]), process(), true))).toBe(false);
    expect(isSameSummary(one, summaryOf(new Map([[2, process({ escaped: true })]]), process(), true))).toBe(false);
  });
});
