import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { JsonProjection, type Selection } from './json-projection.ts';

/** An HTTP answer whose head has arrived. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Readable;
}

/** The error for an answer with a status other than 200. */
export class WrongStatus extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`The answer has status ${status}`);
    this.status = status;
  }
}

/** The kept parts of an answer. */
export interface Projected {
  readonly objects: readonly unknown[];
  /** The number of values and objects that were too large to keep. */
  readonly leftOut: number;
  /** `false` if the answer was cut off at a limit. */
  readonly isComplete: boolean;
}

/** The interval over which the rate of an endless answer is measured, in ms. */
const WINDOW_MS = 250;

/**
 * Reads an answer to its end and forgets it.
 *
 * @throws {@link WrongStatus} for any status but 200, and for a body longer than `most` bytes.
 */
export async function drain(answer: HttpAnswer, most: number): Promise<void> {
  let length = 0;
  for await (const chunk of bodyOf(answer)) {
    length += chunk.length;
    // Leaving the loop destroys the connection.
    if (length > most) throw new Error(`The answer is longer than ${most} bytes`);
  }
}

/**
 * Keeps the selected members of a JSON object.
 *
 * @throws {@link WrongStatus} for any status but 200, and for a body longer than `most` bytes; SyntaxError for anything but an object.
 */
export async function readObject(answer: HttpAnswer, selection: Selection, most: number): Promise<Projected> {
  const projected = await project(answer, new JsonProjection(selection, 'object'), { bytes: most, objects: 1 });
  if (!projected.isComplete) throw new Error(`The answer is longer than ${most} bytes`);
  return projected;
}

/**
 * Keeps the selected members of each object in a JSON array, up to a limit on the bytes that are read and the objects
 * that are kept.
 *
 * @throws {@link WrongStatus} for any status but 200; SyntaxError for anything but an array.
 */
export function readList(
  answer: HttpAnswer,
  selection: Selection,
  most: { readonly bytes: number; readonly objects: number },
): Promise<Projected> {
  return project(answer, new JsonProjection(selection, 'list'), most);
}

async function project(
  answer: HttpAnswer,
  projection: JsonProjection,
  most: { readonly bytes: number; readonly objects: number },
): Promise<Projected> {
  const objects: unknown[] = [];
  let length = 0;
  for await (const chunk of bodyOf(answer)) {
    length += chunk.length;
    let isCut = false;
    for (const object of projection.push(chunk)) {
      if (objects.length < most.objects) objects.push(object);
      else isCut = true;
    }
    if (length > most.bytes || objects.length >= most.objects) {
      return { objects, leftOut: projection.leftOut, isComplete: projection.isDone && !isCut };
    }
  }
  projection.end();
  return { objects, leftOut: projection.leftOut, isComplete: true };
}

/** One line of an endless answer. */
export interface Line {
  /** `undefined` if the line is not a JSON object. */
  readonly object: unknown;
  readonly leftOut: number;
}

/**
 * Keeps the selected members of the JSON object on each line, for as long as the answer lasts. Reads no faster than
 * `bytesPerSecond`; the engine has to wait.
 *
 * @throws {@link WrongStatus} for any status but 200, and for a line longer than `longest` bytes.
 */
export async function* readLines(
  answer: HttpAnswer,
  selection: Selection,
  most: { readonly longest: number; readonly bytesPerSecond: number },
): AsyncGenerator<Line> {
  const reader = new LineReader(selection, most.longest);
  let since = performance.now();
  let read = 0;
  for await (const chunk of bodyOf(answer)) {
    yield* reader.push(chunk);
    read += chunk.length;
    const elapsed = performance.now() - since;
    const due = (read / most.bytesPerSecond) * 1000;
    if (due > elapsed + WINDOW_MS) await sleep(due - elapsed, undefined, { ref: false });
    if (elapsed < WINDOW_MS) continue;
    since = performance.now();
    read = 0;
  }
}

const NEWLINE = 0x0a;

/** Assembles lines from pieces. Every newline ends a line, because JSON strings contain none. */
class LineReader {
  readonly #selection: Selection;
  readonly #longest: number;
  #projection: JsonProjection | undefined;
  #object: unknown;
  #length = 0;

  constructor(selection: Selection, longest: number) {
    this.#selection = selection;
    this.#longest = longest;
    this.#projection = new JsonProjection(selection, 'object');
  }

  *push(chunk: Uint8Array): Generator<Line> {
    let from = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, from);
      this.#read(chunk.subarray(from, newline === -1 ? chunk.length : newline));
      if (newline === -1) return;
      if (this.#length > 0) yield { object: this.#object, leftOut: this.#projection?.leftOut ?? 0 };
      this.#projection = new JsonProjection(this.#selection, 'object');
      this.#object = undefined;
      this.#length = 0;
      from = newline + 1;
    }
  }

  #read(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#longest) throw new Error(`A line of the answer is longer than ${this.#longest} bytes`);
    try {
      for (const object of this.#projection?.push(piece) ?? []) this.#object = object;
    } catch {
      // The line is not JSON. Skip the rest of it.
      this.#projection = undefined;
    }
  }
}

function bodyOf({ status, body }: HttpAnswer): AsyncIterable<Uint8Array> {
  if (status === 200) return body;
  body.destroy();
  throw new WrongStatus(status);
}
