import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupMatch, Undecided } from '../container.ts';
import { ContainerLimits, type MostContainers } from './container-limits.ts';
import type { DiscoveredContainers } from './discovered-containers.ts';
import { discoverContainers } from './discovery.ts';

const OUTER = '/c0';
const isRoot = process.getuid?.() === 0;

let root: string;
let discovery: DiscoveredContainers | undefined;
let limits: ContainerLimits;
let appeared: string[];
let removed: string[];
let warnings: object[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-limits-'));
  [appeared, removed, warnings] = [[], [], []];
});
afterEach(async () => {
  await discovery?.[Symbol.asyncDispose]();
  removeTree(root);
});

/** Every directory called `c…` is a container. */
function classify(path: string): CgroupMatch | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.startsWith('c') ? { engine: 'test', id: name, infra: false } : undefined;
}

async function discover(
  most: MostContainers,
  byPath: (path: string) => CgroupMatch | Undecided | undefined = classify,
): Promise<void> {
  const log = { debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields) };
  limits = new ContainerLimits(most, log);
  discovery = await discoverContainers({
    root,
    classify: byPath,
    onAppeared: ({ path }, how) => appeared.push(`${path} ${how}`),
    onRemoved: ({ path }) => removed.push(path),
    log,
    limits,
    walkIntervalMs: 600_000,
  });
}

function make(...paths: readonly string[]): void {
  for (const path of paths) mkdirSync(root + path, { recursive: true });
}

function removeTree(directory: string): void {
  for (const name of readdirSync(directory)) removeTree(`${directory}/${name}`);
  rmdirSync(directory);
}

const found = (): readonly string[] => [...(discovery?.containers.keys() ?? [])].toSorted();
const territories = (): object =>
  Object.fromEntries([...(discovery?.containers ?? [])].map(([path, { match }]) => [path, match.territory]));
const surplus = (): object => Object.fromEntries(limits.surplus());

describe('containers inside a container', () => {
  it('beyond the limit are a part of it, and others are not affected', async () => {
    make(`${OUTER}/c1`, `${OUTER}/x/c2`, `${OUTER}/c3`, `${OUTER}/c4/c5`, '/c6', '/c7/c8');
    await discover({ nested: 2, perUser: 0 });
    const inside = found().filter((path) => path.startsWith(`${OUTER}/`));
    expect(inside).toHaveLength(2);
    expect(found().filter((path) => !inside.includes(path))).toEqual([OUTER, '/c6', '/c7', '/c7/c8']);
    expect(surplus()).toEqual({ nested: 3 });
    const parts = ['c1', 'x/c2', 'c3', 'c4', 'c4/c5'].map((name) => `${OUTER}/${name}`);
    expect(parts.filter((path) => !limits.isSurplus(path))).toEqual(inside);
    expect(warnings).toMatchObject([{ cgroup: OUTER, limit: 2 }]);
  });

  it('are known to be in it, at any depth', async () => {
    make(`${OUTER}/x/c1/c2`);
    await discover({ nested: 0, perUser: 0 });
    expect(territories()).toEqual({ [OUTER]: undefined, [`${OUTER}/x/c1`]: OUTER, [`${OUTER}/x/c1/c2`]: OUTER });
  });

  it('become containers once there is room', async () => {
    make(`${OUTER}/c1`);
    await discover({ nested: 1, perUser: 0 });
    make(`${OUTER}/c2`);
    await expect.poll(surplus, { timeout: 10_000 }).toEqual({ nested: 1 });
    rmdirSync(`${root}${OUTER}/c1`);
    await expect.poll(() => removed, { timeout: 10_000 }).toEqual([`${OUTER}/c1`]);
    discovery?.walkNow();
    expect(found()).toEqual([OUTER, `${OUTER}/c2`]);
    expect(appeared.at(-1)).toBe(`${OUTER}/c2 promoted`);
    expect(discovery?.lifecycle.get('test')).toEqual({ started: 0, removed: 1 });
    expect([surplus(), limits.isSurplus(`${OUTER}/c2`), limits.wasSurplus(`${OUTER}/c2`)]).toEqual([
      { nested: 0 },
      false,
      true,
    ]);
    // Another cgroup at its path was never a part of the container.
    rmdirSync(`${root}${OUTER}/c2`);
    await expect.poll(() => removed.length, { timeout: 10_000 }).toBe(2);
    make(`${OUTER}/c2`);
    await expect.poll(() => appeared.at(-1), { timeout: 10_000 }).toBe(`${OUTER}/c2 started`);
    expect(limits.wasSurplus(`${OUTER}/c2`)).toBe(false);
  });

  it('stay the same ones while others come and go, and are logged once', async () => {
    make(`${OUTER}/c1`);
    await discover({ nested: 1, perUser: 0 });
    for (let round = 0; round < 3; round += 1) {
      make(`${OUTER}/c2`);
      await expect.poll(surplus, { timeout: 10_000 }).toEqual({ nested: 1 });
      discovery?.walkNow();
      expect(found()).toEqual([OUTER, `${OUTER}/c1`]);
      rmdirSync(`${root}${OUTER}/c2`);
      await expect.poll(surplus, { timeout: 10_000 }).toEqual({ nested: 0 });
    }
    expect(warnings).toHaveLength(1);
  });

  it('count for it also if it was recognised later than they', async () => {
    let isKnown = false;
    make('/open/c1', '/open/c2', '/open/c3');
    await discover({ nested: 2, perUser: 0 }, (path) => {
      if (path !== '/open') return classify(path);
      if (isKnown) return { engine: 'test', id: 'open', infra: false };
      return { undecided: true, otherwise: undefined, because: 'starting' };
    });
    expect(found()).toEqual(['/open/c1', '/open/c2', '/open/c3']);
    isKnown = true;
    discovery?.walkNow();
    expect(found()).toHaveLength(3);
    expect(removed).toHaveLength(1);
    expect(surplus()).toEqual({ nested: 1 });
  });

  it('are not limited by 0', async () => {
    make(`${OUTER}/c1`, `${OUTER}/c2`);
    await discover({ nested: 0, perUser: 0 });
    expect([found().length, surplus(), warnings]).toEqual([3, {}, []]);
  });
});

describe.runIf(isRoot)('containers of an unprivileged user', () => {
  const USER = 54_321;

  it('are limited where the user creates the cgroups, nested ones included', async () => {
    make('/user/c1', '/user/c2/c3', '/user/x/c4', '/c5', '/c6/c7');
    for (const path of ['/user', '/user/x', '/user/c2', '/c6']) chownSync(root + path, USER, USER);
    await discover({ nested: 64, perUser: 3 });
    expect(found().filter((path) => path.startsWith('/user'))).toHaveLength(3);
    expect(found()).toEqual(expect.arrayContaining(['/c5', '/c6', '/c6/c7']));
    expect(surplus()).toEqual({ nested: 0, user: 1 });
    expect(warnings).toMatchObject([{ cgroup: '/user', limit: 3, uid: USER }]);
  });

  it('are known to be where the user creates the cgroups, but not the one that was given to the user', async () => {
    make('/user/x/c1/c2', '/c3');
    for (const path of ['/user', '/user/x', '/user/x/c1', '/c3']) chownSync(root + path, USER, USER);
    await discover({ nested: 0, perUser: 0 });
    expect(territories()).toEqual({ '/user/x/c1': '/user', '/user/x/c1/c2': '/user', '/c3': undefined });
  });

  it('are limited also in a directory that was handed over later', async () => {
    make('/user/c1', '/user/c2');
    await discover({ nested: 64, perUser: 1 });
    expect(found()).toHaveLength(2);
    chownSync(`${root}/user`, USER, USER);
    discovery?.walkNow();
    expect(found()).toHaveLength(1);
  });
});
