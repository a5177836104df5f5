import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { discoverContainers } from '../discover/discovery.ts';
import { identifyCgroup } from '../identify/cgroup-path.ts';
import { ownerOfLookUps } from './owner-of-look-ups.ts';

const [OUTER, INNER] = ['a', 'b'].map((digit) => digit.repeat(64));
const POD = '/kubepods/besteffort/pod2d8e8a4c-1c1c-4b4b-8a8a-1234567890ab';
const PATHS = [
  `/docker/${OUTER}/docker/${INNER}`,
  `/docker/${INNER}`,
  `${POD}/${OUTER}`,
  `${POD}/${INNER}/docker/${INNER}`,
];

test('look-ups for containers inside a container, or in a pod, have one owner', async () => {
  const root = mkdtempSync(join(tmpdir(), 'isolation-owners-'));
  try {
    for (const path of PATHS) mkdirSync(join(root, path), { recursive: true });
    await using discovery = await discoverContainers({
      root,
      mounts: undefined,
      classify: (path) => {
        const identity = identifyCgroup(path);
        return identity?.cgroup === path ? identity : undefined;
      },
      onAppeared() {},
      onRemoved() {},
      onUnseen() {},
      log: { debug() {}, info() {}, warn() {}, error() {} },
      walkIntervalMs: 60_000,
    });
    const owners = PATHS.map((path) => ownerOfLookUps(path, discovery));
    expect(owners).toEqual([`/docker/${OUTER}`, `/docker/${INNER}`, POD, POD]);
    expect(ownerOfLookUps(`/docker/${OUTER}`, discovery)).toBe(`/docker/${OUTER}`);
    expect(ownerOfLookUps('docker', discovery)).toBe('docker');
  } finally {
    rmSync(root, { recursive: true });
  }
});
