import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupMatch, ContainerCgroup } from '../container.ts';
import { type Discovery, type DiscoveryOptions, discoverContainers } from './containers.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const isRoot = process.getuid?.() === 0;
const HIERARCHY = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((root) => existsSync(`${root}/cgroup.procs`));

/** In these tests every directory called `c…` is a container. */
function classify(path: string): CgroupMatch | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.startsWith('c') ? { engine: 'test', id: name, infra: false } : undefined;
}

const places = [
  { place: 'a plain directory', parent: tmpdir() },
  ...(isRoot && HIERARCHY !== undefined ? [{ place: 'cgroupfs', parent: HIERARCHY }] : []),
];

describe.each(places)('discovery in $place', ({ place, parent }) => {
  let root: string;
  let discovery: Discovery | undefined;
  let appeared: ContainerCgroup[];
  let removed: ContainerCgroup[];

  beforeEach(() => {
    root = mkdtempSync(join(parent, 'isolation-discover-'));
    appeared = [];
    removed = [];
  });
  afterEach(async () => {
    await discovery?.[Symbol.asyncDispose]();
    discovery = undefined;
    removeTree(root);
  });

  async function discover(options: Partial<DiscoveryOptions> = {}): Promise<Discovery> {
    discovery = await discoverContainers({
      root,
      classify,
      onAppeared: (cgroup) => appeared.push(cgroup),
      onRemoved: (cgroup) => removed.push(cgroup),
      log: silent,
      walkIntervalMs: 600_000,
      ...options,
    });
    return discovery;
  }

  const make = (path: string): void => void mkdirSync(root + path, { recursive: true });
  const remove = (path: string): void => rmdirSync(root + path);
  const counts = (): unknown => discovery?.lifecycle.get('test');

  it('finds those that are there, and does not count them as started', async () => {
    make('/parent/c1');
    make('/c2/inner/c3');
    await discover();
    expect([...(discovery?.containers.keys() ?? [])].toSorted()).toEqual(['/c2', '/c2/inner/c3', '/parent/c1']);
    expect(counts()).toEqual({ started: 0, removed: 0 });
    expect(discovery?.watchUp).toBe(true);
  });

  it('is told of those that come and go, also in a parent made with them', async () => {
    await discover();
    make('/new/parent/c1');
    await expect.poll(() => discovery?.containers.has('/new/parent/c1'), { timeout: 10_000 }).toBe(true);
    make('/new/parent/c2');
    await expect.poll(() => appeared.length, { timeout: 10_000 }).toBe(2);
    remove('/new/parent/c1');
    await expect.poll(() => removed.map(({ path }) => path), { timeout: 10_000 }).toEqual(['/new/parent/c1']);
    expect(counts()).toEqual({ started: 2, removed: 1 });
  });

  it('loses none that live for a moment', async () => {
    make('/parent');
    await discover();
    for (let round = 0; round < 100; round += 1) {
      make(`/parent/c${round}`);
      await sleep(round % 3);
      remove(`/parent/c${round}`);
    }
    await expect.poll(counts, { timeout: 10_000 }).toEqual({ started: 100, removed: 100 });
    expect(discovery?.containers.size).toBe(0);
  });

  it('loses none of a burst that nobody could look at', async () => {
    make('/parent');
    await discover();
    for (let round = 0; round < 100; round += 1) {
      make(`/parent/c${round}`);
      remove(`/parent/c${round}`);
    }
    await expect.poll(counts, { timeout: 10_000 }).toEqual({ started: 100, removed: 100 });
    await sleep(50);
    expect(counts()).toEqual({ started: 100, removed: 100 });
    expect(discovery?.watchUp).toBe(true);
  });

  // Disk file systems give a freed inode away again at once; kernfs counts them up.
  it.runIf(place === 'cgroupfs')('tells a container from the one that had its path before', async () => {
    make('/parent/c1');
    await discover();
    const [first] = appeared;
    remove('/parent/c1');
    make('/parent/c1');
    await expect.poll(() => appeared.length, { timeout: 10_000 }).toBe(2);
    expect(removed).toEqual([first]);
    expect(appeared[1]?.inode).not.toBe(first?.inode);
  });

  it('finds by walking what it was not told of, and says that the watch is down meanwhile', async () => {
    make('/parent');
    const deaf: DiscoveryOptions['watchDirectory'] = async () => ({ close: async () => {} });
    await discover({ watchDirectory: deaf });
    make('/parent/c1');
    await sleep(20);
    expect(discovery?.containers.size).toBe(0);
    discovery?.walkNow();
    expect(discovery?.containers.has('/parent/c1')).toBe(true);
    await expect.poll(() => discovery?.watchUp, { timeout: 10_000 }).toBe(false);
    discovery?.walkNow();
    await expect.poll(() => discovery?.watchUp, { timeout: 10_000 }).toBe(true);
  });

  it('works by walking where the kernel refuses watches', async () => {
    make('/parent');
    const refused: DiscoveryOptions['watchDirectory'] = () =>
      Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
    await discover({ watchDirectory: refused, walkIntervalMs: 20 });
    expect(discovery?.watchUp).toBe(false);
    make('/parent/c1');
    await expect.poll(() => discovery?.containers.has('/parent/c1'), { timeout: 10_000 }).toBe(true);
  });

  it('leaves nothing watched', async () => {
    make('/a/b/c1');
    const before = inotifyWatches();
    await discover();
    expect(inotifyWatches()).toBeGreaterThan(before);
    await discovery?.[Symbol.asyncDispose]();
    discovery = undefined;
    await expect.poll(inotifyWatches, { timeout: 10_000 }).toBe(before);
  });
});

function inotifyWatches(): number {
  return readdirSync('/proc/self/fdinfo')
    .map((fd) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('inotify wd:')).length;
}

/** cgroupfs lets go of directories only, one by one. */
function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  if (directory.startsWith('/sys/')) rmdirSync(directory);
  else rmSync(directory, { recursive: true });
}
