import type { Readable } from 'node:stream';

/** An answer by HTTP, as soon as its head is there. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Readable;
}

/**
 * Reads an answer to its end, as text.
 *
 * @throws Error for a status but 200 and for a body longer than `most` bytes.
 */
export async function textOfAnswer(answer: HttpAnswer, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyOf(answer)) {
    length += chunk.length;
    // Leaving the loop destroys the connection, so that what has no end is not read on.
    if (length > most) throw new Error(`The answer is longer than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads an answer as lines, for as long as it lasts.
 *
 * @throws Error for a status but 200, and for a line longer than `most` characters.
 */
export async function* linesOfAnswer(answer: HttpAnswer, most: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bodyOf(answer)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > most) throw new Error(`A line of the answer is longer than ${most} characters`);
    yield* lines;
  }
}

function bodyOf({ status, body }: HttpAnswer): AsyncIterable<Buffer> {
  if (status === 200) return body;
  body.destroy();
  throw new Error(`The answer has status ${status}`);
}
