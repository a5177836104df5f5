import { expect, test, vi } from 'vitest';
import { OptionalReads } from './optional-reads.ts';

test('a read that fails is unknown, and the log says so once, and once that it works again', async () => {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const reads = new OptionalReads(log);
  const fail = (): never => {
    throw new Error('EACCES');
  };
  expect([reads.read('a', fail), reads.read('a', fail), reads.read('b', () => 1)]).toEqual([undefined, undefined, 1]);
  expect(await reads.wait('c', async () => fail())).toBeUndefined();
  expect(log.warn.mock.calls.map(([{ what }]) => what)).toEqual(['a', 'c']);
  expect([reads.read('a', () => 2), reads.read('a', () => 3), await reads.wait('c', async () => 4)]).toEqual([2, 3, 4]);
  expect(log.info.mock.calls.map(([{ what }]) => what)).toEqual(['a', 'c']);
});
