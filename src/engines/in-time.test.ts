import { expect, test } from 'vitest';
import { inTime } from './in-time.ts';

const never = (): Promise<never> => new Promise(() => {});

test('passes on an answer or an error', async () => {
  const { signal } = new AbortController();
  expect(await inTime(() => Promise.resolve(7), { ms: 1_000, signal, what: 'x' })).toBe(7);
  const failing = inTime(() => Promise.reject(new Error('no')), { ms: 1_000, signal, what: 'x' });
  await expect(failing).rejects.toThrow('no');
});

test('gives up after the time, and with its purpose', async () => {
  const session = new AbortController();
  const { signal } = session;
  await expect(inTime(never, { ms: 5, signal, what: 'ping' })).rejects.toThrow('No answer (ping)');
  const waiting = inTime(never, { ms: 60_000, signal, what: 'list' });
  session.abort();
  await expect(waiting).rejects.toThrow('No answer (list)');
  await expect(inTime(never, { ms: 60_000, signal, what: 'list' })).rejects.toThrow('aborted');
});

test('aborts the signal once nobody waits any more', async () => {
  const { signal } = new AbortController();
  const ends: string[] = [];
  const asked = (of: AbortSignal): Promise<never> => {
    of.addEventListener('abort', () => ends.push('told'));
    return never();
  };
  await expect(inTime(asked, { ms: 5, signal, what: 'ping' })).rejects.toThrow('No answer');
  expect(ends).toEqual(['told']);
});
