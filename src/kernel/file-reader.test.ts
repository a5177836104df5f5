import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileReader } from './file-reader.ts';

const NOBODY = 65_534;

describe('FileReader', () => {
  it('reads files longer than its buffer', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    const content = 'x'.repeat(300_000);
    writeFileSync(join(directory, 'large'), content);
    expect(new FileReader(0).readOnce(join(directory, 'large'))?.length).toBe(content.length);
    rmSync(directory, { recursive: true });
  });

  it('names the file that it may not read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    const secret = join(directory, 'secret');
    writeFileSync(secret, '');
    chmodSync(directory, 0o755);
    chmodSync(secret, 0);
    const read = (): unknown => new FileReader(0).readOnce(secret);
    expect(() => withoutRoot(read)).toThrow(/EACCES.*secret/);
    rmSync(directory, { recursive: true });
  });
});

/** Root may read every file, so drop its effective uid, and with it all effective capabilities, for the call. */
function withoutRoot<T>(call: () => T): T {
  if (process.getuid?.() !== 0) return call();
  process.seteuid?.(NOBODY);
  try {
    return call();
  } finally {
    process.seteuid?.(0);
  }
}
