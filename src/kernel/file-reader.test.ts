import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileReader } from './file-reader.ts';

const root = process.getuid?.() === 0;

describe('FileReader', () => {
  it('reads files of more than one page whole', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    const content = 'x'.repeat(300_000);
    writeFileSync(join(directory, 'large'), content);
    expect(new FileReader(0).readOnce(join(directory, 'large'))?.length).toBe(content.length);
    rmSync(directory, { recursive: true });
  });

  it.skipIf(root)('says which file it may not read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    writeFileSync(join(directory, 'secret'), '');
    chmodSync(join(directory, 'secret'), 0);
    expect(() => new FileReader(0).readOnce(join(directory, 'secret'))).toThrow(/EACCES.*secret/);
    rmSync(directory, { recursive: true });
  });
});
