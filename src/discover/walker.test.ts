import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Walker } from './walker.ts';

describe('Walker', () => {
  let root: string;
  let mounted: Set<string>;
  let afterRefresh: Set<string>;
  let refreshes: number;
  const known = new Map<number, string>();

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'isolation-walker-'));
    mkdirSync(join(root, 'docker/c1'), { recursive: true });
    mkdirSync(join(root, 'again/docker/c1'), { recursive: true });
    mounted = new Set();
    afterRefresh = new Set();
    refreshes = 0;
    known.clear();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function walker(): Walker {
    const mounts = {
      has: (_: string, path: string) => mounted.has(path),
      refreshIfOld() {},
      refresh() {
        refreshes += 1;
        const changed = afterRefresh.size !== mounted.size;
        mounted = afterRefresh;
        return changed;
      },
    };
    return new Walker({ root, mounts, pathOf: (inode) => known.get(inode) });
  }

  const inodeOf = (path: string): number => statSync(root + path).ino;

  it('does not enter a mount point, nor look at it', () => {
    mounted.add('/again');
    const found = walker();
    expect([...found.walk('').directories.keys()].toSorted()).toEqual(['', '/docker', '/docker/c1']);
    expect(found.walk('/again').directories.size).toBe(0);
    expect(found.look('/again')).toBe('other');
    expect(found.look('/docker')).toMatchObject({ inode: inodeOf('/docker') });
    expect(refreshes).toBe(0);
  });

  it('rereads the mounts when it meets a directory a second time', () => {
    // The same directory at two paths, as a bind mount shows it.
    symlinkSync(join(root, 'docker'), join(root, 'first'));
    known.set(inodeOf('/docker/c1'), '/first/c1');
    afterRefresh.add('/docker');
    expect([...walker().walk('').directories.keys()].toSorted()).toEqual([
      '',
      '/again',
      '/again/docker',
      '/again/docker/c1',
    ]);
    expect(refreshes).toBe(1);
    mounted = new Set();
    afterRefresh = new Set(['/docker/c1']);
    expect(walker().look('/docker/c1')).toBe('other');
    expect(walker().look('/docker')).toMatchObject({ inode: inodeOf('/docker') });
  });

  it('does not take what is under or over the mount of the hierarchy for one without containers', () => {
    const other = mkdtempSync('/dev/shm/isolation-walker-');
    onTestFinished(() => rmSync(other, { recursive: true }));
    expect(statSync(other).dev).not.toBe(statSync(root).dev);
    mkdirSync(join(other, 'docker'));
    const link = join(root, 'link');
    symlinkSync(root, link);
    const there = new Walker({ root: `${link}/docker/..`, mounts: undefined, pathOf: () => undefined });
    expect(there.walk('').directories.has('/docker/c1')).toBe(true);
    rmSync(link);
    symlinkSync(other, link);
    expect(there.walk('').directories.size).toBe(0);
    rmSync(link);
    symlinkSync(root, link);
    expect(there.walk('').directories.has('/docker/c1')).toBe(true);
  });

  it('does not take a renamed directory for a mount', () => {
    known.set(inodeOf('/docker/c1'), '/docker/c1');
    renameSync(join(root, 'docker/c1'), join(root, 'docker/c2'));
    expect(walker().look('/docker/c2')).toMatchObject({ inode: inodeOf('/docker/c2') });
    expect([...walker().walk('/docker').directories.keys()]).toEqual(['/docker', '/docker/c2']);
    expect(refreshes).toBe(0);
  });
});
