import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NameCache } from './name-cache.ts';

let cache: NameCache;

beforeEach(() => {
  vi.useFakeTimers();
  cache = new NameCache({ keepForgottenMs: 60_000, isWanted: (id) => id.startsWith('wanted') });
});

afterEach(() => {
  cache[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('keeps the object as long as nothing changes', () => {
  const names = { name: 'web', image: 'nginx' };
  cache.put('a', names);
  cache.put('a', { image: 'nginx', name: 'web' });
  expect(cache.get('a')).toBe(names);
  cache.put('a', { name: 'web' });
  expect(cache.get('a')).toEqual({ name: 'web' });
  const labelled = { name: 'web', labels: { label_app: 'x' } };
  cache.put('a', labelled);
  cache.put('a', { name: 'web', labels: { label_app: 'x' } });
  expect(cache.get('a')).toBe(labelled);
  cache.put('a', { name: 'web', labels: { label_app: 'y' } });
  expect(cache.get('a')?.labels).toEqual({ label_app: 'y' });
});

test('adds brief names to known ones, and takes a new name from them', () => {
  cache.put('a', { name: 'web', image: 'nginx', runtime: 'runc' });
  cache.putBrief('a', { name: 'shop', image: 'sha256:12', composeProject: 'x' });
  expect(cache.get('a')).toEqual({ name: 'shop', image: 'nginx', runtime: 'runc', composeProject: 'x' });
  const known = cache.get('a');
  cache.putBrief('a', { image: 'sha256:12' });
  expect(cache.get('a')).toBe(known);
});

test('drops forgotten names after a while, unless the container is back', () => {
  for (const id of ['a', 'b', 'c']) cache.put(id, { name: id });
  cache.forget('a');
  vi.advanceTimersByTime(30_000);
  cache.forget('b');
  cache.forget('c');
  cache.remember('c');
  vi.advanceTimersByTime(30_010);
  expect(['a', 'b', 'c'].map((id) => cache.get(id)?.name)).toEqual([undefined, 'b', 'c']);
  // A second call of forget does not extend the time.
  cache.forget('b');
  vi.advanceTimersByTime(30_010);
  expect(['b', 'c'].map((id) => cache.get(id)?.name)).toEqual([undefined, 'c']);
  expect(vi.getTimerCount()).toBe(0);
});

test('forgets all but the given containers', () => {
  for (const id of ['a', 'b']) cache.put(id, { name: id });
  cache.forgetOthers((id) => id === 'a');
  vi.advanceTimersByTime(60_010);
  expect(['a', 'b'].map((id) => cache.get(id)?.name)).toEqual(['a', undefined]);
});

test('is bounded, but always stores names that somebody asked for', () => {
  for (let index = 0; index < 20_000; index += 1) cache.putBrief(`brief${index}`, { name: 'x' });
  expect(cache.get('brief9999')).toBeDefined();
  expect(cache.get('brief10000')).toBeUndefined();
  cache.put('asked', { name: 'y' });
  expect(cache.get('asked')).toBeDefined();
  cache.putBrief('wanted', { name: 'y' });
  expect(cache.get('wanted')).toBeDefined();
  for (let index = 0; index < 10_010; index += 1) {
    cache.put(`gone${index}`, { name: 'z' });
    cache.forget(`gone${index}`);
  }
  expect(cache.get('gone0')).toBeUndefined();
  expect(cache.get('gone10009')).toBeDefined();
});
