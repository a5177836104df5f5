import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { linesOfAnswer, textOfAnswer } from './http-answer.ts';

const answer = (...chunks: readonly (string | Buffer)[]): { status: number; body: Readable } => ({
  status: 200,
  body: Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
});

async function lines(most: number, ...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOfAnswer(answer(...chunks), most)) found.push(line);
  return found;
}

test('a text may come in pieces, also with a character cut in two', async () => {
  const bytes = Buffer.from('naïve');
  expect(await textOfAnswer(answer(bytes.subarray(0, 3), bytes.subarray(3)), 6)).toBe('naïve');
  expect(await lines(100, bytes.subarray(0, 3), bytes.subarray(3), '\n')).toEqual(['naïve']);
});

test('a text that is too long is not read on', async () => {
  const long = answer('123', '456');
  await expect(textOfAnswer(long, 5)).rejects.toThrow('longer than 5 bytes');
  expect(long.body.destroyed).toBe(true);
});

test('lines may come in pieces', async () => {
  expect(await lines(5, 'a\nb', 'c', 'd\n\n', 'rest')).toEqual(['a', 'bcd', '']);
  await expect(lines(5, 'a\nbcd', 'efgh', 'i\n')).rejects.toThrow('longer than 5');
});

test('another status than 200 is an error, whatever the body', async () => {
  const failed = { ...answer('x'), status: 500 };
  await expect(textOfAnswer(failed, 5)).rejects.toThrow('status 500');
  expect(failed.body.destroyed).toBe(true);
});
