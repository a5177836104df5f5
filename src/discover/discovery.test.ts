import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupMatch, ContainerCgroup } from '../container.ts';
import type { Removal } from './container-set.ts';
import type { DiscoveredContainers } from './discovered-containers.ts';
import { discoverContainers, type DiscoveryOptions } from './discovery.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const isRoot = process.getuid?.() === 0;
const HIERARCHY = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((root) => existsSync(`${root}/cgroup.procs`));

/** In these tests every directory called `c…` is a container, and one called `infra…` a container's helper. */
function classify(path: string): CgroupMatch | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith('infra')) return { engine: 'test', id: name, infra: true };
  return name.startsWith('c') ? { engine: 'test', id: name, infra: false } : undefined;
}

/** A separate user namespace has its own limit, so a test can lower it without touching the host's. */
const inUserNamespace = ['unshare', '--user', '--map-root-user', 'sh', '-c'];
const canLimitWatches =
  spawnSync('env', [...inUserNamespace, 'test -w /proc/sys/user/max_inotify_watches']).status === 0;

/** Runs a module in a process whose number of watches is limited. */
function runWithWatches(limit: number, script: string): ReturnType<typeof spawnSync> {
  const lower = `echo ${limit} > /proc/sys/user/max_inotify_watches && exec "$@"`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
  return spawnSync('env', [...inUserNamespace, lower, 'sh', ...node], { encoding: 'utf8' });
}

const places = [
  { place: 'a plain directory', parent: tmpdir() },
  ...(isRoot && HIERARCHY !== undefined ? [{ place: 'cgroupfs', parent: HIERARCHY }] : []),
];

describe.each(places)('discovery in $place', ({ place, parent }) => {
  let root: string;
  let discovery: DiscoveredContainers | undefined;
  let appeared: ContainerCgroup[];
  let removed: ContainerCgroup[];
  let removals: Removal[];

  beforeEach(() => {
    root = mkdtempSync(join(parent, 'isolation-discover-'));
    appeared = [];
    removed = [];
    removals = [];
  });
  afterEach(async () => {
    await discovery?.[Symbol.asyncDispose]();
    discovery = undefined;
    removeTree(root);
  });

  async function discover(options: Partial<DiscoveryOptions> = {}): Promise<DiscoveredContainers> {
    discovery = await discoverContainers({
      root,
      classify,
      onAppeared: (cgroup) => appeared.push(cgroup),
      onRemoved(cgroup, how) {
        removed.push(cgroup);
        removals.push(how);
      },
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

  it('reports containers that appear and disappear, also in a parent created with them', async () => {
    await discover();
    make('/new/parent/c1');
    await expect.poll(() => discovery?.containers.has('/new/parent/c1'), { timeout: 10_000 }).toBe(true);
    make('/new/parent/c2');
    await expect.poll(() => appeared.length, { timeout: 10_000 }).toBe(2);
    remove('/new/parent/c1');
    await expect.poll(() => removed.map(({ path }) => path), { timeout: 10_000 }).toEqual(['/new/parent/c1']);
    expect(counts()).toEqual({ started: 2, removed: 1 });
  });

  it('knows which came and went unseen once all events so far are handled', async () => {
    const unseen: string[] = [];
    make('/parent');
    await discover({ onUnseen: (path) => unseen.push(path) });
    const before = performance.now();
    expect(discovery?.certainSince('/parent')).toBeLessThanOrEqual(before);
    make('/parent/c1');
    remove('/parent/c1');
    expect(unseen).toEqual([]);
    await new Promise<void>((resolve) => discovery?.afterEvents(resolve));
    expect(unseen).toEqual(['/parent/c1']);
    expect(discovery?.certainSince('/parent/c1')).toBeUndefined();
    make('/parent/later');
    await expect.poll(() => discovery?.certainSince('/parent/later'), { timeout: 10_000 }).toBeGreaterThan(before);
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

  // Disk file systems reuse a freed inode at once; kernfs never does.
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

  it('finds containers without events by walking, and reports the watch as down meanwhile', async () => {
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

  it.runIf(canLimitWatches)('works by walking where the kernel has no watches left', () => {
    for (const parent of ['/a', '/b', '/d']) make(parent);
    const module = new URL('./discovery.ts', import.meta.url).href;
    const { stdout, stderr } = runWithWatches(
      2,
      `import { mkdirSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      const { discoverContainers } = await import(${JSON.stringify(module)});
      const warnings = [];
      const discovery = await discoverContainers({
        root: ${JSON.stringify(root)},
        classify: (path) => (path.endsWith('/c') ? { engine: 'test', id: 'c', infra: false } : undefined),
        onAppeared() {},
        onRemoved() {},
        log: { debug() {}, info() {}, error() {}, warn: (fields) => warnings.push(fields.error.code) },
        walkIntervalMs: 20,
      });
      const up = discovery.watchUp;
      for (const parent of ['a', 'b', 'd']) mkdirSync(${JSON.stringify(root)} + '/' + parent + '/c');
      for (let i = 0; i < 500 && discovery.containers.size < 3; i += 1) await sleep(20);
      console.log(JSON.stringify({ up, found: discovery.containers.size, warnings }));
      await discovery[Symbol.asyncDispose]();`,
    );
    expect(stderr).toBe('');
    expect(JSON.parse(String(stdout))).toEqual({ up: false, found: 3, warnings: ['ENOSPC'] });
  });

  it('takes a chown or chmod for no life, whenever it comes', async () => {
    make('/parent');
    await discover();
    const touch = (path: string): void => {
      chmodSync(root + path, 0o700);
      chownSync(root + path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    };
    make('/parent/c1');
    touch('/parent/c1');
    await sleep(50);
    touch('/parent/c1');
    make('/parent/c2/inner');
    await expect.poll(() => appeared.length, { timeout: 10_000 }).toBe(2);
    touch('/parent/c2');
    await sleep(50);
    touch('/parent/c2');
    touch('/parent');
    await sleep(50);
    expect(counts()).toEqual({ started: 2, removed: 0 });
    remove('/parent/c1');
    for (let round = 0; round < 30; round += 1) {
      make(`/parent/c-${round}`);
      await sleep(round % 3);
      chmodSync(`${root}/parent/c-${round}`, 0o700);
      await sleep(round % 2);
      remove(`/parent/c-${round}`);
    }
    await expect.poll(counts, { timeout: 10_000 }).toEqual({ started: 32, removed: 31 });
    await sleep(50);
    expect(counts()).toEqual({ started: 32, removed: 31 });
    expect(discovery?.watchUp).toBe(true);
  });

  it('counts each once of many that live side by side for a tenth of a second', async () => {
    make('/parent');
    await discover();
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        await sleep(index * 2);
        make(`/parent/c${index}`);
        await sleep(50 + (index % 50));
        remove(`/parent/c${index}`);
      }),
    );
    await expect.poll(counts, { timeout: 10_000 }).toEqual({ started: 200, removed: 200 });
    expect(appeared.length).toBe(removed.length);
    expect(discovery?.watchUp).toBe(true);
  });

  it('counts once what a walk notices ahead of its events', async () => {
    make('/pod/c1');
    await discover();
    remove('/pod/c1');
    remove('/pod');
    make('/pod2/c2');
    discovery?.walkNow();
    expect([...(discovery?.containers.keys() ?? [])]).toEqual(['/pod2/c2']);
    await sleep(100);
    expect(counts()).toEqual({ started: 1, removed: 1 });
    expect(discovery?.watchUp).toBe(true);
  });

  it('finds containers in a container that had none when it appeared', async () => {
    await discover();
    make('/c1');
    await expect.poll(() => discovery?.containers.has('/c1'), { timeout: 10_000 }).toBe(true);
    make('/c1/inner/c2');
    await expect.poll(() => discovery?.containers.has('/c1/inner/c2'), { timeout: 10_000 }).toBe(true);
    make('/c1/inner/c3');
    await expect.poll(() => discovery?.containers.has('/c1/inner/c3'), { timeout: 10_000 }).toBe(true);
  });

  it('watches no more than 512 directories that a container made in itself at a time', async () => {
    for (let index = 0; index < 600; index += 1) make(`/c1/g${index}`);
    const before = inotifyWatches();
    await discover();
    // The root and the container have watches, too.
    expect(inotifyWatches()).toBe(before + 512 + 2);
    // Other watches fit again.
    for (let index = 0; index < 600; index += 1) remove(`/c1/g${index}`);
    await expect.poll(inotifyWatches, { timeout: 10_000 }).toBeLessThanOrEqual(before + 2);
    make('/c1/later');
    make('/c1/later/c2');
    await expect.poll(() => discovery?.containers.has('/c1/later/c2'), { timeout: 10_000 }).toBe(true);
  });

  it('asks again about what it could not tell', async () => {
    make('/soon0');
    let told = false;
    await discover({
      classify: (path) => {
        if (!path.startsWith('/soon')) return classify(path);
        return told
          ? { engine: 'test', id: path, infra: false }
          : { undecided: true, otherwise: undefined, because: 'unconfirmed' };
      },
    });
    make('/soon1');
    await sleep(20);
    expect(discovery?.containers.size).toBe(0);
    told = true;
    await expect.poll(() => discovery?.containers.size, { timeout: 10_000 }).toBe(2);
    expect(counts()).toEqual({ started: 1, removed: 0 });
  });

  it('takes what stays undecided for what its path says, at the start at once', async () => {
    make('/open0');
    await discover({
      classify: (path) => {
        if (!path.startsWith('/open')) return classify(path);
        return { undecided: true, otherwise: { engine: 'test', id: path, infra: false }, because: 'unconfirmed' };
      },
    });
    expect([...(discovery?.containers.keys() ?? [])]).toEqual(['/open0']);
    make('/open1');
    await expect.poll(() => discovery?.containers.has('/open1'), { timeout: 10_000 }).toBe(true);
    make('/open2');
    remove('/open2');
    await expect.poll(counts, { timeout: 10_000 }).toEqual({ started: 2, removed: 1 });
  });

  it('waits longer for the first process of a new cgroup', async () => {
    make('/open0');
    await discover({
      classify: (path) => {
        if (!path.startsWith('/open')) return classify(path);
        return { undecided: true, otherwise: { engine: 'test', id: path, infra: false }, because: 'empty' };
      },
    });
    make('/open1');
    await sleep(1500);
    expect([...(discovery?.containers.keys() ?? [])]).toEqual(['/open0']);
  });

  it('corrects a guessed engine once it is known', async () => {
    make('/open0');
    let engine: string | undefined;
    await discover({
      classify: (path) => {
        if (!path.startsWith('/open')) return classify(path);
        const match = { id: path, infra: false };
        if (engine !== undefined) return { ...match, engine };
        const otherwise = { ...match, engine: 'test', engineGuessed: true } as const;
        return { undecided: true, otherwise, because: 'unconfirmed' };
      },
    });
    make('/open1');
    await expect.poll(() => discovery?.containers.size, { timeout: 10_000 }).toBe(2);
    engine = 'other';
    discovery?.walkNow();
    const engines = [...(discovery?.containers.values() ?? [])].map(({ match }) => match.engine);
    expect(engines).toEqual(['other', 'other']);
    expect(counts()).toBeUndefined();
    expect(removals).toEqual(['corrected', 'corrected']);
    expect(discovery?.lifecycle.get('other')).toEqual({ started: 1, removed: 0 });
    discovery?.walkNow();
    expect(appeared).toHaveLength(4);
  });

  it('keeps a container whose engine was guessed right', async () => {
    let isKnown = false;
    await discover({
      classify: (path) => {
        if (!path.startsWith('/open')) return classify(path);
        const match = { engine: 'test', id: path, infra: false };
        if (isKnown) return match;
        return { undecided: true, otherwise: { ...match, engineGuessed: true }, because: 'unconfirmed' };
      },
    });
    make('/open1');
    await expect.poll(() => discovery?.containers.size, { timeout: 10_000 }).toBe(1);
    isKnown = true;
    discovery?.walkNow();
    expect([appeared.length, counts()]).toEqual([1, { started: 1, removed: 0 }]);
  });

  it('leaves out what an engine keeps beside its containers', async () => {
    make('/infra1');
    await discover();
    make('/infra2');
    make('/c1');
    await expect.poll(() => discovery?.containers.size, { timeout: 10_000 }).toBe(1);
    expect(appeared.map(({ path }) => path)).toEqual(['/c1']);
    expect(counts()).toEqual({ started: 1, removed: 0 });
  });

  it('takes no file for a container', async () => {
    await discover();
    if (place !== 'cgroupfs') writeFileSync(`${root}/c1`, '');
    make('/c2');
    await expect.poll(() => discovery?.containers.size, { timeout: 10_000 }).toBe(1);
    expect(counts()).toEqual({ started: 1, removed: 0 });
  });

  it('watches a directory whose name has a backslash', async () => {
    const parent = String.raw`/my\x2dbox.slice`;
    make(parent);
    await discover();
    make(`${parent}/c1`);
    await expect.poll(() => discovery?.containers.has(`${parent}/c1`), { timeout: 10_000 }).toBe(true);
    expect(discovery?.watchUp).toBe(true);
  });

  it('keeps a container that it may no longer look at', async () => {
    const warned: unknown[] = [];
    make('/open/c1');
    make('/shut/c2');
    await discover({ log: { ...silent, warn: (fields) => warned.push(fields) } });
    await withoutPrivilege(() => {
      discovery?.walkNow();
      discovery?.walkNow();
      expect(discovery?.containers.size).toBe(2);
    });
    expect(warned).toEqual([{ cgroup: '/shut', error: expect.objectContaining({ code: 'EACCES' }) }]);
  });

  it('says so if it may not look at everything from the start', async () => {
    make('/open/c1');
    make('/shut/c2');
    await withoutPrivilege(async () => {
      await discover();
      expect([...(discovery?.containers.keys() ?? [])]).toEqual(['/open/c1']);
      expect(discovery?.watchUp).toBe(false);
    });
  });

  /** Runs a function as a user who may not list `/shut`. */
  async function withoutPrivilege(run: () => void | Promise<void>): Promise<void> {
    chmodSync(root, 0o755);
    chmodSync(`${root}/shut`, 0o000);
    const uid = process.geteuid?.();
    if (uid === 0) process.seteuid?.('nobody');
    try {
      await run();
    } finally {
      if (uid === 0) process.seteuid?.(uid);
      chmodSync(`${root}/shut`, 0o755);
    }
  }

  it('refuses a root that is not there', async () => {
    await expect(discover({ root: `${root}/none` })).rejects.toThrow('Cannot look for containers in');
  });

  it.runIf(place !== 'cgroupfs')(
    'keeps its containers, but says that it sees none, when the root is gone',
    async () => {
      make('/mount/c1');
      await discover({ root: `${root}/mount` });
      renameSync(`${root}/mount`, `${root}/elsewhere`);
      discovery?.walkNow();
      expect(discovery).toMatchObject({ watchUp: false, walkComplete: false });
      expect(discovery?.containers.has('/c1')).toBe(true);
      renameSync(`${root}/elsewhere`, `${root}/mount`);
      discovery?.walkNow();
      expect(discovery?.walkComplete).toBe(true);
    },
  );

  // On other file systems, a directory that replaces another at once also gets its inode, so it counts as the same.
  it.runIf(place === 'cgroupfs')('watches no container, and a parent only while it exists', async () => {
    const before = inotifyWatches();
    make('/parent/c1');
    make('/parent/c2');
    await discover();
    expect(inotifyWatches() - before).toBe(2);
    remove('/parent/c1');
    remove('/parent/c2');
    remove('/parent');
    await expect.poll(() => inotifyWatches() - before, { timeout: 10_000 }).toBe(1);
    make('/parent/c1');
    await expect.poll(() => inotifyWatches() - before, { timeout: 10_000 }).toBe(2);
    make('/parent/c2');
    await expect.poll(() => discovery?.containers.size, { timeout: 10_000 }).toBe(2);
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

/** cgroupfs only allows removing directories, one by one. */
function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  if (directory.startsWith('/sys/')) rmdirSync(directory);
  else rmSync(directory, { recursive: true });
}
