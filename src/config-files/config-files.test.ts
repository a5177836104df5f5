import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LOCAL_FILES } from './config-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-config-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('reads a file, also through a link, and an empty device', () => {
  const file = join(folder, 'web.yml');
  const link = join(folder, 'link.yml');
  writeFileSync(file, 'größe: 1\n');
  symlinkSync('web.yml', link);
  expect(LOCAL_FILES.text(file)).toBe('größe: 1\n');
  expect(LOCAL_FILES.text(link)).toBe('größe: 1\n');
  expect(LOCAL_FILES.text('/dev/null')).toBe('');
});

test.each([
  ['a directory', () => folder, 'it is a directory, not a file'],
  ['a missing file', () => join(folder, 'none'), 'ENOENT'],
  ['a FIFO that nobody writes to', fifo, 'it is a FIFO, not a file'],
  ['a device without an end', () => '/dev/zero', 'it is too large: 1 MiB or more'],
  ['a file that is too large', largeFile, 'it is too large: 1 MiB or more'],
])('does not wait for or swallow %s', (_, place, error) => {
  expect(() => LOCAL_FILES.text(place())).toThrow(error);
});

test('reads a pipe that this process was started with', () => {
  const program = `
    import { LOCAL_FILES } from ${JSON.stringify(import.meta.resolve('./config-files.ts'))};
    console.log(LOCAL_FILES.text('/dev/stdin'));`;
  // The writer starts late, so that the first read must wait.
  const script = `{ sleep 0.3; echo piped; } | "$0" --import tsx --input-type=module --eval "$1"`;
  const { stdout, stderr } = spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'piped\n\n', stderr: '' });
});

function fifo(): string {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

function largeFile(): string {
  const path = join(folder, 'large.yml');
  writeFileSync(path, '');
  truncateSync(path, 10_000_000_000);
  return path;
}
