/** The exposition formats: Prometheus text 0.0.4 and OpenMetrics 1.0. */
export type Format = 'text' | 'openmetrics';

/** What stands above the samples of a family. */
export interface FamilyHeader {
  /** As it stands on the samples: with `_total` for a counter and `_info` for an info. */
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
}

export type FamilyType = 'counter' | 'gauge' | 'info' | 'histogram' | 'summary' | 'unknown';

/** Short strings keep the ropes that concatenation builds cheap to flatten: measured, half the time of one per family. */
const FLUSH_AT = 16 * 1024;

/** An exposition: the pieces of it, in order. */
export type Pieces = readonly Buffer[];

const PIECE = 1024 * 1024;

/**
 * Pieces of expositions that nobody needs any more. To find new memory for each exposition costs page faults and
 * collections of garbage (a sixth of the CPU of a scrape), and the allocator keeps what it is given back (30 MB at 1,000
 * containers).
 */
const spare: Buffer[] = [];

/** Those that are in use. */
const lent = new WeakMap<ArrayBufferLike, Buffer>();

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** What the samples of a family have behind its name; elsewhere they have nothing. */
const SUFFIXES: Readonly<Partial<Record<FamilyType, readonly string[]>>> = {
  counter: ['_total'],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Writes one exposition. Labels arrive rendered (see `renderLabels`), because the labels of a container are the same
 * on each of its samples; what is left to do per sample is to concatenate. That no series comes twice is the caller's
 * duty: to look for it here would cost more than the encoding.
 */
export class Encoder {
  readonly format: Format;
  readonly #pieces: Buffer[] = [];
  #piece: Buffer = Buffer.alloc(0);
  #length = 0;
  readonly #claimed = new Set<string>();
  #text = '';
  /** The header of the current family until its first sample. */
  #header = '';
  #base = '';
  #name = '';

  constructor(format: Format) {
    this.format = format;
  }

  /** Begins a family. It prints nothing as long as it has no sample. */
  family(header: FamilyHeader): void {
    const base = baseName(header);
    this.#claim(header, base);
    this.#base = base;
    this.#name = header.name;
    this.#header =
      this.format === 'openmetrics'
        ? `# TYPE ${base} ${header.type}\n# HELP ${base} ${escapeHelp(header.help).replaceAll('"', '\\"')}\n`
        : `# HELP ${header.name} ${escapeHelp(header.help)}\n# TYPE ${header.name} ${textType(header.type)}\n`;
  }

  /** Adds a sample to the family. */
  sample(labels: string, value: number): void {
    this.#add(this.#name, labels, value);
  }

  /** Adds a sample for each of these ends (see {@link endOf}) behind the same labels, of which there must be some. */
  samples(labels: string, ends: readonly string[]): void {
    if (ends.length === 0) return;
    this.#begin(this.#name);
    const start = `${this.#name}{${labels},`;
    for (const end of ends) {
      this.#text += start;
      this.#text += end;
    }
    if (this.#text.length > FLUSH_AT) this.#flush();
  }

  /** Adds a sample that is named otherwise than the family: `…_bucket`, `…_sum`, `…_count`. */
  sampleOf(name: string, labels: string, value: number): void {
    if (this.#base === '' || !name.startsWith(this.#base)) {
      throw new Error(`Sample "${name}" is not of the family "${this.#base}"`);
    }
    this.#add(name, labels, value);
  }

  /** Ends the exposition and returns it; the encoder is of no more use. See {@link recycle}. */
  finish(): Pieces {
    if (this.format === 'openmetrics') this.#text += '# EOF\n';
    this.#flush();
    this.#endPiece();
    return this.#pieces;
  }

  #begin(name: string): void {
    if (name === '') throw new Error('A sample must be of a family');
    if (this.#header !== '') {
      this.#text += this.#header;
      this.#header = '';
    }
  }

  #add(name: string, labels: string, value: number): void {
    this.#begin(name);
    // Few and short pieces: each concatenation makes a string, tens of thousands of times.
    this.#text += labels === '' ? `${name} ${renderValue(value)}\n` : `${name}{` + labels + `} ${renderValue(value)}\n`;
    if (this.#text.length > FLUSH_AT) this.#flush();
  }

  #flush(): void {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    const room = this.#text.length * 3;
    if (this.#length + room > this.#piece.length) {
      this.#endPiece();
      this.#piece = newPiece(room);
    }
    this.#length += this.#piece.write(this.#text, this.#length);
    this.#text = '';
  }

  #endPiece(): void {
    if (this.#length > 0) this.#pieces.push(this.#piece.subarray(0, this.#length));
    this.#length = 0;
  }

  /** A family that begins twice, or in the name of another's samples, makes parsers reject the whole document. */
  #claim(header: FamilyHeader, base: string): void {
    const names = new Set([base, ...(SUFFIXES[header.type] ?? ['']).map((suffix) => base + suffix)]);
    for (const name of names) {
      if (this.#claimed.has(name)) throw new Error(`Family "${header.name}": the name "${name}" is taken`);
    }
    for (const name of names) this.#claimed.add(name);
  }
}

/** Lets later expositions be written over this one, which nobody may use any more. */
export function recycle(pieces: Pieces): void {
  for (const { buffer } of pieces) {
    const whole = lent.get(buffer);
    if (whole !== undefined && lent.delete(buffer)) spare.push(whole);
  }
}

function newPiece(room: number): Buffer {
  if (room > PIECE) return Buffer.allocUnsafe(room);
  // Of its own, not a part of the memory that Node shares among small buffers.
  const piece = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE);
  lent.set(piece.buffer, piece);
  return piece;
}

/** The name of a family in OpenMetrics, where `_total` and `_info` belong to the sample only. */
function baseName(header: FamilyHeader): string {
  const suffix = header.type === 'counter' ? '_total' : header.type === 'info' ? '_info' : '';
  const base = header.name.slice(0, header.name.length - suffix.length);
  if (!header.name.endsWith(suffix) || !NAME.test(base)) {
    throw new Error(`"${header.name}" is not a name for a family of type ${header.type}`);
  }
  return base;
}

function textType(type: FamilyType): string {
  if (type === 'info') return 'gauge';
  return type === 'unknown' ? 'untyped' : type;
}

/** Control characters have no place in a sentence of ours; what is left to escape are newlines and backslashes. */
function escapeHelp(help: string): string {
  // oxlint-disable-next-line no-control-regex
  const printable = help.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ud800-\udfff]/gu, '\ufffd');
  return printable.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** How a sample ends whose first labels are another's: with the rest of the labels, and the value. */
export function endOf(labels: string, value: number): string {
  return `${labels}} ${renderValue(value)}\n`;
}

/** The shortest text that reads back as the same number. */
function renderValue(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
