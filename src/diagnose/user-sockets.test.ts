import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { userSockets } from './user-sockets.ts';

const NOBODY = 65_534;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-users-'));
  chmodSync(directory, 0o755);
  for (const user of ['1000', '1001', '1002']) mkdirSync(join(directory, user));
  for (const user of ['1000', '1001']) writeFileSync(join(directory, user, 'docker.sock'), '');
  // As the system makes it.
  chmodSync(join(directory, '1001'), 0o700);
});
afterEach(() => rmSync(directory, { recursive: true }));

it('finds the sockets of all users', () => {
  const found = ['1000', '1001'].map((user) => join(directory, user, 'docker.sock'));
  expect(userSockets('docker.sock', directory)).toEqual({ found, hidden: 0 });
  expect(userSockets('podman/podman.sock', directory)).toEqual({ found: [], hidden: 0 });
});

it('finds none without users', () => {
  expect(userSockets('docker.sock', join(directory, 'missing'))).toEqual({ found: [], hidden: 0 });
});

it.skipIf(process.getuid?.() !== 0)('counts users in whose directory it cannot look', () => {
  process.seteuid?.(NOBODY);
  try {
    const found = [join(directory, '1000', 'docker.sock')];
    expect(userSockets('docker.sock', directory)).toEqual({ found, hidden: 1 });
    expect(userSockets('docker.sock', join(directory, '1001'))).toBeUndefined();
  } finally {
    process.seteuid?.(0);
  }
});
