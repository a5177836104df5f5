import { createHash } from 'node:crypto';

/** The version of the format. A build does not touch a file of another version, newer or older. */
export const STATE_VERSION = 3;

/** What to save: JSON texts by key. */
export type Entries = ReadonlyMap<string, string>;

/** What was saved: parsed JSON by key. */
export type LoadedEntries = ReadonlyMap<string, unknown>;

/** A line of the file: the first sets all entries, each later one those that have changed. */
interface Line {
  readonly set: Readonly<Record<string, unknown>>;
  readonly drop: readonly string[];
}

const LINE = /^\{"version":(\d+),"sum":"([0-9a-f]{64})",(.*)\}$/s;

/** The file was written by a build with another version of the format. */
export class OtherVersion extends Error {
  readonly version: number;

  constructor(version: number) {
    super(`The file has format version ${version}; this build reads version ${STATE_VERSION}`);
    this.version = version;
  }
}

/** The content of a state file. */
export interface Journal {
  readonly entries: LoadedEntries;
  /** Why the rest of the file was not used. The part before it is a valid, slightly older state. */
  readonly damage: SyntaxError | undefined;
}

/**
 * Writes the lines of a state file. Each line is JSON, with a checksum over itself and the checksum of the line before. So a
 * changed, moved or missing line is always noticed, unless only the last lines are missing:
 *
 *     {"version":3,"sum":"9f86…","set":{"boot":"…","record:/docker/a#7":{"kills":1}},"drop":[]}
 *     {"version":3,"sum":"60303…","set":{"record:/docker/a#7":{"kills":2}},"drop":["total:web"]}
 */
export class JournalWriter {
  #sum = '';
  #written: Entries = new Map();

  /** The first line, with all entries. */
  begin(entries: Entries): string {
    this.#sum = '';
    this.#written = new Map();
    return this.change(entries);
  }

  /** A line with what has changed since the last one. */
  change(entries: Entries): string {
    const set = [...entries].filter(([key, text]) => this.#written.get(key) !== text);
    const drop = [...this.#written.keys()].filter((key) => !entries.has(key));
    const body = `"set":{${set.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}},"drop":${JSON.stringify(drop)}`;
    this.#sum = sumOf(this.#sum, body);
    this.#written = new Map(entries);
    return `{"version":${STATE_VERSION},"sum":"${this.#sum}",${body}}\n`;
  }
}

/**
 * Reads a state file.
 *
 * @throws OtherVersion for another version; SyntaxError if no part of the file is usable.
 */
export function readJournal(text: string): Journal {
  const entries = new Map<string, unknown>();
  let before = '';
  const version = versionOf(text);
  if (version !== undefined && version !== STATE_VERSION) throw new OtherVersion(version);
  // The text after the last newline is an incomplete line.
  const lines = text.split('\n');
  const rest = lines.pop();
  for (const [index, line] of lines.entries()) {
    const [, digits, sum, body] = LINE.exec(line) ?? [];
    if (body === undefined || sum !== sumOf(before, body) || Number(digits) !== STATE_VERSION) {
      const damage = new SyntaxError(`Line ${index + 1} is damaged`);
      if (index === 0) throw damage;
      return { entries, damage };
    }
    before = sum;
    // The checksum proves this form.
    const { set, drop } = JSON.parse(`{${body}}`) as Line;
    for (const key of drop) entries.delete(key);
    for (const [key, value] of Object.entries(set)) entries.set(key, value);
  }
  if (lines.length === 0) throw new SyntaxError('The file has no complete line');
  return { entries, damage: rest === '' ? undefined : new SyntaxError('The last line is incomplete') };
}

/** Other versions may consist of one JSON value of another form. */
function versionOf(text: string): number | undefined {
  const found = LINE.exec(text.slice(0, Math.max(0, text.indexOf('\n'))))?.[1];
  if (found !== undefined) return Number(found);
  try {
    const value: unknown = JSON.parse(text);
    const version: unknown =
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, 'version')?.value
        : undefined;
    return typeof version === 'number' ? version : undefined;
  } catch {
    return undefined;
  }
}

function sumOf(before: string, body: string): string {
  return createHash('sha256').update(`${STATE_VERSION}\n${before}\n${body}`).digest('hex');
}
