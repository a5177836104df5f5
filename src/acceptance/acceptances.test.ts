import { mkdtempSync, rmSync, symlinkSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SteadyClock } from '../kernel/steady-clock.ts';
import { Acceptances } from './acceptances.ts';
import type { MatchedContainer } from './accept-rules.ts';

const WEB: MatchedContainer = { labels: { engine: 'docker', namespace: '', pod: '', container: 'web' }, names: {} };
const DAY = 86_400_000;
const VALID = 'accept:\n  - { match: { container: web }, findings: [net_raw], reason: fine, expires: 2026-11-30 }\n';

let directory: string;
let file: string;
let lines: { readonly level: string; readonly message: string; readonly [fact: string]: unknown }[];
let now: number;
let elapsed: number;

const tell = (level: string) => (facts: object, message: string) => void lines.push({ level, message, ...facts });
const log = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
const open = (path = file) => {
  const clock = new SteadyClock({ steady: () => elapsed / 1000, wall: () => now / 1000 });
  return new Acceptances(path, { log, now: () => now, elapsed: () => elapsed, clock });
};
const pass = (ms: number) => {
  now += ms;
  elapsed += ms;
};
const problems = () => lines.filter(({ level }) => level !== 'info').map(({ message }) => message);

let writes = 0;
const write = (text: string): void => {
  writeFileSync(file, text);
  // Two writes within the resolution of the file system's clock.
  writes += 1;
  utimesSync(file, 1_000_000 + writes, 1_000_000 + writes);
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-accept-'));
  file = join(directory, 'accept.yml');
  lines = [];
  now = Date.UTC(2026, 10, 29, 12);
  elapsed = 5_000;
  write(VALID);
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a file that is read again', () => {
  test('applies at once, and only then containers get new answers', () => {
    const acceptances = open();
    const before = acceptances.of(WEB);
    expect([...(before?.keys() ?? [])]).toEqual(['net_raw']);
    pass(60_000);
    acceptances.refresh();
    expect(acceptances.of(WEB)).toBe(before);
    // The same content in another file, as from a config map.
    write(`${VALID}`);
    acceptances.refresh();
    expect(acceptances.of(WEB)).toBe(before);
    expect(acceptances.readAt).toBe(now / 1000);
    write(VALID.replace('net_raw', 'seccomp_disabled'));
    acceptances.refresh();
    expect([...(acceptances.of(WEB)?.keys() ?? [])]).toEqual(['seccomp_disabled']);
    expect(lines.map(({ message }) => message)).toEqual(['accept file read', 'accept file read again']);
  });

  test('was read as long ago as before, and not in the future, once the clock is set', () => {
    const acceptances = open();
    pass(60_000);
    for (const step of [-2 * DAY, 5 * DAY, -3_600_000]) {
      now += step;
      expect(now / 1000 - acceptances.readAt).toBe(60);
    }
  });

  test('keeps the last valid entries while it is invalid or gone, and says so once', () => {
    const acceptances = open();
    const { readAt } = acceptances;
    pass(60_000);
    for (const [change, error] of [
      [
        () => write(VALID.replace('reason', 'raison')),
        /accept.yml: line 2, entry 1: raison: no such setting; there are: /,
      ],
      [() => rmSync(file), /accept.yml: ENOENT/],
    ] as const) {
      change();
      for (let round = 0; round < 3; round += 1) acceptances.refresh();
      expect(lines.at(-1)).toMatchObject({ level: 'error', error: expect.stringMatching(error) });
      expect([...(acceptances.of(WEB)?.keys() ?? [])]).toEqual(['net_raw']);
      expect(acceptances).toMatchObject({ isUp: false, readAt });
    }
    expect(problems()).toHaveLength(2);
    write(VALID);
    acceptances.refresh();
    expect(acceptances).toMatchObject({ isUp: true, readAt: now / 1000 });
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'accept file read again', entries: 1 });
  });

  test('may be a link to another directory, as in a config map', () => {
    const link = join(directory, 'link.yml');
    const other = join(directory, 'other.yml');
    writeFileSync(other, VALID.replace('net_raw', 'privileged'));
    symlinkSync(file, link);
    const acceptances = open(link);
    symlinkSync(other, `${link}.new`);
    renameSync(`${link}.new`, link);
    acceptances.refresh();
    expect([...(acceptances.of(WEB)?.keys() ?? [])]).toEqual(['privileged']);
  });

  test('cannot ask for other labels than at the start', () => {
    const withLabel = (name: string) => VALID.replace('container: web', `container: web, labels: { ${name}: "*" }`);
    write(withLabel('app'));
    const acceptances = open();
    expect([...acceptances.labels]).toEqual(['app']);
    write(withLabel('tier'));
    acceptances.refresh();
    expect(acceptances.isUp).toBe(false);
    expect(lines.at(-1)?.['error']).toMatch(
      /accept.yml: label "tier" was in no entry at the start: restart the exporter$/,
    );
    write(VALID);
    acceptances.refresh();
    expect(acceptances.isUp).toBe(true);
  });

  test('leaves either other entries or the last ones and one line, however it is damaged', () => {
    const acceptances = open();
    fc.assert(
      fc.property(fc.nat(VALID.length), fc.nat(10), fc.string({ maxLength: 4 }), (at, cut, piece) => {
        write(VALID);
        acceptances.refresh();
        lines = [];
        const before = acceptances.of(WEB);
        expect([...(before?.keys() ?? [])]).toEqual(['net_raw']);
        write(VALID.slice(0, at) + piece + VALID.slice(at + cut));
        acceptances.refresh();
        acceptances.refresh();
        if (acceptances.isUp) expect(problems().filter((line) => line !== 'acceptance has expired')).toEqual([]);
        else {
          expect(acceptances.of(WEB)).toBe(before);
          expect(problems()).toEqual(['accept file is invalid; keeping the last valid one']);
        }
      }),
      { numRuns: 150 },
    );
  });
});

test.each(['', 'accept: {}', VALID.replace('web', '')])('%j ends the start with one line', (text) => {
  write(text);
  expect(open).toThrow(/^[^\n]*accept\.yml: [^\n]+$/);
});

test('a file that is not there ends the start with one line', () => {
  rmSync(file);
  expect(open).toThrow(/^[^\n]*accept\.yml: ENOENT[^\n]+$/);
});

describe('entries', () => {
  const counts = (acceptances: Acceptances) => Object.fromEntries(acceptances.counts);
  const use = (acceptances: Acceptances) => {
    for (const each of acceptances.of(WEB)?.values() ?? []) acceptances.used(each);
  };

  test('that expire are reported once, by the clock and without a new file', () => {
    const acceptances = open();
    now = Date.UTC(2026, 11, 1) - 1;
    acceptances.refresh();
    expect(acceptances.of(WEB)?.size).toBe(1);
    expect(problems()).toEqual([]);
    now += 1;
    for (let round = 0; round < 3; round += 1) acceptances.refresh();
    expect(acceptances.of(WEB)).toBeUndefined();
    expect(counts(acceptances)).toEqual({ active: 0, expired: 1, unmatched: 0 });
    const facts = { file, line: 2, findings: 'net_raw', reason: 'fine', owner: undefined, expires: '2026-11-30' };
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([
      { level: 'warn', message: 'acceptance has expired', ...facts },
    ]);
    // Longer, with the same words.
    write(VALID.replace('2026-11-30', '2026-12-31'));
    acceptances.refresh();
    expect(acceptances.of(WEB)?.size).toBe(1);
    expect(counts(acceptances)).toEqual({ active: 1, expired: 0, unmatched: 0 });
  });

  test('that match nothing for a week are reported once, and count again as soon as they match', () => {
    write(VALID.replace(', expires: 2026-11-30', ''));
    const acceptances = open();
    const told = () => lines.filter(({ message }) => message === 'acceptance has matched no finding for a week').length;
    for (let day = 1; day <= 3; day += 1) {
      pass(DAY);
      acceptances.refresh();
    }
    use(acceptances);
    for (let day = 1; day <= 6; day += 1) {
      pass(DAY);
      // Another file with the same entry.
      write(`# ${day}\n${VALID.replace(', expires: 2026-11-30', '')}`);
      acceptances.refresh();
      expect(acceptances.isUp).toBe(true);
      expect([told(), counts(acceptances)]).toEqual([0, { active: 1, expired: 0, unmatched: 0 }]);
    }
    for (let day = 1; day <= 3; day += 1) {
      pass(DAY);
      acceptances.refresh();
      expect([told(), counts(acceptances)]).toEqual([1, { active: 0, expired: 0, unmatched: 1 }]);
    }
    use(acceptances);
    acceptances.refresh();
    expect(counts(acceptances)).toEqual({ active: 1, expired: 0, unmatched: 0 });
    pass(8 * DAY);
    acceptances.refresh();
    expect(told()).toBe(2);
  });
});
