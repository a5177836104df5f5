import { describe, expect, it } from 'vitest';
import { AncestorFiles } from './ancestor-files.ts';
import type { CgroupLayout, Hierarchy } from './cgroup-layout.ts';
import type { CgroupFiles } from './cgroup-files.ts';
import { KernelFiles } from './kernel-files.ts';

const pids: Hierarchy = { root: '/nowhere/pids', mountRoot: '/', version: 1, controllers: ['pids'] };
const memory: Hierarchy = { root: '/nowhere/memory', mountRoot: '/', version: 1, controllers: ['memory'] };
const layout: CgroupLayout = {
  version: 'v1',
  hierarchies: [pids, memory],
  discovery: pids,
  unified: undefined,
  hierarchyOf: (controller) => [pids, memory].find(({ controllers }) => controllers.includes(controller)),
};
const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 0 });

const pathsOf = (files: readonly CgroupFiles[] | undefined): string[] | undefined => files?.map(({ path }) => path);

describe('AncestorFiles.levels()', () => {
  it('goes from the container to the root, with the same array for its neighbour', () => {
    const ancestors = new AncestorFiles(kernel);
    const [a, b] = [kernel.cgroup('/pod/a'), kernel.cgroup('/pod/b')];
    const ofA = ancestors.levels(a, 'pids');
    expect(ofA?.inside).toEqual([a]);
    expect(pathsOf(ofA?.above)).toEqual(['/pod', '']);
    expect(ancestors.levels(b, 'pids')?.above).toBe(ofA?.above);
    expect(ancestors.levels(a, 'pids')?.inside).toBe(ofA?.inside);
  });

  it('begins at the cgroup that holds the init', () => {
    const files = kernel.cgroup('/pod/a');
    files.locate(new Map([[pids, { own: '/pod/a', init: '/pod/a/container/x' }]]));
    const found = new AncestorFiles(kernel).levels(files, 'pids');
    expect(pathsOf(found?.inside)).toEqual(['/pod/a/container/x', '/pod/a/container', '/pod/a']);
    expect(found?.inside.at(-1)).toBe(files);
    expect(pathsOf(found?.above)).toEqual(['/pod', '']);
  });

  it('reads only the outermost of the cgroups that a container has made inside its own', () => {
    const files = kernel.cgroup('/pod/a');
    files.locate(new Map([[pids, { own: '/pod/a', init: `/pod/a${'/x'.repeat(1000)}` }]]));
    const inside = pathsOf(new AncestorFiles(kernel).levels(files, 'pids')?.inside);
    expect(inside?.length).toBe(9);
    expect(inside?.slice(-2)).toEqual(['/pod/a/x', '/pod/a']);
  });

  it('goes up in each hierarchy from where the container is there', () => {
    const files = kernel.cgroup('/jobs/a');
    files.locate(new Map([[memory, { own: '/s/jobs/a', init: '/s/jobs/a' }]]));
    const ancestors = new AncestorFiles(kernel);
    expect(pathsOf(ancestors.levels(files, 'memory')?.above)).toEqual(['/s/jobs', '/s', '']);
    expect(pathsOf(ancestors.levels(files, 'pids')?.above)).toEqual(['/jobs', '']);
  });

  it('has the limits of an init outside its container', () => {
    const files = kernel.cgroup('/jobs/a');
    files.locate(new Map([[memory, { own: '/jobs/a', init: '/other' }]]));
    const found = new AncestorFiles(kernel).levels(files, 'memory');
    expect([found?.inside, pathsOf(found?.above)]).toEqual([[], ['/other', '']]);
  });

  it('is unknown where the container is not found, and where the kernel has no such controller', () => {
    const files = kernel.cgroup('/jobs/a');
    files.locate(new Map([[memory, { own: undefined, init: undefined }]]));
    const ancestors = new AncestorFiles(kernel);
    expect([ancestors.levels(files, 'memory'), ancestors.levels(files, 'hugetlb')]).toEqual([undefined, undefined]);
  });

  it('keeps handles that are in use, and closes the others', () => {
    const ancestors = new AncestorFiles(kernel);
    const files = kernel.cgroup('/pod/a');
    const pod = ancestors.levels(files, 'pids')?.above[0];
    ancestors.prune();
    expect(ancestors.levels(files, 'pids')?.above[0]).toBe(pod);
    ancestors.prune();
    ancestors.prune();
    expect(ancestors.levels(files, 'pids')?.above[0]).not.toBe(pod);
    expect(pod?.gone).toBe(true);
  });
});
