import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventLoopWatch } from './event-loop-watch.ts';

let watch: EventLoopWatch;
let now = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  now = 1_000_000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  watch = new EventLoopWatch();
});

afterEach(() => {
  watch[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The loop runs, beat by beat. */
function runFor(seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    now += 1_000;
    vi.advanceTimersByTime(1_000);
  }
}

/** Time passes without a beat; then the timers of the loop run. */
function standStillFor(seconds: number): void {
  now += seconds * 1_000;
}

test('a loop that runs is healthy and has had no stall', () => {
  runFor(100);
  expect([watch.isHealthy(), watch.longestSeconds, watch.totalSeconds]).toEqual([true, 0, 0]);
});

test('stalls are measured: the longest, and all together', () => {
  for (const seconds of [3, 11, 5]) {
    runFor(5);
    standStillFor(seconds);
    runFor(1);
  }
  expect(watch.longestSeconds).toBe(11);
  expect(watch.totalSeconds).toBe(19);
  expect(watch.isHealthy()).toBe(true);
});

test('after a stall of 30 s it is unhealthy for 30 s, from the first question on', () => {
  runFor(5);
  standStillFor(30);
  expect(watch.isHealthy()).toBe(false);
  runFor(29);
  expect(watch.isHealthy()).toBe(false);
  runFor(2);
  expect(watch.isHealthy()).toBe(true);
  expect(watch.longestSeconds).toBeGreaterThanOrEqual(29);
});

test('a busy loop, whose beats are late by less than a second, is healthy', () => {
  for (let index = 0; index < 100; index += 1) {
    standStillFor(0.9);
    runFor(1);
  }
  expect([watch.isHealthy(), watch.longestSeconds]).toEqual([true, 0]);
});

test('questions between beats count as beats and hide no stall', () => {
  runFor(5);
  for (let index = 0; index < 10; index += 1) {
    now += 200;
    watch.isHealthy();
  }
  standStillFor(40);
  expect(watch.isHealthy()).toBe(false);
});
