import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Container, WritableLayer } from '../container.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';
import { PathProbes } from '../probes/path-probes.ts';
import type { Question } from '../probes/requests.ts';
import { LayerSizes } from './layer-sizes.ts';

/** As the upper directory of Docker. */
const LAYER = '/var/lib/docker/overlay2/4f2a';
const OVERLAY = `0:57 / %s rw - overlay overlay rw,lowerdir=l/A,upperdir=${LAYER}/diff,workdir=${LAYER}/work`;

let root: string;
let probes: PathProbes;
let kernel: KernelFiles;

/** A procfs with the process 7 in a container, and the files of the host below `1/root`. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-layers-'));
  mkdirSync(join(root, `host${LAYER}/diff`), { recursive: true });
  for (const pid of ['1', '7']) mkdirSync(join(root, 'proc', pid), { recursive: true });
  symlinkSync(join(root, 'host'), join(root, 'proc/1/root'));
  mounts('1', ['30 1 254:1 / / rw - ext4 /dev/vda1 rw', `31 30 ${OVERLAY.replace('%s', `${LAYER}/merged`)}`]);
  mounts('7', [`90 80 ${OVERLAY.replace('%s', '/')}`]);
  const hierarchy = { root, mountRoot: '/', version: 2, controllers: [] } as const;
  const layout = {
    version: 'v2',
    hierarchies: [hierarchy],
    discovery: hierarchy,
    unified: hierarchy,
    hierarchyOf: () => hierarchy,
  } as const;
  kernel = new KernelFiles({ procRoot: join(root, 'proc'), layout, descriptorBudget: 100 });
  probes = new PathProbes({ info() {}, warn() {} });
});
afterEach(() => {
  probes[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

function mounts(pid: string, lines: readonly string[]): void {
  writeFileSync(join(root, 'proc', pid, 'mountinfo'), `${lines.join('\n')}\n`);
}

function container(): Container {
  const files = kernel.process(7);
  if (files === undefined) throw new Error('no process');
  return {
    cgroup: { path: '/docker/x', inode: 1, seenAt: 0, match: { engine: 'docker', id: 'x', infra: false } },
    names: {},
    labels: { engine: 'docker', namespace: '', pod: '', container: 'x' },
    files: kernel.cgroup('/docker/x'),
    init: { pid: 7, startTime: 0, startedAfterBoot: 0, namespaces: {}, namespacesError: undefined, files },
    initError: undefined,
    posture: undefined,
  };
}

const startSizes = (intervalMs: number) => new LayerSizes({ kernel, hostNamespaces: new Map(), probes, intervalMs });
const measured = (sizes: LayerSizes, of: Container): Promise<WritableLayer> =>
  vi.waitUntil(() => sizes.of(of), { timeout: 10_000 });
const write = (megabytes: number): void =>
  writeFileSync(join(root, `host${LAYER}/diff/file`), Buffer.alloc(megabytes * 1024 * 1024, 1));

test('the first look asks, and a later one has the size until the next measurement', async () => {
  write(1);
  const [sizes, one] = [startSizes(1000), container()];
  expect(sizes.of(one)).toBeUndefined();
  const first = await measured(sizes, one);
  expect(first).toMatchObject({ fileSystem: { device: '/dev/vda1' }, denied: undefined });
  const { bytes, at } = first.size as { readonly bytes: number; readonly at: number };
  expect(bytes).toBeGreaterThan(1024 * 1024);
  expect(bytes).toBeLessThan(2 * 1024 * 1024);
  expect(Math.abs(Date.now() / 1000 - at)).toBeLessThan(20);
  write(3);
  expect(sizes.of(one)).toBe(first);
  const isLarger = (layer: WritableLayer | undefined): boolean =>
    typeof layer?.size === 'object' && layer.size.bytes > 3 * 1024 * 1024;
  await vi.waitUntil(() => isLarger(sizes.of(one)), { timeout: 10_000 });
});

test('a size is unknown, with the reason, where it cannot be found out', async () => {
  const host = ['30 1 254:1 / / rw - ext4 /dev/vda1 rw'];
  mounts('1', host);
  const unknown = { fileSystem: undefined, denied: undefined };
  expect(await measured(startSizes(60_000), container())).toEqual({ size: 'no_layer', ...unknown });
  const merged = `31 30 ${OVERLAY.replace('%s', `${LAYER}/merged`)}`;
  mounts('1', ['30 1 0:44 / / rw - nfs4 server:/ rw', merged]);
  expect(await measured(startSizes(60_000), container())).toEqual({ size: 'remote', ...unknown });
  mounts('1', [...host, merged]);
  rmSync(join(root, `host${LAYER}/diff`), { recursive: true });
  expect(await measured(startSizes(60_000), container())).toEqual({ size: 'unreadable', ...unknown });
  rmSync(join(root, 'proc/1/root'));
  expect(await measured(startSizes(60_000), container())).toEqual({ size: 'unreachable', ...unknown });
});

test("the host's mount table is read once for many containers, and again for one that is newer", async () => {
  const newer = { ...container(), cgroup: { ...container().cgroup, seenAt: Infinity } };
  const ask = async () => {
    mounts('1', ['30 1 254:1 / / rw - ext4 /dev/vda2 rw', `31 30 ${OVERLAY.replace('%s', `${LAYER}/merged`)}`]);
    return {
      kind: 'value' as const,
      value: { state: 'complete' as const, bytes: 1, fileSystem: { size: 2, available: 1 } },
    };
  };
  const answers = { ask } as unknown as Pick<PathProbes, 'ask'>;
  const sizes = new LayerSizes({ kernel, hostNamespaces: new Map(), probes: answers, intervalMs: 60_000 });
  const all = [container(), container(), newer];
  for (const each of all) sizes.of(each);
  await measured(sizes, newer);
  const devices = all.map((each) => sizes.of(each)?.fileSystem?.device);
  expect(devices).toEqual(['/dev/vda1', '/dev/vda1', '/dev/vda2']);
});

test('a mount table that a container has made too long, or malformed, is no failure of the exporter', async () => {
  writeFileSync(join(root, 'proc/7/mountinfo'), 'x'.repeat(3 * 1024 * 1024));
  expect(await measured(startSizes(60_000), container())).toMatchObject({ size: 'unreadable', denied: undefined });
});

test('a process that has ended says nothing, and the next look asks again', async () => {
  const [sizes, one] = [startSizes(60_000), container()];
  one.init?.files.close();
  expect(sizes.of(one)).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sizes.of(one)).toBeUndefined();
  expect(await measured(sizes, { ...container(), cgroup: one.cgroup })).toMatchObject({ fileSystem: {} });
});

test('a look-up that does not return leaves the size unknown', async () => {
  const silent = { ask: async () => ({ kind: 'unanswered' }) as const };
  const sizes = new LayerSizes({ kernel, hostNamespaces: new Map(), probes: silent, intervalMs: 60_000 });
  expect((await measured(sizes, container())).size).toBe('unanswered');
});

test('only a directory above the layer that is closed is a missing privilege', async () => {
  const layerWith = (ofTree: string, ofOwner: string): Promise<WritableLayer> => {
    const ask = async (_: string, { look }: Question) =>
      look === 'owner' && ofOwner === 'open'
        ? { kind: 'value' as const, value: { uid: 0, gid: 0, mode: 0 } }
        : { kind: 'error' as const, code: look === 'owner' ? ofOwner : ofTree };
    const answers = { ask } as unknown as Pick<PathProbes, 'ask'>;
    return measured(new LayerSizes({ kernel, hostNamespaces: new Map(), probes: answers, intervalMs: 1 }), container());
  };
  expect(await layerWith('EACCES', 'EACCES')).toMatchObject({ size: 'unreadable', denied: { code: 'EACCES' } });
  expect(await layerWith('EACCES', 'open')).toMatchObject({ size: 'unreadable', denied: undefined });
  expect(await layerWith('ENOENT', 'ENOENT')).toMatchObject({ size: 'unreadable', denied: undefined });
});

test('the time of a measurement keeps its age, and is not in the future, when the clock is set', async () => {
  const clocks = { steady: 1_000, wall: 1e9 };
  const clock = new SteadyClock({ steady: () => clocks.steady, wall: () => clocks.wall });
  const sizes = new LayerSizes({ kernel, hostNamespaces: new Map(), probes, intervalMs: 600_000, clock });
  write(1);
  const one = container();
  await measured(sizes, one);
  const age = (): number => {
    const { size } = sizes.of(one) ?? {};
    return typeof size === 'object' ? clocks.wall - size.at : NaN;
  };
  expect(age()).toBe(0);
  expect(sizes.of(one)).toBe(sizes.of(one));
  clocks.steady += 60;
  for (const step of [60 - 7_200, 86_400 * 3, -40]) {
    clocks.wall += step;
    expect(age()).toBeCloseTo(60, 3);
  }
});
