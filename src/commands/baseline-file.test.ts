import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { containerReport } from '../../test/reports.ts';
import { UsageError } from '../config/config.ts';
import { baselineOf } from '../scan/baseline.ts';
import { readBaseline, writeBaseline } from './baseline-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-baseline-'));
afterAll(() => rmSync(folder, { recursive: true }));

const baseline = baselineOf([containerReport('web', {}, { net_raw: 'yes' })]);

test('a baseline is written and read, and nothing else is left', async () => {
  const file = join(folder, 'base.json');
  await writeBaseline(file, baseline);
  expect(await readBaseline(file)).toEqual(baseline);
  expect(readdirSync(folder)).toEqual(['base.json']);
});

test('a file keeps its mode, and a link stays one', async () => {
  const file = join(folder, 'kept.json');
  const link = join(folder, 'link.json');
  writeFileSync(file, 'old');
  chmodSync(file, 0o600);
  symlinkSync('kept.json', link);
  await writeBaseline(link, baseline);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toContain('"net_raw"');
  expect(await readBaseline(link)).toEqual(baseline);
});

test('an error names the file in one line', async () => {
  const missing = join(folder, 'missing.json');
  await expect(readBaseline(missing)).rejects.toThrow(new RegExp(`^--baseline: ${missing}: ENOENT: .*$`));
  const other = join(folder, 'other.json');
  writeFileSync(other, '{"version": "2.1.0"}');
  await expect(readBaseline(other)).rejects.toThrow(UsageError);
  await expect(writeBaseline(join(folder, 'none', 'x.json'), baseline)).rejects.toThrow(/^--write-baseline: ENOENT/);
  expect(readFileSync(other, 'utf8')).toBe('{"version": "2.1.0"}');
});

test('replaces nothing that is not a regular file', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  // As /dev/stdout in a pipeline: a link whose end has no name.
  const link = join(folder, 'stdout');
  symlinkSync('/proc/self/fd/none', link);
  await expect(writeBaseline(fifo, baseline)).rejects.toThrow(
    /^--write-baseline: .*fifo is a FIFO, not a regular file$/,
  );
  await expect(writeBaseline(folder, baseline)).rejects.toThrow(/ is a directory, not a regular file$/);
  await expect(writeBaseline(link, baseline)).rejects.toThrow(/stdout is a link to what is not a file$/);
  expect(lstatSync(fifo).isFIFO()).toBe(true);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});
