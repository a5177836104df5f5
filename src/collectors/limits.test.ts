import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Container } from '../container.ts';
import { AncestorFiles } from '../kernel/ancestor-files.ts';
import type { CgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import type { Scrape } from './collector.ts';
import { limits } from './limits.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-limits-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** What `limits` says of the cgroup `/pod/web` in a tree of these files, all controllers being of one version. */
function limitsIn(version: 1 | 2, files: Readonly<Record<string, string>>): Record<string, number> {
  for (const [path, content] of Object.entries({ 'pod/web/cgroup.procs': '', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const hierarchy = { root, mountRoot: '/', version, controllers: [] } as const;
  const layout: CgroupLayout = {
    version: `v${version}`,
    hierarchies: [hierarchy],
    discovery: hierarchy,
    unified: version === 2 ? hierarchy : undefined,
    hierarchyOf: () => hierarchy,
  };
  const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 100 });
  const ancestors = new AncestorFiles(kernel);
  const container: Container = {
    cgroup: { path: '/pod/web', inode: 1, seenAt: 0, match: { engine: 'docker', id: 'web', infra: false } },
    names: {},
    labels: { engine: 'docker', namespace: '', pod: '', container: 'web' },
    files: kernel.cgroup('/pod/web'),
    init: undefined,
    initError: undefined,
    posture: undefined,
  };
  const scrape: Scrape = {
    kernel,
    containers: [container],
    hostNamespaces: new Map(),
    levels: ({ files }, controller) => ancestors.levels(files, controller),
    members: () => [],
    oom: undefined,
    state: { lifecycle: new Map(), sources: new Map() },
  };
  try {
    const reading = limits.scope === 'container' ? limits.read(container, scrape) : undefined;
    const found: Record<string, number> = {};
    for (const family of limits.families) {
      const value = reading !== undefined && 'value' in family ? family.value(reading) : undefined;
      if (value !== undefined) found[family.name.replace('isolation_container_', '')] = value;
    }
    return found;
  } finally {
    container.files.close();
    ancestors.close();
  }
}

describe('limits', () => {
  it('takes the lowest on the way to the root as effective, and its own as own', () => {
    const found = limitsIn(2, {
      'pod/memory.max': '67108864\n',
      'pod/web/memory.max': '134217728\n',
      'pod/cpu.max': 'max 100000\n',
      'pod/web/cpu.max': '50000 100000\n',
      'pod/pids.max': 'max\n',
      'pod/web/pids.max': 'max\n',
      'pod/memory.swap.max': '0\n',
    });
    expect(found).toEqual({
      memory_limited: 1,
      memory_limit_bytes: 67108864,
      memory_own_limit_bytes: 134217728,
      memory_swap_limit_bytes: 0,
      cpu_limited: 1,
      cpu_limit_cores: 0.5,
      pids_limited: 0,
    });
  });

  it('tells a limit of the parent as effective and not as own', () => {
    const found = limitsIn(2, { 'pod/memory.max': '67108864\n', 'pod/web/memory.max': 'max\n' });
    expect(found).toEqual({ memory_limited: 1, memory_limit_bytes: 67108864 });
  });

  it('says nothing of what the kernel does not tell', () => expect(limitsIn(2, {})).toEqual({}));

  it('tells on v1 what swap is left of the limit of both', () => {
    const found = limitsIn(1, {
      'pod/memory.limit_in_bytes': '9223372036854771712\n',
      'pod/memory.memsw.limit_in_bytes': '100\n',
      'pod/web/memory.limit_in_bytes': '60\n',
      'pod/web/memory.memsw.limit_in_bytes': '9223372036854771712\n',
    });
    expect(found).toMatchObject({ memory_limited: 1, memory_limit_bytes: 60, memory_swap_limit_bytes: 40 });
  });

  it.each([
    [2, 'memory.max', ''],
    [2, 'pids.max', 'many\n'],
    [1, 'cpu.cfs_quota_us', '50000 100000\n'],
    [1, 'cpuset.effective_cpus', '0-\n'],
  ] as const)('says which file it cannot read (v%i %s %j)', (version, name, content) =>
    expect(() => limitsIn(version, { [`pod/web/${name}`]: content })).toThrow(`${name}: Cannot parse`),
  );

  it('takes no period of nothing for "not limited"', () => {
    const files = { 'pod/cpu.cfs_quota_us': '-1\n', 'pod/web/cpu.cfs_quota_us': '50000\n' };
    expect(() => limitsIn(1, { ...files, 'pod/web/cpu.cfs_period_us': '0\n' })).toThrow('cpu.cfs_period_us');
  });
});
