import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Collector, Scrape } from '../src/collectors/collector.ts';
import type { Container } from '../src/container.ts';
import { isRuntimeCgroup, privateParentsOf } from '../src/identify/cgroup-scope.ts';
import { AncestorFiles } from '../src/kernel/ancestor-files.ts';
import type { CgroupLayout } from '../src/kernel/cgroup-layout.ts';
import { KernelFiles } from '../src/kernel/kernel-files.ts';

/** A tree of cgroups in a directory, with all controllers in one hierarchy and one container in it. */
export interface CgroupTree {
  /** An empty folder that the files are written to. */
  readonly root: string;
  readonly version: 1 | 2;
  /** The cgroups, by their path below the root. */
  readonly files: Readonly<Record<string, string>>;
  /** The container's cgroup. */
  readonly path: string;
  /** The cgroup of the container's init process. */
  readonly initPath?: string;
  /** The path of `self/mountinfo`, if it is not the host's. */
  readonly procRoot?: string;
}

/** The container of a tree, and what a scrape of it needs. */
export function openTree(tree: CgroupTree): { readonly container: Container; readonly scrape: Scrape } & Disposable {
  const { root, version, path, initPath = path, procRoot = '/proc' } = tree;
  for (const [name, content] of Object.entries({ [`${path}/cgroup.procs`]: '', ...tree.files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  const hierarchy = { root, mountRoot: '/', version, controllers: [] } as const;
  const layout: CgroupLayout = {
    version: `v${version}`,
    hierarchies: [hierarchy],
    discovery: hierarchy,
    unified: version === 2 ? hierarchy : undefined,
    hierarchyOf: () => hierarchy,
  };
  const kernel = new KernelFiles({ procRoot, layout, descriptorBudget: 100 });
  const ancestors = new AncestorFiles(kernel);
  const container: Container = {
    cgroup: { path, inode: 1, seenAt: 0, match: { engine: 'docker', id: 'web', infra: false } },
    names: {},
    labels: { engine: 'docker', namespace: '', pod: '', container: 'web' },
    files: kernel.cgroup(path),
    init: undefined,
    initError: undefined,
    posture: undefined,
  };
  container.files.locate(new Map([[hierarchy, { own: path, init: initPath }]]));
  const scrape: Scrape = {
    kernel,
    containers: [container],
    hostNamespaces: new Map(),
    levels: ({ files }, controller) => ancestors.levels(files, controller),
    privateParents: privateParentsOf,
    isRuntimeCgroup,
    members: () => [],
    oom: undefined,
    starts: [],
    engineRecords: [],
    state: {
      lifecycle: new Map(),
      sources: new Map(),
      withoutCgroup: new Map(),
      ended: new Map(),
      limitHits: new Map(),
      surplus: new Map(),
    },
  };
  return {
    container,
    scrape,
    [Symbol.dispose]() {
      container.files.close();
      ancestors.close();
    },
  };
}

/** The samples of a collector for the container: `name{label,label} value` without `isolation_container_`. */
export function samplesOf(collector: Collector, tree: CgroupTree): readonly string[] {
  using opened = openTree(tree);
  const { container, scrape } = opened;
  const reading = collector.scope === 'container' ? collector.read(container, scrape) : undefined;
  if (reading === undefined) return [];
  const samples: string[] = [];
  for (const { name, ...family } of collector.families) {
    const short = name.replace('isolation_container_', '');
    if ('value' in family) {
      const value = family.value(reading);
      if (value !== undefined) samples.push(`${short} ${value}`);
    } else if ('samples' in family) {
      family.samples(reading, (value, ...labels) => samples.push(`${short}{${labels.join()}} ${value}`));
    }
  }
  return samples;
}
