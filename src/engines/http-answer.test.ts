import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { drain, type HttpAnswer, type Line, readLines, readList, readObject } from './http-answer.ts';

const SELECTION = { Id: true, Labels: { app: true } } as const;
const ALL = { bytes: 1_000_000, objects: 1_000 };
const RATE = { longest: 1_000, bytesPerSecond: 1_000_000 };

const answer = (...chunks: readonly (string | Buffer)[]): HttpAnswer => ({
  status: 200,
  body: Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
});

async function lines(answer: HttpAnswer, limits = RATE): Promise<unknown[]> {
  const found: Line[] = [];
  for await (const line of readLines(answer, SELECTION, limits)) found.push(line);
  return found.map(({ object }) => object);
}

test('an object may arrive in pieces, with a character cut in two', async () => {
  const bytes = Buffer.from('{"Id":"naïve"}');
  const read = await readObject(answer(bytes.subarray(0, 10), bytes.subarray(10)), SELECTION, 100);
  expect(read).toEqual({ objects: [{ Id: 'naïve' }], leftOut: 0, isComplete: true });
});

test('an object that is too long is not read to its end', async () => {
  const long = answer('{"Other":"', 'x'.repeat(100), 'y'.repeat(100), '"}');
  await expect(readObject(long, SELECTION, 150)).rejects.toThrow('longer than 150 bytes');
  expect(long.body.destroyed).toBe(true);
});

test('a list that is too long gives what was read of it', async () => {
  const item = '{"Id":"a"},';
  const long = answer(`[${item}`, item.repeat(10), item.repeat(10));
  expect(await readList(long, SELECTION, { bytes: 50, objects: 100 })).toMatchObject({ isComplete: false });
  expect(long.body.destroyed).toBe(true);
  const many = await readList(answer(`[${item.repeat(50)}`, '{}]'), SELECTION, { bytes: 1_000, objects: 10 });
  expect([many.objects.length, many.isComplete]).toEqual([10, false]);
});

test('a list that arrives at once is complete only if it has no more objects than are kept', async () => {
  const item = '{"Id":"a"}';
  for (const [items, isComplete] of [
    [9, true],
    [10, true],
    [11, false],
  ] as const) {
    const whole = answer(`[${Array.from({ length: items }, () => item).join(',')}]`);
    expect(await readList(whole, SELECTION, { bytes: 1_000, objects: 10 })).toMatchObject({ isComplete });
  }
});

test('a list that is truncated is an error', async () => {
  await expect(readList(answer('[{"Id":"a"},'), SELECTION, ALL)).rejects.toThrow('is truncated');
  await expect(readList(answer(''), SELECTION, ALL)).rejects.toThrow('is truncated');
  await expect(readList(answer('{"message":"no"}'), SELECTION, ALL)).rejects.toThrow('not the expected list');
});

test('lines may arrive in pieces, and a line that is no object spoils no other', async () => {
  const found = await lines(
    answer('{"Id":"a"}\n{"Id"', ':"b"}\n\n{\n7\nnull\n[]\n<x>\n{"Id":"c"', '}\n{"Id":"cut off"'),
  );
  expect(found).toEqual([{ Id: 'a' }, { Id: 'b' }, undefined, undefined, undefined, undefined, undefined, { Id: 'c' }]);
});

test('a line that is too long is an error, whatever is in it', async () => {
  await expect(lines(answer('{"Id":"', 'x'.repeat(1_000)))).rejects.toThrow('longer than 1000');
  await expect(lines(answer('garbage'.repeat(200)))).rejects.toThrow('longer than 1000');
});

test('lines are read no faster than allowed', async () => {
  const begin = performance.now();
  const kilobyte = `${JSON.stringify({ Id: 'x'.repeat(989) })}\n`;
  const body = answer(...Array.from({ length: 100 }, () => kilobyte));
  expect((await lines(body, { longest: 2_000, bytesPerSecond: 100_000 })).length).toBe(100);
  expect(performance.now() - begin).toBeGreaterThan(500);
});

test('any status but 200 is an error, whatever the body', async () => {
  for (const read of [
    (failed: HttpAnswer) => drain(failed, 5),
    (failed: HttpAnswer) => readObject(failed, SELECTION, 5),
    (failed: HttpAnswer) => readList(failed, SELECTION, ALL),
    (failed: HttpAnswer) => lines(failed),
  ]) {
    const failed = { ...answer('x'), status: 500 };
    await expect(read(failed)).rejects.toThrow('status 500');
    expect(failed.body.destroyed).toBe(true);
  }
});
