import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Entries, JournalWriter, OtherVersion, readJournal, STATE_VERSION } from './state-journal.ts';

const entriesOf = (values: Readonly<Record<string, unknown>>): Entries =>
  new Map(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));

/** The text of a state file with these entries, one line after the other. */
function fileOf(...states: readonly Readonly<Record<string, unknown>>[]): string {
  const writer = new JournalWriter();
  return states
    .map((state, nth) => (nth === 0 ? writer.begin(entriesOf(state)) : writer.change(entriesOf(state))))
    .join('');
}

function valuesIn(text: string): Record<string, unknown> {
  return Object.fromEntries(readJournal(text).entries);
}

describe('a state journal', () => {
  it('has one line for all entries and one for each change', () => {
    const text = fileOf({ a: 1, b: { x: 'é' } }, { a: 2, b: { x: 'é' } }, { a: 2, c: [] });
    expect(text.split('\n').map((line) => line.replace(/"sum":"[0-9a-f]{64}"/, '"sum":…'))).toEqual([
      '{"version":3,"sum":…,"set":{"a":1,"b":{"x":"é"}},"drop":[]}',
      '{"version":3,"sum":…,"set":{"a":2},"drop":[]}',
      '{"version":3,"sum":…,"set":{"c":[]},"drop":["b"]}',
      '',
    ]);
    expect(readJournal(text)).toEqual({
      entries: new Map<string, unknown>([
        ['a', 2],
        ['c', []],
      ]),
      damage: undefined,
    });
  });

  it('reads any entries as they were written', () => {
    const values = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 5 }), (states) => {
        const plain: unknown = JSON.parse(JSON.stringify(states.at(-1)));
        expect(valuesIn(fileOf(...states.map((state) => JSON.parse(JSON.stringify(state)))))).toEqual(plain);
      }),
      { numRuns: 50 },
    );
  });

  it('rejects a first line with any flipped bit', () => {
    const file = Buffer.from(fileOf({ 'record:/docker/a#7': { kills: 1, name: 'wéb' } }));
    let kept = 0;
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const text = changed.toString('utf8');
      expect(() => readJournal(text), text).toThrow();
      try {
        readJournal(text);
      } catch (error) {
        kept += Number(error instanceof OtherVersion);
      }
    }
    // A flipped bit can turn the version into another number.
    expect(kept).toBeLessThanOrEqual(8);
  });

  it('stops before the first line with any flipped bit', () => {
    const [first, second, third] = [{ a: 1 }, { a: 2 }, { a: 3, b: 4 }];
    const file = Buffer.from(fileOf(first, second, third));
    const [from, to] = [fileOf(first).length, fileOf(first, second).length];
    for (let bit = from * 8; bit < file.length * 8; bit += 1) {
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { entries, damage } = readJournal(changed.toString('utf8'));
      expect(Object.fromEntries(entries)).toEqual(bit < to * 8 ? first : second);
      expect(damage).toBeInstanceOf(SyntaxError);
    }
  });

  it('stops before an incomplete line', () => {
    const whole = fileOf({ a: 1 }, { a: 2 });
    const first = fileOf({ a: 1 });
    for (let length = first.length; length < whole.length; length += 1) {
      expect(valuesIn(whole.slice(0, length))).toEqual({ a: 1 });
    }
    for (let length = 0; length < first.length; length += 1) {
      expect(() => readJournal(whole.slice(0, length))).toThrow(SyntaxError);
    }
  });

  it('notices missing and swapped lines', () => {
    const [first, second, third] = fileOf({ a: 1 }, { a: 2 }, { a: 3 }).split(/(?<=\n)/);
    expect(valuesIn(`${first}${third}`)).toEqual({ a: 1 });
    expect(valuesIn(`${first}${third}${second}`)).toEqual({ a: 1 });
    expect(() => readJournal(`${second}${third}`)).toThrow(SyntaxError);
  });

  it.each([
    `{"version":${STATE_VERSION + 1},"sum":"${'0'.repeat(64)}","set":{},"drop":[]}\n`,
    '{"version":1,"bootId":"x","lives":[]}',
    '{\n  "version": 99\n}\n',
  ])('reports another version: %j', (text) => {
    expect(() => readJournal(text)).toThrow(OtherVersion);
  });

  it.each(['{', '[]', 'null', '{}', '{"version":"x"}', '\n', 'text\n'])('rejects a damaged file: %j', (text) => {
    expect(() => readJournal(text)).toThrow(SyntaxError);
  });
});
