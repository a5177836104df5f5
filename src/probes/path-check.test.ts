import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createPathCheck } from './path-check.ts';
import { PathProbes } from './path-probes.ts';

const directory = mkdtempSync(join(tmpdir(), 'isolation-path-'));
const probes = new PathProbes({ info() {}, warn() {} });
const check = createPathCheck(probes);
afterAll(() => {
  probes[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

test('a path of a local file system can be used, also through a link', async () => {
  writeFileSync(join(directory, 'file'), '');
  symlinkSync(join(directory, 'file'), join(directory, 'link'));
  expect([await check('test', join(directory, 'file')), await check('test', join(directory, 'link'))]).toEqual([
    'there',
    'there',
  ]);
});

test('a path that leads nowhere is absent', async () => {
  symlinkSync('/nowhere', join(directory, 'dangling'));
  for (const name of ['none', 'dangling', 'file/below']) {
    expect(await check('test', join(directory, name))).toBe('absent');
  }
});

test('a path behind which nobody answers is unsafe', async () => {
  const silent = createPathCheck({ ask: async () => ({ kind: 'unanswered' }) });
  expect(await silent('test', '/run/x.sock')).toEqual({ unsafe: 'A look at "/run/x.sock" does not return' });
});
