import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileReader } from './file-reader.ts';
import { KeptFile } from './kept-file.ts';

describe.each([0, 1])('KeptFile with a budget of %d descriptors', (budget) => {
  let directory: string;
  let path: string;
  let reader: FileReader;
  let file: KeptFile;
  const text = (): string | undefined => {
    const bytes = file.read();
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-kept-'));
    path = join(directory, 'vmstat');
    reader = new FileReader(budget);
    file = new KeptFile(reader, path);
  });
  afterEach(() => {
    file[Symbol.dispose]();
    expect(reader.open).toBe(0);
    rmSync(directory, { recursive: true });
  });

  it('reads what is there now', () => {
    writeFileSync(path, 'one');
    expect(text()).toBe('one');
    writeFileSync(path, 'two!');
    expect(text()).toBe('two!');
    expect(reader.open).toBe(budget);
  });

  it('waits for a file that does not exist yet', () => {
    expect(text()).toBeUndefined();
    expect(reader.open).toBe(0);
    writeFileSync(path, 'late');
    expect(text()).toBe('late');
  });

  it('opens again what could not be read', () => {
    mkdirSync(path);
    expect(() => file.read()).toThrow(/EISDIR/);
    rmSync(path, { recursive: true });
    writeFileSync(path, 'file');
    expect(text()).toBe('file');
  });
});
