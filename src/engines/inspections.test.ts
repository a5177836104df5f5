import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Inspections } from './inspections.ts';

const asked: string[] = [];
const onDeferred = vi.fn();
let inspections: Inspections;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  asked.length = 0;
  onDeferred.mockClear();
  inspections = new Inspections({
    retryDelays: [100],
    repeatInterval: 1_000,
    repeatsPerSecond: 10,
    onFailed() {},
    onDeferred,
  });
  inspections.begin(async (id) => void asked.push(id));
});

afterEach(() => {
  inspections[Symbol.dispose]();
  vi.useRealTimers();
});

async function floodFor(seconds: number, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < seconds * 500; at += 1) {
    const id = ids[at % ids.length];
    if (id !== undefined) inspections.again(id);
    await vi.advanceTimersByTimeAsync(2);
  }
}

test('500 events a second of one container cost one inspection a second, and the last event is not lost', async () => {
  inspections.want('a');
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(['a']);
  await floodFor(10, ['a']);
  expect(asked.length).toBeGreaterThanOrEqual(10);
  expect(asked.length).toBeLessThanOrEqual(12);
  await vi.advanceTimersByTimeAsync(100);
  inspections.again('a');
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked.length - before).toBe(1);
  expect(onDeferred).not.toHaveBeenCalled();
});

test('events of many containers share a rate, and each of them has its turn', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `id${index}`);
  for (const id of ids) inspections.want(id);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked.toSorted()).toEqual(ids.toSorted());
  asked.length = 0;
  await floodFor(15, ids);
  expect(asked.length).toBeLessThanOrEqual(10 + 15 * 10 + 1);
  expect(new Set(asked).size).toBe(100);
  expect(onDeferred).toHaveBeenCalled();
});

test('an event after a quiet second is followed at once', async () => {
  inspections.want('a');
  await vi.advanceTimersByTimeAsync(2_000);
  inspections.again('a');
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(['a', 'a']);
});

test('a flood does not hold up containers that appear', async () => {
  inspections.want('a');
  await vi.advanceTimersByTimeAsync(0);
  await floodFor(1, ['a']);
  inspections.want('b');
  await vi.advanceTimersByTimeAsync(0);
  expect(asked.at(-1)).toBe('b');
});

test('what an event has deferred is inspected when the engine can be asked again', async () => {
  inspections.want('a');
  await vi.advanceTimersByTimeAsync(0);
  inspections.again('a');
  await vi.advanceTimersByTimeAsync(0);
  inspections.again('a');
  inspections.pause();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toEqual(['a', 'a']);
  inspections.begin(async (id) => void asked.push(`${id} again`));
  await vi.advanceTimersByTimeAsync(0);
  expect(asked.at(-1)).toBe('a again');
});

test('a container that is forgotten is asked about no more', async () => {
  inspections.want('a');
  await vi.advanceTimersByTimeAsync(0);
  inspections.again('a');
  inspections.again('a');
  inspections.forget('a');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.length).toBeLessThanOrEqual(2);
});
