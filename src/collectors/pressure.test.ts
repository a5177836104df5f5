import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Container } from '../container.ts';
import type { CgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import type { Scrape } from './collector.ts';
import { pressure } from './pressure.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-pressure-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const LINE = 'avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n';

function write(path: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, path), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, path, name), content);
}

/** Whether the second of two containers has its waits for interrupts, in one scrape. The first one has no such file. */
function secondHasInterrupts(): boolean {
  write('one', { 'cpu.pressure': `some ${LINE}` });
  write('two', { 'cpu.pressure': `some ${LINE}`, 'irq.pressure': `full ${LINE}` });
  const hierarchy = { root, mountRoot: '/', version: 2, controllers: [] } as const;
  const layout: CgroupLayout = {
    version: 'v2',
    hierarchies: [hierarchy],
    discovery: hierarchy,
    unified: hierarchy,
    hierarchyOf: () => hierarchy,
  };
  const kernel = new KernelFiles({ procRoot: join(root, 'proc'), layout, descriptorBudget: 100 });
  const scrape = { kernel } as unknown as Scrape;
  const [, second] = ['/one', '/two'].map((path) => {
    const files = kernel.cgroup(path);
    const reading = pressure.scope === 'container' ? pressure.read({ files } as Container, scrape) : undefined;
    files.close();
    return reading as Readonly<Record<'cpuSome' | 'cpuFull' | 'irqFull', number | undefined>>;
  });
  expect([second?.cpuSome, second?.cpuFull]).toEqual([1_000_000, undefined]);
  return second?.irqFull !== undefined;
}

test('a container that switched its pressure off takes interrupts from no other', () => {
  write('proc/pressure', { irq: `full ${LINE}` });
  expect(secondHasInterrupts()).toBe(true);
});

test('a kernel that does not account interrupts is asked once', () => {
  expect(secondHasInterrupts()).toBe(false);
});
