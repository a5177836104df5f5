import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CgroupTree, samplesOf } from '../../test/cgroup-tree.ts';
import { takeUnreadable } from './cgroup-value.ts';
import { limits } from './limits.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-limits-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const samplesIn = (version: 1 | 2, files: CgroupTree['files'], more: Partial<CgroupTree> = {}) =>
  samplesOf(limits, { root, version, files, path: '/jobs/web', ...more });

/** The effective limits, without the cgroups that set them. */
const valuesIn = (...tree: Parameters<typeof samplesIn>) =>
  samplesIn(...tree).filter((each) => !each.includes('_info{'));

const POD = 'kubepods/burstable/pod12345678-1234-1234-1234-123456789abc';
const IN_POD = { path: `/${POD}/${'a'.repeat(64)}` };
const WEB = IN_POD.path.slice(1);

describe('the effective limit', () => {
  it('is the lowest from the container to the root, with its owner', () => {
    const found = samplesIn(2, {
      'jobs/memory.max': '67108864\n',
      'jobs/web/memory.max': '134217728\n',
      'jobs/cpu.max': 'max 100000\n',
      'jobs/web/cpu.max': '50000 100000\n',
      'jobs/pids.max': 'max\n',
      'jobs/web/pids.max': 'max\n',
      'jobs/memory.swap.max': '0\n',
    });
    expect(found).toEqual([
      'memory_limited 1',
      'cpu_limited 1',
      'pids_limited 0',
      'memory_limit_bytes 67108864',
      'memory_own_limit_bytes 134217728',
      'memory_swap_limit_bytes 0',
      'cpu_limit_cores 0.5',
      'effective_limit_info{memory,shared,/jobs} 1',
      'effective_limit_info{swap,shared,/jobs} 1',
    ]);
  });

  it("begins at the init process's cgroup: crun sets the right swap limit only there", () => {
    const path = '/machine.slice/libpod-1.scope';
    const own = path.slice(1);
    const files = {
      [`${own}/memory.max`]: '67108864\n',
      [`${own}/memory.swap.max`]: '67108864\n',
      [`${own}/container/memory.max`]: '67108864\n',
      [`${own}/container/memory.swap.max`]: '0\n',
    };
    expect(samplesIn(2, files, { path, initPath: `${path}/container` })).toEqual([
      'memory_limited 1',
      'memory_limit_bytes 67108864',
      'memory_own_limit_bytes 67108864',
      'memory_swap_limit_bytes 0',
      `effective_limit_info{swap,container,${path}/container} 1`,
    ]);
  });

  it.each(['memory.max', 'cpu.max'])('of the cgroup that crun makes inside is one of the container: %s', (name) => {
    const path = '/machine.slice/libpod-1.scope';
    const [unlimited, limit] = name === 'cpu.max' ? ['max 100000', '50000 100000'] : ['max', '67108864'];
    const files = {
      [`${path.slice(1)}/${name}`]: `${unlimited}\n`,
      [`${path.slice(1)}/container/${name}`]: `${limit}\n`,
    };
    const found = samplesIn(2, files, { path, initPath: `${path}/container` });
    expect(found).toContain(`${name.replace('.max', '')}_limited 1`);
  });

  it('of what is inside is no limit of the container, which can lift it again', () => {
    const files = { 'jobs/web/memory.max': 'max\n', 'jobs/web/init.scope/memory.max': '1024\n' };
    expect(samplesIn(2, files, { initPath: '/jobs/web/init.scope' })).toEqual([
      'memory_limited 0',
      'memory_limit_bytes 1024',
      'effective_limit_info{memory,container,/jobs/web/init.scope} 1',
    ]);
  });

  it('of swap on v1 is what memory leaves of the limit of both', () => {
    const found = valuesIn(1, {
      'jobs/memory.limit_in_bytes': '9223372036854771712\n',
      'jobs/memory.memsw.limit_in_bytes': '100\n',
      'jobs/web/memory.limit_in_bytes': '60\n',
      'jobs/web/memory.memsw.limit_in_bytes': '9223372036854771712\n',
    });
    expect(found).toEqual(
      expect.arrayContaining(['memory_limited 1', 'memory_limit_bytes 60', 'memory_swap_limit_bytes 40']),
    );
  });

  it('is not that of a v1 parent whose limit does not hold for what is below', () => {
    const files = {
      'jobs/memory.limit_in_bytes': '60\n',
      'jobs/memory.use_hierarchy': '0\n',
      'jobs/web/memory.limit_in_bytes': '9223372036854771712\n',
    };
    expect(valuesIn(1, files)).toEqual(['memory_limited 0']);
    expect(valuesIn(1, { ...files, 'jobs/memory.use_hierarchy': '1\n' })).toContain('memory_limit_bytes 60');
  });
});

describe('a container', () => {
  it.each(['memory.max', 'cpu.max', 'pids.max'])('that only shares a limit with strangers has none: %s', (name) => {
    const unlimited = name === 'cpu.max' ? 'max 100000\n' : 'max\n';
    const limit = name === 'cpu.max' ? '200000 100000\n' : '5160943616\n';
    const resource = name.replace('.max', '');
    const found = samplesIn(
      2,
      { [`kubepods/${name}`]: limit, [`${POD}/${name}`]: unlimited, [`${WEB}/${name}`]: unlimited },
      IN_POD,
    );
    expect(found).toHaveLength(3);
    expect(found).toContain(`${resource}_limited 0`);
    expect(found).toContain(`effective_limit_info{${resource},shared,/kubepods} 1`);
  });

  it.each(['memory.max', 'cpu.max', 'pids.max'])(
    'has the limit of its pod, even without the controller: %s',
    (name) => {
      const limit = name === 'cpu.max' ? '20000 100000\n' : '4096\n';
      const resource = name.replace('.max', '');
      const found = samplesIn(2, { [`${POD}/${name}`]: limit }, IN_POD);
      expect(found).toContain(`${resource}_limited 1`);
      expect(found).toContain(`effective_limit_info{${resource},pod,/${POD}} 1`);
    },
  );

  it('without the controller on v2 has no limit of its own', () => {
    expect(valuesIn(2, { 'jobs/memory.max': 'max\n' })).toEqual(['memory_limited 0']);
  });

  it('that is not at its path on v1 has limits that nobody knows', () => {
    expect(valuesIn(1, { 'jobs/memory.limit_in_bytes': '9223372036854771712\n', 'jobs/pids.max': '10\n' })).toEqual([]);
  });

  it('of which the kernel reports nothing has unknown limits', () => expect(samplesIn(2, {})).toEqual([]));
});

describe('a limit in a form that the kernel does not write', () => {
  it.each([
    [2, 'memory.max', ''],
    [2, 'memory.max', '-1\n'],
    [2, 'memory.max', `${'9'.repeat(30)}\n`],
    [2, 'cpu.max', '0 100000\n'],
    [2, 'cpu.max', '-1 100000\n'],
    [1, 'memory.limit_in_bytes', 'max\n'],
    [1, 'cpu.cfs_quota_us', '50000 100000\n'],
    [1, 'cpu.cfs_quota_us', '-2\n'],
  ] as const)('is unknown, reported with its file, and costs no other value (v%i %s %j)', (version, name, content) => {
    takeUnreadable();
    const resource = name.startsWith('cpu') ? 'cpu' : 'memory';
    const found = samplesIn(version, {
      'jobs/pids.max': 'max\n',
      'jobs/web/pids.max': '5\n',
      ...(version === 2 ? {} : { 'jobs/memory.limit_in_bytes': '4096\n', 'jobs/cpu.cfs_quota_us': '-1\n' }),
      [`jobs/web/${name}`]: content,
    });
    expect(found).toContain('pids_limit 5');
    expect(found.filter((each) => each.startsWith(resource))).toEqual([]);
    expect(takeUnreadable()?.message).toContain(`${name}: Cannot parse`);
  });

  it('above a container makes the lowest limit unknown, and not higher than it may be', () => {
    const files = { 'jobs/memory.max': 'a lot\n', 'jobs/web/memory.max': '4096\n' };
    expect(valuesIn(2, files)).toEqual(['memory_limited 1', 'memory_own_limit_bytes 4096']);
    expect(takeUnreadable()?.message).toContain('memory.max: Cannot parse');
  });

  it('is one above a container of which nobody knows whether it holds below', () => {
    const files = {
      'memory.limit_in_bytes': '9223372036854771712\n',
      'jobs/memory.limit_in_bytes': '4096\n',
      'jobs/memory.use_hierarchy': 'perhaps\n',
      'jobs/web/memory.limit_in_bytes': '8192\n',
    };
    expect(valuesIn(1, files)).toEqual(['memory_limited 1', 'memory_own_limit_bytes 8192']);
    expect(takeUnreadable()?.message).toContain('memory.use_hierarchy: Cannot parse');
  });

  it('is one with a period of 0, too', () => {
    const files = { 'jobs/cpu.cfs_quota_us': '-1\n', 'jobs/web/cpu.cfs_quota_us': '50000\n' };
    expect(samplesIn(1, { ...files, 'jobs/web/cpu.cfs_period_us': '0\n' })).toEqual([]);
    expect(takeUnreadable()?.message).toContain('cpu.cfs_period_us');
  });

  it.each(['\n', '0-\n', '3,1\n'])('is no number of CPUs of the cgroup above: %j', (content) => {
    expect(samplesIn(2, { 'jobs/cpuset.cpus.effective': '0-3\n', 'jobs/web/cpuset.cpus.effective': content })).toEqual(
      [],
    );
  });
});

describe('the label of a cgroup', () => {
  it('keeps its end where the path is too long for a label', () => {
    const parent = `jobs/${'é'.repeat(120)}/${'b'.repeat(60)}`;
    const [info = ''] = samplesIn(2, { [`${parent}/memory.max`]: '4096\n' }, { path: `/${parent}/web` }).filter(
      (each) => each.includes('_info'),
    );
    expect(info).toMatch(/^effective_limit_info\{memory,shared,…é+\/b{60}\} 1$/);
    expect(Buffer.byteLength(info)).toBeLessThan(300);
  });
});
