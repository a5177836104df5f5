/** An exposition as a list of buffers, in order. */
export type Pieces = readonly Buffer[];

/** The size of each buffer. No line is longer. */
export const PIECE = 1024 * 1024;

/** The number of spare buffers to keep: enough for two concurrent scrapes of a large host. */
const MOST_SPARE = 32;

/**
 * Buffers of expositions that are no longer in use. New memory for each exposition costs page faults and garbage collection
 * (a sixth of the CPU of a scrape), and the allocator does not return it (30 MB at 1,000 containers).
 */
const spare: Buffer[] = [];

/** Buffers in use. */
const lent = new WeakMap<ArrayBufferLike, Buffer>();

/** How many parties still read an exposition; one if it is absent. */
const readers = new WeakMap<Pieces, number>();

/** How many buffers at the beginning of an exposition are free already; none if it is absent. */
const freed = new WeakMap<Pieces, number>();

/** An empty buffer of {@link PIECE} bytes, with old content. */
export function takeBuffer(): Buffer {
  // Allocated outside the pool that Node shares among small buffers.
  const piece = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE);
  lent.set(piece.buffer, piece);
  return piece;
}

/** Registers one more reader of an exposition, who must {@link recycle} it too. */
export function retain(pieces: Pieces): void {
  readers.set(pieces, (readers.get(pieces) ?? 1) + 1);
}

/** Ends the use of an exposition by one reader. After the last one, its buffers are used for later expositions. */
export function recycle(pieces: Pieces): void {
  const others = (readers.get(pieces) ?? 1) - 1;
  readers.set(pieces, others);
  if (others <= 0) free(pieces, pieces.length);
}

/**
 * Ends the use of the first buffers of an exposition early, unless somebody else reads it too.
 *
 * @returns the number of its buffers that are free.
 */
export function recycleFirst(pieces: Pieces, count: number): number {
  const isShared = (readers.get(pieces) ?? 1) > 1;
  if (!isShared) free(pieces, count);
  return freed.get(pieces) ?? 0;
}

function free(pieces: Pieces, count: number): void {
  const already = freed.get(pieces) ?? 0;
  for (const { buffer } of pieces.slice(already, count)) {
    const whole = lent.get(buffer);
    if (whole !== undefined && lent.delete(buffer) && spare.length < MOST_SPARE) spare.push(whole);
  }
  freed.set(pieces, Math.max(already, count));
}
