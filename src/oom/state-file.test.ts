import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StateFile } from './state-file.ts';
import { type Entries, JournalWriter } from './state-journal.ts';

describe('StateFile', () => {
  let directory: string;
  let path: string;
  let warnings: string[];
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: ({ error }: { error?: unknown }, message: string) =>
      void warnings.push(error instanceof Error ? `${message}: ${error.message}` : message),
  };
  const entries = (values: Readonly<Record<string, unknown>>): Entries =>
    new Map(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
  const load = (file = new StateFile(path, log)): Record<string, unknown> | undefined =>
    file.load((found) => Object.fromEntries(found));

  /** Saves, and waits until the file is written. */
  async function save(file: StateFile, values: Readonly<Record<string, unknown>>): Promise<void> {
    await vi.waitFor(() => expect(file.save(entries(values))).toBe(true));
    await vi.waitFor(() => expect(file.save(entries(values))).toBe(true));
  }

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-state-'));
    path = join(directory, 'state.json');
    warnings = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is never touched if its file system may not answer', async () => {
    await save(new StateFile(path, log), { a: 1 });
    const before = readFileSync(path, 'utf8');
    warnings = [];
    const file = new StateFile(path, log, 'a server may not answer');
    expect(load(file)).toBeUndefined();
    expect([file.up, file.isUsable, file.save(entries({ a: 2 }))]).toEqual([false, false, false]);
    await file.close(entries({ a: 3 }));
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(warnings).toEqual(['cannot use the state file; a restart would lose OOM kills: a server may not answer']);
  });

  it('loads what the last run saved, from a file that only its user can read', async () => {
    const file = new StateFile(path, log);
    expect(load(file)).toBeUndefined();
    expect(file.save(entries({ a: 1 }))).toBe(true);
    // One write at a time.
    expect(file.save(entries({ a: 1 }))).toBe(false);
    await file.close(entries({ a: 2, b: 'x' }));
    expect(load()).toEqual({ a: 2, b: 'x' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect([readdirSync(directory), warnings, file.up]).toEqual([['state.json'], [], true]);
  });

  it('loads nothing from an empty file', () => {
    writeFileSync(path, '');
    expect([load(), warnings]).toEqual([undefined, []]);
  });

  it('appends changes, and rewrites the file once they are too long', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, nth) => [`key${nth}`, 'x'.repeat(100)]));
    const file = new StateFile(path, log);
    await save(file, many);
    const whole = statSync(path);
    await save(file, { ...many, key7: 'changed' });
    expect(statSync(path).ino).toBe(whole.ino);
    expect(statSync(path).size - whole.size).toBeLessThan(500);
    expect(load()).toEqual({ ...many, key7: 'changed' });
    for (let nth = 0; nth < 40; nth += 1) await save(file, { ...many, key7: String(nth).repeat(4_000) });
    expect(statSync(path).size).toBeLessThan(whole.size * 2.5);
    expect(load()).toEqual({ ...many, key7: '39'.repeat(4_000) });
    await file.close(entries({ a: 1 }));
    expect([load(), warnings]).toEqual([{ a: 1 }, []]);
  });

  it('loads what was saved before an incomplete line', async () => {
    const file = new StateFile(path, log);
    await save(file, { a: 1 });
    await save(file, { a: 2 });
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -5));
    expect(load()).toEqual({ a: 1 });
    expect(warnings).toEqual([
      'the end of the state file is damaged; using what was saved before it: The last line is incomplete',
    ]);
    await file.close(entries({}));
  });

  it('moves a damaged file away', () => {
    writeFileSync(path, '{"version":3,');
    expect(load()).toBeUndefined();
    expect(readFileSync(`${path}.damaged`, 'utf8')).toBe('{"version":3,');
    expect([existsSync(path), warnings.length]).toEqual([false, 1]);
    expect(warnings[0]).toMatch(/^cannot use the damaged state file; moved it away: /);
  });

  it('moves a file with malformed entries away', () => {
    writeFileSync(path, new JournalWriter().begin(entries({ a: 1 })));
    const refuse = (): never => {
      throw new SyntaxError('no sense');
    };
    expect(new StateFile(path, log).load(refuse)).toBeUndefined();
    expect(existsSync(`${path}.damaged`)).toBe(true);
  });

  it('keeps a file of another version and uses one beside it', async () => {
    const other = '{"version":99,"kills":1}';
    writeFileSync(path, other);
    const file = new StateFile(path, log);
    expect(load(file)).toBeUndefined();
    await file.close(entries({ a: 1 }));
    expect(load()).toEqual({ a: 1 });
    expect(readFileSync(path, 'utf8')).toBe(other);
    expect(warnings).toEqual(
      Array(2).fill(
        'the state file has a different format version; using a separate file: The file has format version 99; this build reads version 3',
      ),
    );
  });

  it('logs once that the file cannot be written, and recovers', async () => {
    const nowhere = join(directory, 'nowhere');
    const file = new StateFile(join(nowhere, 'state.json'), log);
    await save(file, { a: 1 });
    expect(file.up).toBe(false);
    expect(warnings.length).toBe(1);
    expect(warnings[0]).toMatch(/^cannot use the state file; a restart would lose OOM kills: ENOENT/);
    mkdirSync(nowhere);
    await save(file, { a: 1 });
    expect(file.up).toBe(true);
    rmSync(nowhere, { recursive: true });
    await save(file, { a: 2 });
    expect([file.up, warnings.length]).toEqual([false, 2]);
    await file.close(entries({ a: 3 }));
  });

  it('rewrites the file if somebody has replaced it', async () => {
    const file = new StateFile(path, log);
    await save(file, { a: 1 });
    renameSync(path, join(directory, 'elsewhere'));
    writeFileSync(path, 'of somebody else');
    await save(file, { a: 2 });
    expect(load()).toEqual({ a: 2 });
    await file.close(entries({ a: 3 }));
  });

  it('neither reads nor writes through a symbolic link', async () => {
    const target = join(directory, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, path);
    const file = new StateFile(path, log);
    expect(load(file)).toBeUndefined();
    await file.close(entries({ a: 1 }));
    expect([readFileSync(target, 'utf8'), lstatSync(path).isSymbolicLink(), file.up]).toEqual([
      'precious',
      true,
      false,
    ]);
    expect(warnings).toEqual([
      'cannot use the state file; a restart would lose OOM kills: The path is a symbolic link, not a regular file',
    ]);
  });

  it('does not write through a symbolic link at the path of its draft', async () => {
    const target = join(directory, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, `${path}.new`);
    const file = new StateFile(path, log);
    await file.close(entries({ a: 1 }));
    expect([readFileSync(target, 'utf8'), load(), existsSync(`${path}.new`)]).toEqual(['precious', { a: 1 }, false]);
  });

  it.each(['a directory', 'a FIFO', 'a socket'])('logs once that the path is %s, and leaves it alone', async (kind) => {
    const server = createServer();
    if (kind === 'a directory') mkdirSync(path);
    else if (kind === 'a FIFO') execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
    else await once(server.listen(path), 'listening');
    const before = lstatSync(path);
    const file = new StateFile(path, log);
    expect(load(file)).toBeUndefined();
    expect(file.up).toBe(false);
    await save(file, { a: 1 });
    await file.close(entries({ a: 1 }));
    expect(warnings).toEqual([
      `cannot use the state file; a restart would lose OOM kills: The path is ${kind}, not a regular file`,
    ]);
    expect([lstatSync(path).ino, readdirSync(directory)]).toEqual([before.ino, ['state.json']]);
    server.close();
  });
});
