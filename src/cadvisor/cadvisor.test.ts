import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CgroupTree, samplesOf } from '../../test/cgroup-tree.ts';
import type { Collector } from '../collectors/collector.ts';
import { collectors } from '../collectors/index.ts';
import { described } from './families-doc.ts';
import { views } from './index.ts';
import { io } from './io.ts';
import { memory } from './memory.ts';
import { MISSING } from './missing.ts';
import { network } from './network.ts';
import { spec } from './spec.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-cadvisor-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The samples of a view for the cgroup /jobs/web. File names are relative to that cgroup. */
function samplesIn(view: Collector, version: 1 | 2, own: CgroupTree['files']) {
  const files = Object.fromEntries(Object.entries(own).map(([name, content]) => [`jobs/web/${name}`, content]));
  return samplesOf(view, { root, version, files, path: '/jobs/web' });
}

describe('spec', () => {
  it('has 0 for unlimited, and no quota, on v2', () => {
    const files = {
      'memory.max': 'max\n',
      'memory.swap.max': 'max\n',
      'memory.min': '0\n',
      'cpu.max': 'max 100000\n',
      'cpu.weight': '100\n',
      'pids.max': 'max\n',
    };
    expect(samplesIn(spec, 2, files)).toEqual([
      'container_spec_memory_limit_bytes 0',
      'container_spec_memory_swap_limit_bytes 0',
      'container_spec_memory_reservation_limit_bytes 0',
      'container_spec_cpu_period 100000',
      'container_spec_cpu_shares 1024',
      'container_threads_max 0',
    ]);
  });

  it('has limits of v1, of memory and swap together', () => {
    const files = {
      'memory.limit_in_bytes': '67108864\n',
      'memory.memsw.limit_in_bytes': '134217728\n',
      'memory.soft_limit_in_bytes': '9223372036854771712\n',
      'cpu.cfs_quota_us': '50000\n',
      'cpu.cfs_period_us': '100000\n',
      'cpu.shares': '1024\n',
      'pids.max': '100\n',
    };
    expect(samplesIn(spec, 1, files)).toEqual([
      'container_spec_memory_limit_bytes 67108864',
      'container_spec_memory_swap_limit_bytes 134217728',
      'container_spec_memory_reservation_limit_bytes 0',
      'container_spec_cpu_quota 50000',
      'container_spec_cpu_period 100000',
      'container_spec_cpu_shares 1024',
      'container_threads_max 100',
    ]);
  });

  it.each([1, 2] as const)('has nothing that is unknown on v%i', (version) =>
    expect(
      samplesIn(spec, version, { 'memory.max': 'nonsense\n', 'cpu.max': 'max\n', 'cpu.cfs_quota_us': 'x\n' }),
    ).toEqual([]),
  );
});

describe('memory', () => {
  const stat = 'anon 4096\nfile 8192\nactive_file 100\ninactive_file 200\nfile_dirty 3\npgscan 5\npgfault 7\n';
  const limitHits = (samples: readonly string[]) => samples.filter((line) => /failcnt|events/.test(line));

  it('knows that a limit that does not exist was never reached', () => {
    const files = { 'memory.stat': stat, 'memory.max': 'max\n', 'memory.high': 'max\n' };
    expect(limitHits(samplesIn(memory, 2, files))).toEqual([
      'container_memory_failcnt 0',
      'container_memory_events_max_total 0',
      'container_memory_events_high_total 0',
    ]);
  });

  it('counts how often a limit was reached, on v2 too', () => {
    const files = {
      'memory.stat': stat,
      'memory.max': '65536\n',
      'memory.events.local': 'low 0\nhigh 4\nmax 9\noom 1\n',
    };
    expect(limitHits(samplesIn(memory, 2, files))).toEqual([
      'container_memory_failcnt 9',
      'container_memory_events_max_total 9',
    ]);
  });

  it('has faults in both scopes, and what only cAdvisor has', () => {
    const samples = samplesIn(memory, 2, { 'memory.stat': stat, 'memory.current': '20000\n' });
    expect(samples).toEqual([
      'container_memory_usage_bytes 20000',
      'container_memory_working_set_bytes 19800',
      'container_memory_rss 4096',
      'container_memory_cache 8192',
      'container_memory_total_active_file_bytes 100',
      'container_memory_total_inactive_file_bytes 200',
      'container_memory_file_dirty_bytes 3',
      'container_memory_failures_total{pgfault,container} 7',
      'container_memory_failures_total{pgfault,hierarchy} 7',
      'container_memory_pgscan_total 5',
    ]);
  });
});

describe('io', () => {
  it('names devices by their paths, and by number if they have no name', () => {
    const samples = samplesIn(io, 2, { 'io.stat': '9999:1 rbytes=1 wbytes=2 rios=3 wios=4\n' });
    expect(samples).toEqual([
      'container_fs_reads_bytes_total{9999:1} 1',
      'container_fs_writes_bytes_total{9999:1} 2',
      'container_fs_reads_total{9999:1} 3',
      'container_fs_writes_total{9999:1} 4',
    ]);
  });
});

describe('the list of families', () => {
  const names = described.map(({ name }) => name);
  const absent = MISSING.flatMap((each) => each.names);

  it('has each name once', () => {
    expect(new Set([...names, ...absent]).size).toBe(names.length + absent.length);
  });

  it.each(described.map((each) => [each.name, each] as const))('%s is as in cAdvisor', (name, { ours }) => {
    expect(name).toMatch(/^(container|machine|cadvisor)_[a-z0-9_]+$/);
    const known = new Set(collectors.flatMap(({ families }) => families.map((family) => family.name)));
    const ofContainers = ours.filter((metric) => metric.startsWith('isolation_container_'));
    expect(ofContainers.filter((metric) => !known.has(metric.replace(/\{.*/, '')))).toEqual([]);
  });

  it('reads only what a collector reads', () => {
    const known = new Set(collectors.map(({ name }) => name));
    expect(views.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  it('skips interfaces that pass on the traffic of others', () => {
    expect(network.families).toHaveLength(8);
  });
});
