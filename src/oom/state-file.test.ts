import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFile } from './state-file.ts';
import type { State } from './state.ts';

const STATE: State = {
  version: 2,
  bootId: 'boot',
  sequence: 7,
  expiredKills: 1,
  totals: [
    {
      labels: { engine: 'docker', namespace: '', pod: '', container: 'web' },
      archived: 2,
      lastKill: 10.5,
      removedAt: 9,
    },
  ],
  records: [
    {
      match: { engine: 'docker', id: 'a', infra: false, podUid: 'p', ownerUid: 1000 },
      path: '/docker/a',
      inode: 5,
      kills: 1,
      archivedInnerKills: 0,
      killsInRemovedCgroups: 3,
      counts: [['/docker/a', 1, 1]],
      lastKill: 11,
      removedAt: undefined,
      named: undefined,
    },
  ],
};

describe('StateFile', () => {
  let directory: string;
  let path: string;
  let warnings: string[];
  const log = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => void warnings.push(message) };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-state-'));
    path = join(directory, 'state.json');
    warnings = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('has nothing before the first run, and after it what that left, for nobody else to read', async () => {
    const file = new StateFile(path, log);
    expect(file.load()).toBeUndefined();
    expect(file.save(STATE)).toBe(true);
    // One at a time.
    expect(file.save(STATE)).toBe(false);
    await file.close(STATE);
    expect(new StateFile(path, log).load()).toEqual(STATE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect([existsSync(`${path}.new`), warnings]).toEqual([false, []]);
  });

  it('puts a damaged file aside', () => {
    writeFileSync(path, '{"version":1,');
    expect(new StateFile(path, log).load()).toBeUndefined();
    expect(readFileSync(`${path}.damaged`, 'utf8')).toBe('{"version":1,');
    expect([existsSync(path), warnings]).toEqual([false, ['cannot use the state file; it is put aside']]);
  });

  it('that cannot be written is told of once', async () => {
    const file = new StateFile(join(directory, 'nowhere', 'state.json'), log);
    file.save(STATE);
    await file.close(STATE);
    expect(file.up).toBe(false);
    expect(warnings).toEqual(['cannot write the state file; a restart would lose OOM kills']);
  });
});
