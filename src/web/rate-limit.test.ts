import { describe, expect, test } from 'vitest';
import { createLimiter, rateLimitOf } from './rate-limit.ts';

const section = (interval: unknown, burst?: unknown) =>
  new Map([
    ['interval', interval],
    ['burst', burst],
  ]);

describe('rate_limit', () => {
  test.each([
    [undefined, undefined],
    [section('0', '5'), undefined],
    [section('1s', '3'), { interval: 1000, burst: 3 }],
    [section('100ms', undefined), { interval: 100, burst: 0 }],
    [section('1m30.5s', '1'), { interval: 90_500, burst: 1 }],
    [section('.5h', '1'), { interval: 1_800_000, burst: 1 }],
    [section('2000000', '1'), { interval: 2, burst: 1 }],
  ])('%j is %j', (value, expected) => {
    expect(rateLimitOf(value)).toEqual(expected);
  });

  test.each([
    [section('1', '-1'), /^rate_limit\.burst: expected a whole number$/],
    [section('1s', '1.5'), /^rate_limit\.burst: expected/],
    [section('-1s', '1'), /^rate_limit\.interval: expected a duration/],
    [section('1 s', '1'), /^rate_limit\.interval: expected a duration/],
    [section('1d', '1'), /^rate_limit\.interval: expected a duration/],
    [section('s', '1'), /^rate_limit\.interval: expected a duration/],
    [new Map([['rate', '1']]), /^rate_limit\.rate: no such setting; there are: interval, burst$/],
  ])('%j is refused', (value, message) => {
    expect(() => rateLimitOf(value)).toThrow(message);
  });
});

describe('the bucket', () => {
  test('begins full, is refilled at its rate, and holds no more than its burst', () => {
    let time = 0;
    const allows = createLimiter({ interval: 1000, burst: 2 }, () => time);
    expect([allows(), allows(), allows()]).toEqual([true, true, false]);
    time = 999;
    expect(allows()).toBe(false);
    time = 1000;
    expect([allows(), allows()]).toEqual([true, false]);
    time = 60_000;
    expect([allows(), allows(), allows()]).toEqual([true, true, false]);
  });

  test('lets nothing through without a burst, and everything without a limit', () => {
    let time = 0;
    const none = createLimiter({ interval: 1000, burst: 0 }, () => time);
    time = 10_000;
    expect(none()).toBe(false);
    const all = createLimiter(undefined);
    expect(Array.from({ length: 1000 }, () => all()).every(Boolean)).toBe(true);
  });
});
