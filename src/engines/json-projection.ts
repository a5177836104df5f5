/** Which members of a JSON object to keep: `true` keeps the whole value, a nested selection picks from an object. */
export interface Selection {
  readonly [member: string]: Selection | true;
}

/**
 * The maximum length of one kept value, in bytes. Names are far shorter; `text` in engine-client.ts cuts them to 1,000
 * characters.
 */
const MAX_VALUE = 16 * 1024;
/** The maximum size of everything kept of one object, in bytes, including its member names. */
const MAX_OBJECT = 64 * 1024;
/** The maximum nesting depth of one kept value. */
const MAX_DEPTH = 8;
/** The maximum length of a compared member name, in bytes. No selected name is longer. */
const MAX_KEY = 256;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * What the next byte outside a string belongs to. These are numbers for speed, because each byte of an answer needs one
 * decision.
 */
const START = 0;
const ELEMENT = 1;
const KEY = 2;
const AFTER_KEY = 3;
const VALUE = 4;
const SKIPPED = 5;
const KEPT = 6;
const DONE = 7;

/**
 * Reads JSON as it arrives and keeps only the selected members, so an answer of any size costs as much memory as the
 * names in it. Other members are skipped without validation, at any depth: the parser only tracks brackets and strings.
 * A selected value that is too long or too deeply nested is omitted and counted.
 *
 * For the selection `{ Id: true, Labels: { app: true } }`,
 *
 *     [{"Id":"ab12","Ports":[{"PrivatePort":80}],"Labels":{"app":"web","x":"y"}},
 *      {"Id":"cd34","Ports":[],"Labels":{}}]
 *
 * becomes `{ Id: 'ab12', Labels: { app: 'web' } }` and `{ Id: 'cd34', Labels: {} }`.
 */
export class JsonProjection {
  readonly #selection: Selection;
  readonly #isList: boolean;
  /** Kept values and objects that were left out because they are too long, too deeply nested or malformed. */
  leftOut = 0;
  #state = START;
  /** The selections of the open objects that contain selected members, the innermost last. */
  readonly #open: Selection[] = [];
  #isInString = false;
  #isEscaped = false;
  #key: number[] = [];
  #child: Selection | true | undefined;
  /** Open brackets inside a value that is kept or skipped. */
  #depth = 0;
  readonly #kept = Buffer.allocUnsafe(MAX_OBJECT + MAX_KEY * 2);
  #length = 0;
  /** The length of `#kept` before the current member, so that the member can be removed again. */
  #mark = 0;
  #isTooLong = false;
  #objects: unknown[] = [];

  /** @param shape `object`: one object; `list`: an array, whose objects are projected one by one. */
  constructor(selection: Selection, shape: 'object' | 'list') {
    this.#selection = selection;
    this.#isList = shape === 'list';
  }

  /**
   * Parses more bytes.
   *
   * @returns the objects that these bytes complete.
   * @throws SyntaxError if the answer does not have that shape. Do not use the projection after that.
   */
  push(bytes: Uint8Array): readonly unknown[] {
    this.#objects = [];
    for (const byte of bytes) {
      if (this.#isInString) this.#inString(byte);
      else this.#outsideString(byte);
    }
    return this.#objects;
  }

  /** Whether the answer has been read to its end. */
  get isDone(): boolean {
    return this.#state === DONE;
  }

  /** @throws SyntaxError if the answer ended early. */
  end(): void {
    if (!this.isDone) throw new SyntaxError('The answer is truncated');
  }

  #inString(byte: number): void {
    if (this.#state === KEY) {
      if (this.#key.length <= MAX_KEY) this.#key.push(byte);
    } else if (this.#state === KEPT) this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#isInString = false;
      if (this.#state === KEY) this.#state = AFTER_KEY;
    }
  }

  #outsideString(byte: number): void {
    if (this.#state >= SKIPPED) this.#inValue(byte);
    else if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return;
    else if (this.#state === KEY) this.#beforeKey(byte);
    else if (this.#state === AFTER_KEY) this.#expect(byte === COLON, VALUE);
    else if (this.#state === VALUE) this.#beginValue(byte);
    else if (this.#state === ELEMENT) this.#beginElement(byte);
    else if (this.#isList) this.#expect(byte === OPEN_LIST, ELEMENT);
    else {
      this.#expect(byte === OPEN_OBJECT, KEY);
      this.#openObject(this.#selection);
    }
  }

  #beginElement(byte: number): void {
    if (byte === COMMA) return;
    if (byte === CLOSE_LIST) this.#state = DONE;
    else if (byte === OPEN_OBJECT) this.#openObject(this.#selection);
    else this.#skip(byte);
  }

  #beforeKey(byte: number): void {
    if (byte === COMMA) return;
    if (byte === CLOSE_OBJECT) this.#closeObject();
    else {
      this.#expect(byte === QUOTE, KEY);
      this.#key = [QUOTE];
      this.#isInString = true;
    }
  }

  #beginValue(byte: number): void {
    this.#child = this.#selected();
    if (this.#child === undefined || (this.#child !== true && byte !== OPEN_OBJECT)) {
      this.#skip(byte);
      return;
    }
    this.#mark = this.#length;
    if (this.#kept[this.#length - 1] !== OPEN_OBJECT) this.#keep(COMMA);
    for (const each of this.#key) this.#keep(each);
    this.#keep(COLON);
    if (this.#child === true) {
      this.#state = KEPT;
      this.#depth = 0;
      this.#inValue(byte);
    } else this.#openObject(this.#child);
  }

  /** The selection under the current key of the innermost open object. */
  #selected(): Selection | true | undefined {
    if (this.#key.length > MAX_KEY) return undefined;
    const raw = Buffer.from(this.#key).toString('utf8');
    const key = raw.includes('\\') ? parsed(raw) : raw.slice(1, -1);
    const selection = this.#open.at(-1);
    return typeof key === 'string' && selection !== undefined && Object.hasOwn(selection, key)
      ? selection[key]
      : undefined;
  }

  #skip(byte: number): void {
    this.#state = SKIPPED;
    this.#depth = 0;
    this.#inValue(byte);
  }

  /** Handles a byte of a value that is kept or skipped, or the byte that ends it. */
  #inValue(byte: number): void {
    if (this.#state === DONE) return;
    const isClosing = byte === CLOSE_OBJECT || byte === CLOSE_LIST;
    if (this.#depth === 0 && (isClosing || byte === COMMA)) {
      this.#state = this.#open.length === 0 ? ELEMENT : KEY;
      if (this.#open.length === 0) this.#beginElement(byte);
      else this.#beforeKey(byte);
      return;
    }
    if (this.#state === KEPT) this.#keep(byte);
    if (byte === QUOTE) this.#isInString = true;
    else if (isClosing) this.#depth -= 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      this.#depth += 1;
      if (this.#state === KEPT && this.#depth > MAX_DEPTH) this.#leaveOut();
    }
  }

  #openObject(selection: Selection): void {
    this.#open.push(selection);
    this.#keep(OPEN_OBJECT);
    this.#state = KEY;
  }

  #closeObject(): void {
    this.#keep(CLOSE_OBJECT);
    this.#open.pop();
    this.#state = KEY;
    if (this.#open.length > 0) return;
    const object = this.#isTooLong ? undefined : parsed(this.#kept.toString('utf8', 0, this.#length));
    this.#length = 0;
    this.#isTooLong = false;
    this.#state = this.#isList ? ELEMENT : DONE;
    if (object !== undefined) this.#objects.push(object);
    else if (this.#isList) this.leftOut += 1;
    else throw new SyntaxError('The answer is malformed, or repeats a member too often');
  }

  #keep(byte: number): void {
    const isFull = this.#length >= MAX_OBJECT || this.#length - this.#mark > MAX_VALUE;
    if (this.#state === KEPT && isFull) this.#leaveOut();
    else if (this.#length >= this.#kept.length) this.#isTooLong = true;
    else this.#kept[this.#length++] = byte;
  }

  /** Removes what was kept of the current member, and skips the rest of its value. */
  #leaveOut(): void {
    this.#length = this.#mark;
    this.#state = SKIPPED;
    this.leftOut += 1;
  }

  #expect(isRight: boolean, next: number): void {
    if (!isRight) throw new SyntaxError(`The answer is not the expected ${this.#isList ? 'list' : 'object'}`);
    this.#state = next;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
