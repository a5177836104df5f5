import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CgroupTree, samplesOf } from '../../test/cgroup-tree.ts';
import { takeUnreadable } from './cgroup-value.ts';
import type { Collector } from './collector.ts';
import { freezer } from './freezer.ts';
import { hugetlb } from './hugetlb.ts';
import { io } from './io.ts';
import { memory } from './memory.ts';
import { misc } from './misc.ts';
import { pressure } from './pressure.ts';
import { rdma } from './rdma.ts';
import { uclamp } from './uclamp.ts';
import { zswap } from './zswap.ts';

let root: string;

beforeEach(() => {
  hugetlbOfHost = 2048;
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-collectors-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The samples of a collector for the cgroup /jobs/web. File names are relative to that cgroup. */
function samplesIn(collector: Collector, version: 1 | 2, own: CgroupTree['files'], above: CgroupTree['files'] = {}) {
  const files = Object.fromEntries(Object.entries(own).map(([name, content]) => [`jobs/web/${name}`, content]));
  const procRoot = join(root, 'proc');
  mkdirSync(procRoot, { recursive: true });
  writeFileSync(join(procRoot, 'meminfo'), `HugePages_Total: 0\nHugetlb:  ${hugetlbOfHost} kB\n`);
  return samplesOf(collector, { root, version, files: { ...files, ...above }, path: '/jobs/web', procRoot });
}

let hugetlbOfHost = 2048;

describe('freezer', () => {
  it.each([
    ['FROZEN\n', 1],
    ['FREEZING\n', 0],
    ['THAWED\n', 0],
  ])('knows %j of v1', (state, value) =>
    expect(samplesIn(freezer, 1, { 'freezer.state': state })).toEqual([`frozen ${value}`]),
  );

  it('has the state and the time of v2', () => {
    const files = { 'cgroup.events': 'populated 1\nfrozen 1\n', 'cgroup.stat.local': 'frozen_usec 1500000\n' };
    expect(samplesIn(freezer, 2, files)).toEqual(['frozen 1', 'frozen_seconds_total 1.5']);
    expect(samplesIn(freezer, 2, { 'cgroup.events': 'populated 1\nfrozen 0\n', 'cgroup.stat.local': '' })).toEqual([
      'frozen 0',
    ]);
  });

  it('says nothing where the kernel says nothing', () => {
    expect(samplesIn(freezer, 2, { 'cgroup.events': 'populated 1\n' })).toEqual([]);
    expect(samplesIn(freezer, 1, {})).toEqual([]);
  });
});

describe('memory', () => {
  it('counts refaults by what was needed again', () => {
    const v2 = 'anon 1\nworkingset_refault_anon 3\nworkingset_refault_file 5\n';
    expect(samplesIn(memory, 2, { 'memory.stat': v2 })).toEqual([
      'memory_anon_bytes 1',
      'memory_refaults_total{anon} 3',
      'memory_refaults_total{file} 5',
    ]);
    const v1 = 'workingset_refault_file 1\ntotal_workingset_refault_anon 0\ntotal_workingset_refault_file 7\n';
    expect(samplesIn(memory, 1, { 'memory.stat': v1 })).toEqual([
      'memory_refaults_total{anon} 0',
      'memory_refaults_total{file} 7',
    ]);
  });

  it('has the events of swap only where it may swap, and something limits that', () => {
    const files = { 'memory.swap.events': 'high 0\nmax 4\nfail 6\n', 'memory.swap.max': 'max\n' };
    expect(samplesIn(memory, 2, files)).toEqual([]);
    expect(samplesIn(memory, 2, files, { 'jobs/memory.swap.max': '1048576\n' })).toEqual([
      'memory_swap_events_total{high} 0',
      'memory_swap_events_total{max} 4',
      'memory_swap_events_total{fail} 6',
    ]);
    expect(samplesIn(memory, 2, files, { 'jobs/memory.swap.max': '0\n' })).toEqual([]);
  });

  it('knows who is killed together, and counts throttled sockets where the kernel does', () => {
    const files = { 'memory.oom.group': '1\n', 'memory.events': 'low 0\noom 0\nsock_throttled 9\n' };
    expect(samplesIn(memory, 2, files)).toEqual(['memory_oom_group 1', 'memory_throttled_sockets_total 9']);
    expect(samplesIn(memory, 2, { ...files, 'memory.events': 'low 0\noom 0\n' })).toEqual(['memory_oom_group 1']);
    expect(samplesIn(memory, 2, { 'memory.oom.group': '0\n' })).toEqual([]);
  });
});

describe('pressure', () => {
  it('has interrupts beside the other resources', () => {
    const files = {
      'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n',
      'irq.pressure': 'full avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n',
    };
    expect(samplesIn(pressure, 2, files)).toEqual([
      'pressure_waiting_seconds_total{cpu} 1',
      'pressure_stalled_seconds_total{irq} 2.5',
    ]);
  });
});

describe('io', () => {
  const bytes = '8:0 Read 4096\n8:0 Write 512\nTotal 4608\n';
  const operations = '8:0 Read 2\n8:0 Write 1\nTotal 3\n';

  it('reads the files of kernels before 4.16, which do not count the cgroups inside', () => {
    const files = {
      'blkio.throttle.io_service_bytes': bytes,
      'blkio.throttle.io_serviced': operations,
    };
    const values = samplesIn(io, 1, files).map((sample) => sample.replace(/\{.*\}/, ''));
    expect(values).toEqual([
      'io_read_bytes_total 4096',
      'io_write_bytes_total 512',
      'io_reads_total 2',
      'io_writes_total 1',
    ]);
  });

  it('prefers those that do', () => {
    const files = {
      'blkio.throttle.io_service_bytes': bytes,
      'blkio.throttle.io_service_bytes_recursive': '8:0 Read 8192\n8:0 Write 0\nTotal 8192\n',
    };
    expect(samplesIn(io, 1, files)[0]).toMatch(/ 8192$/);
  });

  const valuesOf = (version: 1 | 2, files: CgroupTree['files']): readonly string[] =>
    samplesIn(io, version, files).map((sample) => sample.replace(/\{.*\}/, ''));

  it.each(['-4096', '18446744073709547520', 'many'])('loses only the count that is %j', (count) => {
    takeUnreadable();
    const v2 = {
      'io.stat': `8:0 rbytes=${count} wbytes=5 rios=1 wios=${count}\n8:16 rbytes=7 wbytes=0 rios=1 wios=0\n`,
    };
    expect(valuesOf(2, v2)).toEqual([
      'io_read_bytes_total 7',
      'io_write_bytes_total 5',
      'io_write_bytes_total 0',
      'io_reads_total 1',
      'io_reads_total 1',
      'io_writes_total 0',
    ]);
    expect(takeUnreadable()?.message).toMatch(`io.stat: Cannot parse "rbytes=${count}"`);
    const v1 = {
      'blkio.throttle.io_service_bytes_recursive': `8:0 Read ${count}\n8:0 Write 512\nTotal 4608\n`,
      'blkio.throttle.io_serviced_recursive': operations,
    };
    expect(valuesOf(1, v1)).toEqual(['io_write_bytes_total 512', 'io_reads_total 2', 'io_writes_total 1']);
    expect(takeUnreadable()?.message).toMatch('io_service_bytes_recursive: Cannot parse "8:0 Read');
  });

  it('has no operations where only the bytes can be read', () => {
    const files = {
      'blkio.throttle.io_service_bytes_recursive': bytes,
      'blkio.throttle.io_serviced_recursive': 'no such format\n',
    };
    expect(valuesOf(1, files)).toEqual(['io_read_bytes_total 4096', 'io_write_bytes_total 512']);
  });
});

describe('hugetlb', () => {
  const UNLIMITED = '9223372036852678656\n';

  it('has use, the lowest limit on the path, and how often it was hit', () => {
    const files = {
      'hugetlb.2MB.current': '2097152\n',
      'hugetlb.2MB.max': '8388608\n',
      'hugetlb.2MB.events': 'max 3\n',
    };
    expect(samplesIn(hugetlb, 2, files, { 'jobs/hugetlb.2MB.max': '4194304\n' })).toEqual([
      'hugetlb_usage_bytes{2MB} 2097152',
      'hugetlb_limit_bytes{2MB} 4194304',
      'hugetlb_limit_hits_total{2MB} 3',
    ]);
  });

  it('knows both ways in which v2 writes that there is no limit', () => {
    const files = { 'hugetlb.2MB.current': '0\n', 'hugetlb.2MB.max': '9223372036854771712\n' };
    expect(samplesIn(hugetlb, 2, files, { 'jobs/hugetlb.2MB.max': 'max\n' })).toEqual(['hugetlb_usage_bytes{2MB} 0']);
  });

  it('has the same of v1, where no level may be unknown', () => {
    const files = {
      'hugetlb.2MB.usage_in_bytes': '0\n',
      'hugetlb.2MB.limit_in_bytes': UNLIMITED,
      'hugetlb.2MB.failcnt': '1\n',
    };
    const found = ['hugetlb_usage_bytes{2MB} 0', 'hugetlb_limit_hits_total{2MB} 1'];
    expect(samplesIn(hugetlb, 1, files)).toEqual(found);
    const limit = { 'jobs/hugetlb.2MB.limit_in_bytes': '2097152\n' };
    expect(samplesIn(hugetlb, 1, files, limit)).toEqual(found.toSpliced(1, 0, 'hugetlb_limit_bytes{2MB} 2097152'));
  });

  it('reads nothing on a host without huge pages', () => {
    hugetlbOfHost = 0;
    expect(samplesIn(hugetlb, 2, { 'hugetlb.2MB.current': 'not read\n', 'hugetlb.2MB.max': '0\n' })).toEqual([]);
  });
});

describe('a file in no form that the kernel writes', () => {
  it.each([
    [freezer, 1, 'freezer.state', 'COLD\n'],
    [memory, 2, 'memory.oom.group', '2\n'],
    [pressure, 2, 'irq.pressure', 'some total=1\n'],
    [pressure, 2, 'io.pressure', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709547520\n'],
    [hugetlb, 2, 'hugetlb.2MB.events', 'max -1\n'],
    [zswap, 2, 'memory.zswap.max', '-1\n'],
    [uclamp, 2, 'cpu.uclamp.min', 'half\n'],
    [uclamp, 2, 'cpu.uclamp.max', '100.01\n'],
    [misc, 2, 'misc.max', 'sev many\n'],
    [rdma, 2, 'rdma.current', 'mlx4_0\thca_handle\n'],
  ] as const)('costs its own value, and is reported (%#)', (collector, version, name, content) => {
    takeUnreadable();
    expect(samplesIn(collector, version, { 'hugetlb.2MB.current': '0\n', [name]: content })).toEqual(
      collector === hugetlb ? ['hugetlb_usage_bytes{2MB} 0'] : [],
    );
    expect(takeUnreadable()?.message).toMatch(`${name}: Cannot parse`);
  });

  it('makes an effective limit unknown, not that of the next cgroup', () => {
    const files = { 'hugetlb.2MB.current': '0\n', 'hugetlb.2MB.max': 'x\n' };
    expect(samplesIn(hugetlb, 2, files, { 'jobs/hugetlb.2MB.max': '2097152\n' })).toEqual([
      'hugetlb_usage_bytes{2MB} 0',
    ]);
  });

  it('is not made up for by a file that counts less', () => {
    const files = {
      'blkio.throttle.io_service_bytes_recursive': 'x\n',
      'blkio.throttle.io_service_bytes': '8:0 Read 1\nTotal 1\n',
    };
    expect(samplesIn(io, 1, files)).toEqual([]);
  });
});

describe('collectors that are off by default', () => {
  it('zswap', () => {
    const files = { 'memory.stat': 'zswap 4096\nzswapped 16384\nzswpwb 2\n', 'memory.zswap.max': '8192\n' };
    expect(samplesIn(zswap, 2, files)).toEqual([
      'memory_zswap_bytes 4096',
      'memory_zswapped_bytes 16384',
      'memory_zswap_limit_bytes 8192',
      'memory_zswap_written_back_pages_total 2',
    ]);
    expect(samplesIn(zswap, 2, { 'memory.stat': 'anon 0\n', 'memory.zswap.max': 'max\n' })).toEqual([]);
    expect(samplesIn(zswap, 1, files)).toEqual([]);
  });

  it('uclamp', () => {
    expect(samplesIn(uclamp, 2, { 'cpu.uclamp.min': '0.00\n', 'cpu.uclamp.max': 'max\n' })).toEqual([
      'cpu_uclamp_min_ratio 0',
      'cpu_uclamp_max_ratio 1',
    ]);
    expect(samplesIn(uclamp, 2, { 'cpu.uclamp.min': '37.50\n', 'cpu.uclamp.max': '50.00\n' })).toEqual([
      'cpu_uclamp_min_ratio 0.375',
      'cpu_uclamp_max_ratio 0.5',
    ]);
  });

  it('misc', () => {
    const files = {
      'misc.current': 'sev 3\nsev_es 0\n',
      'misc.max': 'sev 10\nsev_es max\n',
      'misc.events': 'sev.max 5\nsev_es.max 0\n',
    };
    expect(samplesIn(misc, 2, files)).toEqual([
      'misc_usage{sev} 3',
      'misc_usage{sev_es} 0',
      'misc_limit{sev} 10',
      'misc_limit_hits_total{sev} 5',
      'misc_limit_hits_total{sev_es} 0',
    ]);
  });

  it('rdma', () => {
    const files = {
      'rdma.current': 'mlx4_0 hca_handle=2 hca_object=2000\n',
      'rdma.max': 'mlx4_0 hca_handle=5 hca_object=max\n',
    };
    expect(samplesIn(rdma, 2, files)).toEqual([
      'rdma_usage{mlx4_0,hca_handle} 2',
      'rdma_usage{mlx4_0,hca_object} 2000',
      'rdma_limit{mlx4_0,hca_handle} 5',
    ]);
  });
});
