import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { look, oldestFirst, walk, wasLookedAt } from './walk.ts';

const HIERARCHY = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((root) => existsSync(`${root}/cgroup.procs`));

function plainRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'isolation-walk-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  return root;
}

describe('a walk', () => {
  it('finds all directories, parents first, and nothing else', () => {
    const root = plainRoot();
    mkdirSync(`${root}/a/b/c`, { recursive: true });
    mkdirSync(`${root}/d`);
    writeFileSync(`${root}/file`, '');
    symlinkSync(`${root}/a`, `${root}/link`);
    const { directories, unseen } = walk(root, '');
    expect([...directories.keys()].toSorted()).toEqual(['', '/a', '/a/b', '/a/b/c', '/d']);
    const order = [...directories.keys()];
    for (const path of order) {
      if (path !== '') expect(order.indexOf(path.slice(0, path.lastIndexOf('/')))).toBeLessThan(order.indexOf(path));
    }
    expect(unseen.size).toBe(0);
    expect([...walk(root, '/a/b').directories.keys()]).toEqual(['/a/b', '/a/b/c']);
    expect(walk(root, '/none').directories.size).toBe(0);
  });

  it('reports a name that is not UTF-8, and finds what is beside it', () => {
    const root = plainRoot();
    mkdirSync(`${root}/a`);
    mkdirSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff, 0xfe])]));
    mkdirSync(`${root}/c\ufffd`);
    const { directories, unseen } = walk(root, '');
    expect([...directories.keys()].toSorted()).toEqual(['', '/a', '/c\ufffd']);
    expect([...unseen].map(([path, error]) => [path, String(error)])).toEqual([
      ['/b\ufffd\ufffd', 'Error: Its name is not UTF-8'],
    ]);
  });

  it('looks at one path', () => {
    const root = plainRoot();
    writeFileSync(`${root}/file`, '');
    expect(look(root, '/none')).toBeUndefined();
    expect(look(root, '/file')).toBe('other');
    expect(() => look(root, '/file/below')).toThrow('ENOTDIR');
  });

  it('knows nothing of what is at and below a path that it could not look at', () => {
    const walked = { directories: new Map(), unseen: new Map([['/a', new Error('denied')]]) };
    expect(wasLookedAt(walked, '/a')).toBe(false);
    expect(wasLookedAt(walked, '/a/b')).toBe(false);
    expect(wasLookedAt(walked, '/ab')).toBe(true);
  });

  it.runIf(process.getuid?.() === 0 && HIERARCHY !== undefined)('tells a leaf of cgroupfs by its links', () => {
    const root = mkdtempSync(`${HIERARCHY}/isolation-walk-`);
    mkdirSync(`${root}/parent/leaf`, { recursive: true });
    const { directories } = walk(root, '');
    const leaves = [...directories].map(([path, { leaf }]) => ({ path, leaf }));
    for (const path of ['/parent/leaf', '/parent', '']) rmdirSync(root + path);
    expect(leaves).toEqual([
      { path: '', leaf: false },
      { path: '/parent', leaf: false },
      { path: '/parent/leaf', leaf: true },
    ]);
  });
});

it('of two directories the older one comes first, but none before its parent', () => {
  const seen = (inode: number) => ({ inode, leaf: false, touched: false, uid: 0, device: 1 });
  const walked = {
    directories: new Map([
      ['', seen(1)],
      ['/late', seen(9)],
      ['/late/moved', seen(3)],
      ['/old', seen(2)],
      ['/old/new', seen(7)],
      ['/old/older', seen(5)],
    ]),
    unseen: new Map(),
  };
  expect(Array.from(oldestFirst(walked), ([path]) => path)).toEqual([
    '',
    '/old',
    '/late',
    '/late/moved',
    '/old/older',
    '/old/new',
  ]);
  expect([...oldestFirst({ ...walked, directories: new Map([['/late/moved', seen(3)]]) })]).toHaveLength(1);
});
