import type { Readable } from 'node:stream';

/** What is used of an engine with Docker's API. */
export interface EngineApi {
  /**
   * Sends a GET request and gives the answer as soon as its head is there. Aborting the signal ends both, at any time.
   *
   * @param path with a `?` at its end if there is a query.
   */
  get(path: string, query: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<EngineAnswer>;
}

export interface EngineAnswer {
  readonly status: number;
  readonly body: Readable;
}

/**
 * Reads an answer to its end, as text.
 *
 * @throws Error for a status but 200 and for a body longer than `most` bytes.
 */
export async function textOfAnswer(answer: EngineAnswer, most: number): Promise<string> {
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
export async function* linesOfAnswer(answer: EngineAnswer, most: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bodyOf(answer)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > most) throw new Error(`A line of the answer is longer than ${most} characters`);
    yield* lines;
  }
}

function bodyOf({ status, body }: EngineAnswer): AsyncIterable<Buffer> {
  if (status === 200) return body;
  body.destroy();
  throw new Error(`The answer has status ${status}`);
}

/**
 * Waits for something, but not for ever and not past the end of what it is for.
 *
 * @throws Error if that is over first.
 */
export function inTime<T>(
  awaited: Promise<T>,
  limit: { readonly ms: number; readonly signal: AbortSignal; readonly what: string },
): Promise<T> {
  const { ms, signal, what } = limit;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`No answer (${what})`));
    const timer = setTimeout(giveUp, ms).unref();
    signal.addEventListener('abort', giveUp, { once: true });
    awaited.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    });
  });
}
