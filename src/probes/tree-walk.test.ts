import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PathProbes } from './path-probes.ts';
import type { Outcome, TreeCount } from './requests.ts';

const NOBODY = 65_534;
let root: string;
let tree: string;
let probes: PathProbes;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-tree-'));
  tree = join(root, 'diff');
  mkdirSync(tree);
  probes = new PathProbes({ info() {}, warn() {} });
});
afterEach(() => {
  probes[Symbol.dispose]();
  rmSync(root, { recursive: true });
  // 200,000 files, on a busy disk.
}, 120_000);

const ask = (more: boolean, path = tree): Promise<Outcome<TreeCount>> => probes.ask('a', { look: 'tree', path, more });

/** Counts to the end. */
async function count(path = tree): Promise<TreeCount> {
  for (let more = false; ; more = true) {
    const outcome = await ask(more, path);
    if (outcome.kind !== 'value') throw new Error(JSON.stringify(outcome));
    if (outcome.value.state !== 'more') return outcome.value;
  }
}

/** What `du` says, in bytes. */
const du = (path = tree): number =>
  Number.parseInt(execFileSync('du', ['-s', '--block-size=1', path], { encoding: 'utf8' }));
const fill = (path: string, megabytes: number): void => writeFileSync(path, Buffer.alloc(megabytes * 1024 * 1024, 1));

describe('the count of a tree', () => {
  test('is that of du', async () => {
    for (const name of ['a', 'a/b', 'c']) mkdirSync(join(tree, name));
    fill(join(tree, 'a/b/file'), 3);
    for (let nth = 0; nth < 1000; nth += 1) writeFileSync(join(tree, 'c', `${nth}`), 'x'.repeat(nth));
    execFileSync('mkfifo', [join(tree, 'fifo')]);
    const { state, bytes, fileSystem } = await count();
    expect(state).toBe('complete');
    expect(bytes).toBe(du());
    expect(bytes).toBeGreaterThan(3 * 1024 * 1024);
    const size = Number(
      execFileSync('df', ['--block-size=1', '--output=size', tree], { encoding: 'utf8' }).split('\n')[1],
    );
    expect(fileSystem.size).toBe(size);
    expect(fileSystem.available).toBeGreaterThan(0);
    expect(fileSystem.available).toBeLessThanOrEqual(size);
  });

  test('has a file with several names once, and of a sparse one what is on the disk', async () => {
    fill(join(tree, 'file'), 2);
    mkdirSync(join(tree, 'links'));
    for (let nth = 0; nth < 50; nth += 1) linkSync(join(tree, 'file'), join(tree, 'links', `${nth}`));
    writeFileSync(join(tree, 'sparse'), '');
    truncateSync(join(tree, 'sparse'), 1024 ** 4);
    const { bytes } = await count();
    expect(bytes).toBe(du());
    expect(bytes).toBeLessThan(3 * 1024 * 1024);
  });

  test('does not follow links, neither out of the tree nor in circles', async () => {
    mkdirSync(join(root, 'outside'));
    fill(join(root, 'outside/file'), 2);
    symlinkSync(join(root, 'outside'), join(tree, 'out'));
    symlinkSync('/', join(tree, 'host'));
    symlinkSync('.', join(tree, 'circle'));
    expect(await count()).toMatchObject({ state: 'complete', bytes: du() });
    expect((await count()).bytes).toBeLessThan(1024 * 1024);
  });

  test('does not begin at a link', async () => {
    symlinkSync(tree, join(root, 'link'));
    expect(await ask(false, join(root, 'link'))).toEqual({ kind: 'error', code: 'ENOTDIR' });
    expect(await ask(false, join(root, 'none'))).toEqual({ kind: 'error', code: 'ENOENT' });
  });

  test('knows names that are no UTF-8', async () => {
    const name = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe, 0x41])]);
    mkdirSync(name);
    fill(join(root, 'file'), 1);
    renameSync(join(root, 'file'), Buffer.concat([name, Buffer.from([0x2f, 0xe9])]));
    const { state, bytes } = await count();
    expect([state, bytes]).toEqual(['complete', du()]);
    expect(bytes).toBeGreaterThan(1024 * 1024);
  });

  test('survives directories that are replaced by links all the time', async () => {
    mkdirSync(join(root, 'outside'));
    fill(join(root, 'outside/file'), 8);
    for (let nth = 0; nth < 200; nth += 1) mkdirSync(join(tree, `dir${nth}`));
    const script = `cd '${tree}' && while :; do for i in $(seq 0 199); do rmdir dir$i 2>/dev/null && ln -s '${root}/outside' dir$i; rm -f dir$i; mkdir dir$i; done; done`;
    const swapping = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
    await once(swapping, 'spawn');
    const group = -swapping.pid!;
    try {
      for (let nth = 0; nth < 20; nth += 1) {
        const { state, bytes } = await count();
        expect(state).toBe('complete');
        expect(bytes).toBeLessThan(8 * 1024 * 1024);
      }
    } finally {
      // With the shell's child, which may be making a directory.
      process.kill(group, 'SIGKILL');
      await once(swapping, 'exit');
    }
  });
});

describe('a count with a bound', () => {
  test('goes 256 levels deep, and no deeper', async () => {
    execFileSync('sh', ['-c', `cd '${tree}' && for i in $(seq 255); do mkdir d && cd -P d; done`]);
    expect(await count()).toMatchObject({ state: 'complete', bytes: du() });
    execFileSync('sh', [
      '-c',
      `cd '${tree}' && for i in $(seq 255); do cd -P d; done; for i in $(seq 45); do mkdir d && cd -P d; done`,
    ]);
    expect((await count()).state).toBe('too_deep');
    // It holds no descriptors of the count that ended.
    expect((await count()).state).toBe('too_deep');
  });

  test('ends after 200,000 files, and answers others meanwhile', async () => {
    execFileSync('sh', ['-c', `cd '${tree}' && seq 200001 | xargs touch`]);
    let parts = 0;
    for (let more = false; ; more = true) {
      const outcome = await ask(more);
      parts += 1;
      expect(await probes.ask('b', { look: 'owner', path: '/' })).toMatchObject({ kind: 'value' });
      if (outcome.kind !== 'value') throw new Error(JSON.stringify(outcome));
      if (outcome.value.state === 'more') continue;
      expect(outcome.value.state).toBe('too_many_files');
      break;
    }
    expect(parts).toBeGreaterThan(1);
    // It is given up if another begins.
    expect(await ask(false)).toMatchObject({ value: { state: 'more' } });
    mkdirSync(join(root, 'other'));
    expect((await count(join(root, 'other'))).state).toBe('complete');
    expect(await ask(true)).toEqual({ kind: 'error', code: 'ESTALE' });
    // To make the files takes a minute on a busy machine.
  }, 300_000);
});

test('a directory that cannot be opened leaves the size unknown', async () => {
  mkdirSync(join(tree, 'closed'), { mode: 0o700 });
  fill(join(tree, 'file'), 1);
  for (const name of ['probe-program.js', 'tree-walk.js'])
    copyFileSync(new URL(name, import.meta.url), join(root, name));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  chmodSync(root, 0o755);
  chownSync(tree, NOBODY, NOBODY);
  const probe = spawn(process.execPath, [join(root, 'probe-program.js')], {
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  try {
    await once(probe, 'message');
    const answer = async (path: string): Promise<unknown> => {
      probe.send([{ id: 1, look: 'tree', path, more: false }]);
      const [reply] = await once(probe, 'message');
      return reply;
    };
    expect(await answer(tree)).toMatchObject({ value: { state: 'unreadable' } });
    expect(await answer(join(tree, 'closed'))).toEqual({ id: 1, code: 'EACCES' });
  } finally {
    probe.kill();
  }
});
