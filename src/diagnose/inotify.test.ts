import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useBy } from './inotify.ts';

const STATUS = readFileSync('/proc/self/status', 'utf8');
const UID = process.geteuid?.() ?? NaN;

let procfs: string;

beforeEach(() => {
  procfs = mkdtempSync(join(tmpdir(), 'isolation-exporter-inotify-'));
});
afterEach(() => rmSync(procfs, { recursive: true }));

/** Adds a process with these instances of inotify, by the watches that each has; `undefined`: it has just been closed. */
function addProcess(pid: number, watches: readonly (number | undefined)[]): void {
  for (const name of ['fd', 'fdinfo']) mkdirSync(join(procfs, String(pid), name), { recursive: true });
  writeFileSync(join(procfs, String(pid), 'status'), STATUS);
  for (const [descriptor, count] of watches.entries()) {
    symlinkSync('anon_inode:inotify', join(procfs, String(pid), 'fd', String(descriptor)));
    if (count === undefined) continue;
    const info = `pos:\t0\n${'inotify wd:1 ino:2\n'.repeat(count)}`;
    writeFileSync(join(procfs, String(pid), 'fdinfo', String(descriptor)), info);
  }
}

test('the watches of a process count although it closes a file meanwhile', () => {
  addProcess(7, [3, undefined, 2]);
  addProcess(8, [1]);
  expect(useBy(procfs, UID)).toEqual({ instances: 3, watches: 6, isAll: true });
  expect(useBy(procfs, UID + 1)).toEqual({ instances: 0, watches: 0, isAll: true });
});
