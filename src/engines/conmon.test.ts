import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { type FakeConmon, startConmon } from '../../test/fake-conmon.ts';
import { canHang, HangingMount } from '../../test/hanging-mount.ts';
import type { CgroupMatch } from '../container.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { namesByConmon, parseConmon } from './conmon.ts';
import { ConmonSource, type FindConmons } from './conmon-source.ts';

const ID = '3b5046be1db64ef7b9b967ce0aa79d424cd892f1594994594283b3e8269e615b';
const WORDS = ['--api-version', '1', '-c', ID, '-u', ID, '-r', '/usr/bin/crun', '-b', '/var/x', '-n', 'web', '-s'];
const line = (...words: readonly string[]) => words.map((word) => `${word}\0`).join('');

describe('a command line', () => {
  test('has id, name and runtime', () => {
    expect(parseConmon(line('/usr/bin/conmon', ...WORDS))).toEqual({ id: ID, names: { name: 'web', runtime: 'crun' } });
    expect(parseConmon(line('conmon', '-c', ID, '-n', 'a_b.c-1'))).toEqual({ id: ID, names: { name: 'a_b.c-1' } });
  });

  test.each([
    ['of another program', line('/usr/bin/conmonrs', ...WORDS)],
    ['without a name', line('conmon', '-c', ID)],
    ['without an id', line('conmon', '-n', 'web')],
    ['with a name that Podman refuses', line('conmon', '-c', ID, '-n', 'we\nb')],
    ['that was cut in the name', line('conmon', '-c', ID, '-n', 'web').slice(0, -2)],
    ['that is empty', ''],
  ])('%s is none', (_, text) => {
    expect(parseConmon(text)).toBeUndefined();
  });
});

const log = { debug() {}, info() {}, warn() {}, error() {} };
const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 100 });
const probes = new PathProbes(log);
const directory = mkdtempSync(join(tmpdir(), 'isolation-conmon-'));
const started: FakeConmon[] = [];
const sources: ConmonSource[] = [];

afterEach(async () => {
  for (const source of sources.splice(0)) await source[Symbol.asyncDispose]();
  for (const { process } of started.splice(0))
    if (process.pid !== undefined) globalThis.process.kill(-process.pid, 'SIGKILL');
  expect(kernel.open).toBe(0);
});
afterAll(() => {
  probes[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

async function start(words = WORDS, options?: Parameters<typeof startConmon>[2]): Promise<FakeConmon> {
  const conmon = await startConmon(directory, words, options);
  started.push(conmon);
  return conmon;
}

/** A source that finds a process of the test. */
function sourceOf(find: FindConmons, root: string | undefined = ''): ConmonSource {
  const source = new ConmonSource({
    find,
    hostRoot: () => root,
    probes,
    log,
    timings: { lookAgain: [10, 10], keepForgotten: 50 },
  });
  sources.push(source);
  return source;
}

const finding =
  (pid: number): FindConmons =>
  () =>
    [kernel.process(pid)].filter((files) => files !== undefined);

describe('a monitor', () => {
  test('names its container, until the container has been gone for a while', async () => {
    const { pid } = await start();
    const source = sourceOf(finding(pid));
    expect(source.up).toBeUndefined();
    source.want(ID, { cgroup: '/x' });
    await vi.waitFor(() => expect(source.namesOf(ID)).toEqual({ name: 'web', runtime: 'crun' }));
    expect(source.up).toBe(true);
    source.forget(ID);
    await vi.waitFor(() => expect(source.namesOf(ID)).toBeUndefined());
  });

  test.each([
    ['of the pod in the path', ID.slice(0, 12), ID, true],
    ['of another pod', 'f'.repeat(12), ID, undefined],
    ['outside of pods', ID.slice(0, 12), undefined, undefined],
  ])('an infra container %s by its name: %s', async (_, start12, podmanPod, infra) => {
    const { pid } = await start(WORDS.map((word) => (word === 'web' ? `${start12}-infra` : word)));
    const source = sourceOf(finding(pid));
    source.want(ID, { cgroup: '/x', podmanPod });
    await vi.waitFor(() => expect(source.namesOf(ID)?.runtime).toBe('crun'));
    expect(source.namesOf(ID)?.infra).toBe(infra);
  });

  test('names it also if it starts late, or if its program was replaced', async () => {
    const { process, pid } = await start();
    unlinkSync(process.spawnfile);
    let times = 0;
    const source = sourceOf((cgroup) => (++times > 2 ? finding(pid)(cgroup) : []));
    source.want(ID, { cgroup: '/x' });
    await vi.waitFor(() => expect(source.namesOf(ID)?.name).toBe('web'));
  });

  test.each([
    ['of another container', WORDS.map((word) => (word === ID ? 'f'.repeat(64) : word)), {}, ''],
    ['whose program is called otherwise', WORDS, { program: 'other' }, ''],
    // As in a container that has its own file at this path.
    ['whose program is no file of the host', WORDS, {}, directory],
  ])('%s names nothing', async (_, words, options, root) => {
    const { pid } = await start(words, options);
    let times = 0;
    const source = sourceOf((cgroup) => {
      times += 1;
      return finding(pid)(cgroup);
    }, root);
    source.want(ID, { cgroup: '/x' });
    await vi.waitFor(() => expect(times).toBe(3));
    await vi.waitFor(() => expect(kernel.open).toBe(0));
    expect(source.namesOf(ID)).toBeUndefined();
  });

  test('that may not be inspected is no failure', async () => {
    const source = sourceOf(() => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    });
    source.want(ID, { cgroup: '/x' });
    await vi.waitFor(() => expect(source.up).toBeUndefined());
    expect(source.namesOf(ID)).toBeUndefined();
    // The next container does not wait for a name that cannot come.
    source.want('f'.repeat(64), { cgroup: '/y' });
    expect(source.up).toBeUndefined();
  });
});

test.each<[Partial<CgroupMatch>, boolean]>([
  [{ engine: 'podman' }, true],
  [{ engine: 'docker' }, false],
  [{ engine: 'podman', outer: { engine: 'docker', id: 'x', infra: false } }, false],
])('may know the container %j: %s', (match, expected) => {
  expect(sourceOf(() => []).mayKnow({ engine: 'podman', id: ID, infra: false, ...match })).toBe(expected);
});

test.skipIf(!canHang)(
  'a monitor whose look-ups hang keeps no other container from its name',
  async () => {
    using mount = new HangingMount('takes');
    const { pid } = await start();
    const names = async (cgroup: string, hostRoot: string): Promise<unknown> => {
      const files = kernel.process(pid);
      if (files === undefined) throw new Error('no process');
      using _ = { [Symbol.dispose]: () => files.close() };
      return await namesByConmon(files, ID, { cgroup, probes, hostRoot: () => hostRoot });
    };
    const hanging = names('/user.slice/a', mount.path);
    expect(await names('/user.slice/b', '')).toEqual({ name: 'web', runtime: 'crun' });
    expect(await hanging).toBeUndefined();
    expect(await names('/user.slice/b', '')).toEqual({ name: 'web', runtime: 'crun' });
  },
  30_000,
);
