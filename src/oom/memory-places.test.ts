import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupLayout, Hierarchy } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { findCounters } from './counters.ts';
import { MemoryPlaces } from './memory-places.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

const containerOf = (path: string): string | undefined => /^.*\/[ab]{64}(?=\/|$)/.exec(path)?.[0];

describe('MemoryPlaces', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'isolation-memory-places-'));
  });
  // Unlike Node.js, it can remove what is too deep for a path.
  afterEach(() => void spawnSync('rm', ['-rf', root]));

  function write(name: string, text: string): void {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }

  /** `pids` is where containers are discovered. The mounted root is `'/'` unless the test says otherwise. */
  function kernel(mountRoot = '/'): KernelFiles {
    const [pids, memory] = ['pids', 'memory'].map((name): Hierarchy => ({
      root: join(root, name),
      mountRoot,
      version: 1,
      controllers: [name],
    })) as [Hierarchy, Hierarchy];
    const layout: CgroupLayout = {
      version: 'v1',
      hierarchies: [pids, memory],
      discovery: pids,
      unified: undefined,
      hierarchyOf: (name) => (name === 'memory' ? memory : pids),
    };
    return new KernelFiles({ procRoot: join(root, 'proc'), layout, descriptorBudget: 0 });
  }

  function container(path: string, memoryPath: string, pid: number): void {
    write(`pids${path}/cgroup.procs`, `${pid}\n`);
    write(`proc/${pid}/cgroup`, `8:pids:${path}\n4:memory:${memoryPath}\n`);
    write(`memory${memoryPath}/memory.oom_control`, `oom_kill_disable 0\noom_kill ${pid}\n`);
  }

  it('finds a container by the path that the kernel has in the memory hierarchy', () => {
    container(`/jobs/${A}`, `/s/docker.service/jobs/${A}`, 7);
    const places = new MemoryPlaces(kernel(), containerOf);
    places.add(`/jobs/${A}`);
    expect(places.memoryPathOf(`/jobs/${A}`)).toBe(`/s/docker.service/jobs/${A}`);
    expect(places.discoveryPathOf(`/s/docker.service/jobs/${A}/inner`)).toBe(`/jobs/${A}/inner`);
    expect(places.discoveryPathOf(`/s/docker.service/jobs/${B}`)).toBe(`/s/docker.service/jobs/${B}`);
    expect(places.discoveryPathOf(`/jobs/${A}`)).toBe(`/jobs/${A}`);
  });

  it('finds one that ended before it could be asked, by its name', () => {
    const places = new MemoryPlaces(kernel(), containerOf);
    places.add(`/jobs/${A}`);
    places.remove(`/jobs/${A}`);
    expect(places.discoveryPathOf(`/s/jobs/${A}`)).toBe(`/jobs/${A}`);
  });

  it('gives a kill in a cgroup that a container called like another one to the container that made it', () => {
    container(`/docker/${A}`, `/docker/${A}`, 7);
    const places = new MemoryPlaces(kernel(), containerOf);
    for (const id of [B, A]) places.add(`/docker/${id}`);
    expect(places.discoveryPathOf(`/docker/${A}/docker/${B}`)).toBe(`/docker/${A}/docker/${B}`);
    const elsewhere = new MemoryPlaces(kernel(), containerOf);
    for (const id of [B, A]) elsewhere.add(`/jobs/${id}`);
    expect(elsewhere.discoveryPathOf(`/s/jobs/${A}/jobs/${B}`)).toBe(`/jobs/${A}/jobs/${B}`);
  });

  it('gives a kill in a container in a container to the inner one', () => {
    container(`/docker/${A}`, `/docker/${A}`, 7);
    container(`/docker/${A}/docker/${B}`, `/docker/${A}/docker/${B}`, 8);
    const places = new MemoryPlaces(kernel(), containerOf);
    for (const path of [`/docker/${A}`, `/docker/${A}/docker/${B}`]) places.add(path);
    expect(places.discoveryPathOf(`/docker/${A}/docker/${B}/x`)).toBe(`/docker/${A}/docker/${B}/x`);
  });

  it('takes the cgroup off that a node of kind is in', () => {
    const places = new MemoryPlaces(kernel('/docker/node'), containerOf);
    places.add(`/kubepods/${A}`);
    expect(places.discoveryPathOf(`/docker/node/kubepods/${A}`)).toBe(`/kubepods/${A}`);
    // The node has its own cgroup namespace, so it cannot see the cgroups above it.
    const inNamespace = new MemoryPlaces(kernel(), containerOf);
    inNamespace.add(`/kubepods/${A}`);
    expect(inNamespace.discoveryPathOf(`/docker/node/kubepods/${A}`)).toBe(`/kubepods/${A}`);
  });

  it('finds one that discovery has not recognised yet', () => {
    container(`/jobs/${A}`, `/s/jobs/${A}`, 7);
    const places = new MemoryPlaces(kernel(), containerOf);
    expect(places.discoveryPathOf(`/s/jobs/${A}/x/jobs/${B}`)).toBe(`/jobs/${A}/x/jobs/${B}`);
    container(`/docker/${B}`, `/docker/${B}`, 8);
    expect(places.discoveryPathOf(`/docker/${B}/jobs/${A}`)).toBe(`/docker/${B}/jobs/${A}`);
  });

  it('forgets the oldest of very many that were removed', () => {
    const places = new MemoryPlaces(kernel(), containerOf);
    for (let index = 0; index < 1_001; index += 1) {
      places.add(`/jobs/c${index}`);
      places.remove(`/jobs/c${index}`);
    }
    expect(places.discoveryPathOf('/s/jobs/c0')).toBe('/s/jobs/c0');
    expect(places.discoveryPathOf('/s/jobs/c1')).toBe('/jobs/c1');
  });

  it('has the counters read where the container is, and reported under the path of discovery', () => {
    container(`/jobs/${A}`, `/s/jobs/${A}`, 7);
    write(`memory/s/jobs/${A}/inner/memory.oom_control`, 'oom_kill 3\n');
    const places = new MemoryPlaces(kernel(), containerOf);
    places.add(`/jobs/${A}`);
    const reading = findCounters(kernel(), places)?.read(`/jobs/${A}`, () => false);
    const kills = new Map([
      [`/jobs/${A}`, 7],
      [`/jobs/${A}/inner`, 3],
    ]);
    expect(reading).toEqual({ kills, groups: undefined });
    // Longer than PATH_MAX, so it is made step by step.
    const script = `chdir $ARGV[0]; for (1 .. 20) { my $name = 'n' x 250; mkdir $name; chdir $name or die }`;
    spawnSync('perl', ['-e', script, join(root, `memory/s/jobs/${A}`)]);
    expect(findCounters(kernel(), places)?.read(`/jobs/${A}`, () => false)).toEqual({ kills, groups: undefined });
  });
});
