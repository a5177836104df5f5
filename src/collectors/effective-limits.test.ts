import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTree } from '../../test/cgroup-tree.ts';
import { limitsOfContainer } from './effective-limits.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-effective-limits-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const FILES = {
  'jobs/memory.max': 'max\n',
  'jobs/web/memory.max': '67108864\n',
  'jobs/web/cpu.max': '50000 100000\n',
  'jobs/web/pids.max': '100\n',
};

it('is unknown once the cgroup is gone: without its files it has not become unlimited', () => {
  using tree = openTree({ root, version: 2, path: '/jobs/web', files: FILES });
  const { container, scrape } = tree;
  expect(limitsOfContainer(container, scrape).limited).toEqual({ memory: true, cpu: true, pids: true });
  rmSync(join(root, 'jobs/web'), { recursive: true });
  // Files of cgroupfs can no longer be read through their descriptors then.
  container.files.confirm();
  const { limited, effective } = limitsOfContainer(container, { ...scrape });
  expect(limited).toEqual({ memory: undefined, cpu: undefined, pids: undefined });
  expect(effective.memory.limit).toBeUndefined();
});
