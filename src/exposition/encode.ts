import { PIECE, type Pieces, recycleFirst, takeBuffer } from './buffers.ts';
import { type FamilyHeader, type Format, renderedHeader } from './family-header.ts';
import { putValue, renderValue } from './numbers.ts';

/** An upper bound on the bytes of a number and the punctuation of a sample. */
const AROUND = 64;

const [OPEN, CLOSE, COMMA, SPACE, NEWLINE] = [0x7b, 0x7d, 0x2c, 0x20, 0x0a];

const NO_PIECE = Buffer.alloc(0);

/** A family without labels of its own. */
const NONE = new Uint8Array(0);

/**
 * Writes one exposition. Labels arrive rendered (see `renderLabels`), because a container has the same labels on all of its
 * samples. Each sample then only needs bytes copied. Concatenating strings would take twice as long, and collecting their
 * garbage as long again. The caller must not add a series twice: a check here would cost more than the encoding.
 */
export class Encoder {
  /**
   * The encoder of the last exposition. The next one needs most of its encoded labels again. And as long as there is one, V8 keeps the
   * machine code that it made for encoders: else it throws that away between two scrapes.
   */
  static #last: Encoder | undefined;
  readonly format: Format;
  #pieces: Buffer[] = [];
  #piece: Buffer = NO_PIECE;
  #length = 0;
  readonly #claimed = new Set<string>();
  /** Encoded labels, which many samples share. */
  readonly #bytes = new Map<string, Uint8Array>();
  /** The header of the current family until its first sample. */
  #header = '';
  #base = '';
  #name: Uint8Array = NONE;
  /** Where the lines of the current family begin. */
  #firstLine = 0;
  /** The earlier exposition that lines are copied from, and the range of it that is still to be copied. */
  #source: Pieces;
  /** How many of its buffers are in use for other things again. */
  #freed = 0;
  #copyFrom = 0;
  #copyTo = 0;

  /**
   * @param source an earlier exposition in this format, for {@link copy}. Nobody else may recycle it meanwhile. Its lines are mostly
   *   copied in their order, and its buffers become free as soon as what follows them is copied. So there is one exposition in memory,
   *   and not two.
   */
  constructor(format: Format, source: Pieces = []) {
    this.format = format;
    this.#source = source;
  }

  /** The position of the next byte in the exposition. Meaningful only as an argument of {@link linesSince} and {@link copy}. */
  get position(): number {
    return this.#pieces.length * PIECE + this.#length + (this.#copyTo - this.#copyFrom);
  }

  /** The position of the first line of this family written at or after a position. The header is not a line. */
  linesSince(position: number): number {
    return Math.max(position, this.#firstLine);
  }

  /** Whether lines from one position to another are in one buffer. Only such lines can be copied. */
  static isWhole(from: number, to: number): boolean {
    return Math.floor(from / PIECE) === Math.floor(to / PIECE);
  }

  /** Whether the lines at a position of the earlier exposition are still there. */
  canCopy(from: number): boolean {
    return from >= this.#freed * PIECE;
  }

  /**
   * Copies lines of the earlier exposition into the current family, if {@link canCopy}.
   *
   * @returns their position in this exposition.
   */
  copy(from: number, to: number): number {
    this.#begin();
    // No buffer is filled to its last byte, so lines that follow one another are in one buffer.
    const isNext = from === this.#copyTo;
    if (!isNext || this.#length + (to - this.#copyFrom) + AROUND > this.#piece.length) {
      this.#copyPending();
      this.#freeBefore(from);
      this.#makeRoom(to - from + AROUND);
      this.#copyFrom = from;
    }
    this.#copyTo = to;
    return this.position - (to - from);
  }

  /** Begins a family. Its header is written with its first sample. */
  family(header: FamilyHeader): void {
    this.#copyPending();
    const { base, name, names, lines } = renderedHeader(header);
    this.#claim(header, names);
    this.#base = base;
    this.#name = name;
    this.#header = lines[this.format];
  }

  /** Adds a sample to the family. Its own labels come after the shared ones. */
  sample(labels: string, value: number, own: Uint8Array = NONE): void {
    this.#add(this.#name, labels, value, own);
  }

  /**
   * Adds `_created` (OpenMetrics 1.0.0, 5.1.2) after the last sample of a counter with these labels, in Unix seconds. Text
   * 0.0.4 has no such sample.
   */
  created(labels: string, seconds: number, own: Uint8Array = NONE): void {
    if (this.format === 'openmetrics') this.#add(Buffer.from(`${this.#base}_created`), labels, seconds, own);
  }

  /** Adds a sample for each of these ends (see {@link endOf}) after the same labels, which must not be empty. */
  samples(labels: string, ends: readonly Uint8Array[]): void {
    if (ends.length === 0) return;
    this.#begin();
    this.#copyPending();
    const [name, before] = [this.#name, this.#bytesOf(labels)];
    for (const end of ends) {
      this.#makeRoom(name.length + before.length + end.length + AROUND);
      this.#put(name);
      this.#putByte(OPEN);
      this.#put(before);
      this.#putByte(COMMA);
      this.#put(end);
    }
  }

  /** Adds a sample whose name differs from the family's: `…_bucket`, `…_sum`, `…_count`. */
  sampleOf(name: string, labels: string, value: number): void {
    if (this.#base === '' || !name.startsWith(this.#base)) {
      throw new Error(`Sample "${name}" does not belong to the family "${this.#base}"`);
    }
    this.#add(Buffer.from(name), labels, value, NONE);
  }

  /** Ends the exposition and returns it. Do not use the encoder afterwards. See {@link recycle}. */
  finish(): Pieces {
    this.#copyPending();
    if (this.format === 'openmetrics') this.#putText('# EOF\n');
    this.#endPiece();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#piece = NO_PIECE;
    this.#source = [];
    Encoder.#last = this;
    return pieces;
  }

  #begin(): void {
    if (this.#base === '') throw new Error('A sample must belong to a family');
    if (this.#header === '') return;
    this.#putText(this.#header);
    this.#header = '';
    this.#firstLine = this.position;
  }

  /** Neighbouring lines are copied at once. */
  #copyPending(): void {
    if (this.#copyTo === this.#copyFrom) return;
    const start = this.#copyFrom % PIECE;
    const piece = this.#source[Math.floor(this.#copyFrom / PIECE)];
    if (piece === undefined) throw new Error('There is no earlier exposition with these lines');
    const end = start + this.#copyTo - this.#copyFrom;
    this.#copyFrom = this.#copyTo;
    this.#put(piece.subarray(start, end));
  }

  /** Frees the buffers of the earlier exposition before a position. */
  #freeBefore(position: number): void {
    const before = Math.floor(position / PIECE);
    if (before > this.#freed) this.#freed = recycleFirst(this.#source, before);
  }

  #add(name: Uint8Array, labels: string, value: number, own: Uint8Array): void {
    this.#begin();
    this.#copyPending();
    const before = this.#bytesOf(labels);
    this.#makeRoom(name.length + before.length + own.length + AROUND);
    this.#put(name);
    if (before.length + own.length > 0) {
      this.#putByte(OPEN);
      this.#put(before);
      if (before.length > 0 && own.length > 0) this.#putByte(COMMA);
      this.#put(own);
      this.#putByte(CLOSE);
    }
    this.#putByte(SPACE);
    this.#putValue(value);
    this.#putByte(NEWLINE);
  }

  #bytesOf(labels: string): Uint8Array {
    let bytes = this.#bytes.get(labels);
    if (bytes === undefined) {
      const last = Encoder.#last;
      bytes = (last === undefined ? undefined : last.#bytes.get(labels)) ?? Buffer.from(labels);
      this.#bytes.set(labels, bytes);
    }
    return bytes;
  }

  #putText(text: string): void {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    this.#makeRoom(text.length * 3);
    this.#length += this.#piece.write(text, this.#length);
  }

  #put(bytes: Uint8Array): void {
    this.#piece.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #putByte(byte: number): void {
    this.#piece[this.#length] = byte;
    this.#length += 1;
  }

  #putValue(value: number): void {
    this.#length = putValue(value, this.#piece, this.#length);
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#piece.length) return;
    this.#endPiece();
    if (bytes > PIECE) throw new RangeError('A line is too long');
    this.#piece = takeBuffer();
  }

  #endPiece(): void {
    if (this.#length > 0) this.#pieces.push(this.#piece.subarray(0, this.#length));
    this.#length = 0;
  }

  /** Parsers reject a document with two families of one name, or with a family named like another's samples. */
  #claim(header: FamilyHeader, names: ReadonlySet<string>): void {
    for (const name of names) {
      if (this.#claimed.has(name)) throw new Error(`Family "${header.name}": the name "${name}" is taken`);
    }
    for (const name of names) this.#claimed.add(name);
  }
}

/** The end of a sample: the rest of its labels and its value. */
export function endOf(labels: string, value: number): Uint8Array {
  return Buffer.from(`${labels}} ${renderValue(value)}\n`);
}
