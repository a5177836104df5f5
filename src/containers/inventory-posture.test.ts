import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CgroupMatch, ContainerCgroup, Names } from '../container.ts';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { findHostNamespaces } from '../kernel/host-namespaces.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { PostureReader } from '../posture/read-posture.ts';
import type { NameSource } from '../engines/name-source.ts';
import { Naming } from '../engines/naming.ts';
import { ContainerInventory } from './inventory.ts';

/** Real processes in cgroups that are plain directories. */
const root = mkdtempSync(join(tmpdir(), 'isolation-exporter-inventory-'));
const layout: CgroupLayout = {
  ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
  discovery: { root, mountRoot: '/', version: 2, controllers: [] },
};
const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 100 });
const probes = new PathProbes({ info() {}, warn() {} });
const postures = new PostureReader(kernel, findHostNamespaces('/proc'), probes);
const children: ChildProcess[] = [];

function start(program: string, ...words: readonly string[]): Promise<number> {
  const child = spawn(program, [...words, '1000'], { stdio: 'ignore' });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? NaN));
  });
}

let next = 0;

function container(pids: readonly number[], podUid: string): ContainerCgroup {
  next += 1;
  const id = next.toString(16).padStart(64, '0');
  const path = `/kubepods/pod${podUid}/${id}`;
  mkdirSync(root + path, { recursive: true });
  list(path, pids);
  return {
    path,
    inode: statSync(root + path).ino,
    match: { engine: 'containerd', id, podUid, infra: false },
    seenAt: 0,
  };
}

function list(path: string, pids: readonly number[]): void {
  writeFileSync(`${root}${path}/cgroup.procs`, pids.map((pid) => `${pid}\n`).join(''));
}

let monitor: number;
beforeAll(async () => {
  // A program of the host with the name of a monitor. Without access to KVM it looks like a virtual machine.
  copyFileSync('/bin/sleep', join(root, 'qemu-kvm'));
  monitor = await start(join(root, 'qemu-kvm'));
});
afterAll(() => {
  probes[Symbol.dispose]();
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

test('a container without a process has the sandbox of its pod', async () => {
  const inventory = new ContainerInventory({ kernel, naming: new Naming([]), postures });
  const [first, second] = [container([monitor], '1'.repeat(32)), container([], '1'.repeat(32))];
  const stranger = container([], '2'.repeat(32));
  for (const cgroup of [first, second, stranger]) inventory.add(cgroup);
  const found = await inventory.containers();
  expect(found.map(({ posture }) => posture?.sandbox?.kind)).toEqual(['qemu', 'qemu', undefined]);
  inventory.close();
  expect(kernel.open).toBe(0);
});

test.each<[string, Partial<CgroupMatch>]>([
  ['a user', { ownerUid: 1000, territory: '/user.slice/user-1000.slice/user@1000.service' }],
  ['a container', { outer: { engine: 'docker', id: 'outer', infra: false } }],
])('nor that of a cgroup which %s has put into another one with the name of its pod', async (_, place) => {
  const inventory = new ContainerInventory({ kernel, naming: new Naming([]), postures });
  const pod = '4'.repeat(32);
  const [made, own] = [container([monitor], pod), container([], pod)];
  for (const cgroup of [{ ...made, match: { ...made.match, ...place } }, own]) inventory.add(cgroup);
  const found = await inventory.containers();
  expect(found.map(({ posture }) => posture?.sandbox?.kind)).toEqual(['qemu', undefined]);
  inventory.close();
});

describe('the sandbox of a pod', () => {
  const inventoryNamedBy = (namesOf: (id: string) => Names) => {
    const source: NameSource = {
      name: 'test',
      mayKnow: () => true,
      up: true,
      tried: true,
      limitHits: new Map(),
      want() {},
      forget() {},
      namesOf,
      async [Symbol.asyncDispose]() {},
    };
    return new ContainerInventory({ kernel, naming: new Naming([source]), postures });
  };

  const shown = async (sandbox: ContainerCgroup, names: Names) => {
    const inventory = inventoryNamedBy((id) => (id === sandbox.match.id ? { infra: true, ...names } : { name: 'app' }));
    for (const cgroup of [sandbox, container([], sandbox.match.podUid ?? '')]) inventory.add(cgroup);
    const found = await inventory.containers();
    const cgroups = (of: typeof found) => of.map(({ cgroup }) => cgroup);
    expect(cgroups(await inventory.containers())).toEqual(cgroups(found));
    inventory.close();
    expect(kernel.open).toBe(0);
    return found.map(({ names: { name }, posture }) => [name, posture?.sandbox?.kind]);
  };

  test('is shown if it has its own kernel, because it contains the whole pod', async () => {
    const sandbox = container([monitor], '3'.repeat(32));
    expect(await shown(sandbox, { name: 'vm' })).toEqual([
      ['vm', 'qemu'],
      ['app', 'qemu'],
    ]);
  });

  test('is not shown if it is only a pause container', async () => {
    const pause = container([await start('/bin/sleep')], '5'.repeat(32));
    expect(await shown(pause, { name: 'pause', runtime: 'runc' })).toEqual([['app', undefined]]);
  });

  test('is inspected again in the next scrape if nothing runs in it yet', async () => {
    const sandbox = container([], '8'.repeat(32));
    const inventory = inventoryNamedBy(() => ({ name: 'vm', infra: true }));
    inventory.add(sandbox);
    expect(await inventory.containers()).toEqual([]);
    list(sandbox.path, [monitor]);
    expect((await inventory.containers()).map(({ posture }) => posture?.sandbox?.kind)).toEqual(['qemu']);
    inventory.close();
  });

  test('is shown if its runtime is not the default and it cannot be inspected', async () => {
    expect(await shown(container([], '6'.repeat(32)), { name: 'vm', runtime: 'kata' })).toContainEqual([
      'vm',
      undefined,
    ]);
    expect(await shown(container([], '7'.repeat(32)), { name: 'pause' })).toEqual([['app', undefined]]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a container without a log in a pod whose other containers have one', () => {
  const POD: Names = { namespace: 'shop', pod: 'cart-0' };
  const uid = 'a'.repeat(32);

  /** What the container is taken for. */
  const judged = async (appeared: ContainerCgroup, pod = POD) => {
    // A name may still come in the first two seconds.
    const cgroup = { ...appeared, seenAt: -2_000 };
    const source: NameSource = {
      name: 'kubelet_logs',
      mayKnow: () => true,
      up: true,
      tried: true,
      limitHits: new Map(),
      want() {},
      forget() {},
      namesOf: () => undefined,
      podOf: () => pod,
      async [Symbol.asyncDispose]() {},
    };
    const onPause = vi.fn();
    const inventory = new ContainerInventory({ kernel, naming: new Naming([source]), postures, onPause });
    inventory.add(cgroup);
    const found = await inventory.containers();
    expect((await inventory.containers()).map((each) => each.cgroup)).toEqual(found.map((each) => each.cgroup));
    inventory.close();
    expect(kernel.open).toBe(0);
    return { shown: found.length, pause: onPause.mock.lastCall?.[0]?.path };
  };

  test('is a pause, and not shown, if it has no mount of the kubelet either', async () => {
    const pause = container([await start('/bin/sleep')], uid);
    expect(await judged(pause)).toEqual({ shown: 0, pause: pause.path });
  });

  test('is shown if it has one: its log may be missing', async () => {
    const log = join(root, 'pods', uid, 'containers');
    mkdirSync(log, { recursive: true });
    const pid = await start('unshare', '--mount', 'bash', '-c', `mount --bind ${log} ${log} && exec sleep "$0"`);
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toContain(`${uid}/containers`));
    expect(await judged(container([pid], uid))).toEqual({ shown: 1 });
  });

  test('is shown if no log names its pod, if it cannot be inspected, or if it has a kernel of its own', async () => {
    expect(await judged(container([await start('/bin/sleep')], uid), {})).toEqual({ shown: 1 });
    for (const pids of [[], [monitor]]) expect(await judged(container(pids, uid))).toEqual({ shown: 1 });
  });
});

test('a new process appears in the next scrape, and the container stays the same object until then', async () => {
  const inventory = new ContainerInventory({ kernel, naming: new Naming([]), postures });
  const [init, late] = [await start('/bin/sleep'), await start('/bin/sleep')];
  const cgroup = container([init], '4'.repeat(32));
  inventory.add(cgroup);
  const [before] = await inventory.containers();
  expect(await inventory.containers()).toEqual([before]);
  expect((await inventory.containers())[0]).toBe(before);
  list(cgroup.path, [init, late]);
  // The new process equals the first, so the posture does not change.
  expect((await inventory.containers())[0]).toBe(before);
  list(cgroup.path, [init, late, ...Array.from({ length: 300 }, (_, index) => 4_000_000 + index)]);
  const [after] = await inventory.containers();
  expect(after).not.toBe(before);
  expect(after?.posture?.allProcesses).toBe(false);
  inventory.close();
});

test.skipIf(process.getuid?.() !== 0)('a new mount appears in the next scrape', async () => {
  const inventory = new ContainerInventory({ kernel, naming: new Naming([]), postures });
  const init = await start('/usr/bin/unshare', '--mount', '/bin/sleep');
  inventory.add(container([init], '9'.repeat(32)));
  const mounted = async () => {
    const [found] = await inventory.containers();
    return found?.posture?.mounts?.hostMounts?.map(({ mountPoint }) => mountPoint);
  };
  await vi.waitFor(async () => expect(readlinkSync(`/proc/${init}/exe`)).toContain('sleep'));
  expect(await mounted()).not.toContain('/mnt');
  spawnSync('nsenter', ['--target', String(init), '--mount', 'mount', '--bind', '/dev', '/mnt']);
  expect(await mounted()).toContain('/mnt');
  inventory.close();
});

test('a container with a new init in the same cgroup gets the facts of the new one', async () => {
  const inventory = new ContainerInventory({ kernel, naming: new Naming([]), postures });
  const [first, second] = [await start('/bin/sleep'), await start('/bin/sleep')];
  const cgroup = container([first], '5'.repeat(32));
  inventory.add(cgroup);
  const pids = async () => (await inventory.containers()).map(({ init }) => init?.pid);
  expect(await pids()).toEqual([first]);
  list(cgroup.path, [second]);
  expect(await pids()).toEqual([second]);
  inventory.close();
});
