import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastThreadLeft, withoutFirstThread } from '../../test/first-thread.ts';
import type { Container, InitProcess } from '../container.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import type { Scrape } from './collector.ts';
import { descriptors } from './descriptors.ts';

const kernelCounts = statSync('/proc/self/fd').size > 0;

describe('descriptors', () => {
  const kernel = new KernelFiles({
    procRoot: '/proc',
    layout: findCgroupLayout('/proc', '/sys/fs/cgroup'),
    descriptorBudget: 10,
  });
  let child: ChildProcess;

  beforeEach(async () => {
    child = spawn('sh', ['-c', 'ulimit -Sn 123 && exec 7</dev/null 8</dev/null && echo && exec sleep 1000']);
    await once(child.stdout ?? child, 'data');
  });
  afterEach(() => child.kill('SIGKILL'));

  const samplesOf = (init: InitProcess | undefined): (number | undefined)[] => {
    const container = { init } as Container;
    const reading = descriptors.scope === 'container' ? descriptors.read(container, { kernel } as Scrape) : undefined;
    if (reading === undefined) return [];
    return descriptors.families.map((family) => ('value' in family ? family.value(reading) : undefined));
  };

  it('has the open files of the init, where the kernel counts them, and the soft limit', async () => {
    const { pid = 0 } = child;
    const files = kernel.process(pid);
    if (files === undefined) throw new Error('the child has ended');
    const init = { pid, startTime: 0, startedAfterBoot: 0, namespaces: {}, namespacesError: undefined, files };
    // Waits until sleep has closed the files that the loader opened.
    let open: number;
    do {
      open = readdirSync(`/proc/${pid}/fd`).length;
      await sleep(50);
    } while (readdirSync(`/proc/${pid}/fd`).length !== open);
    expect(open).toBeGreaterThanOrEqual(5);
    expect(samplesOf(init)).toEqual([kernelCounts ? open : undefined, 123]);
    files.close();
  });

  it('has no number of open files of a process whose first thread has ended, rather than 0', async () => {
    const [command, ...words] = withoutFirstThread('exit');
    const process = spawn(command, words);
    try {
      const pid = await lastThreadLeft(process.pid ?? NaN, 'exit');
      const files = kernel.process(pid);
      if (files === undefined) throw new Error('the process has ended');
      const init = { pid, startTime: 0, startedAfterBoot: 0, namespaces: {}, namespacesError: undefined, files };
      expect(samplesOf(init)[0]).toBeUndefined();
      // The next look at its facts goes on with another thread.
      expect(files.useOtherThread()).toBe(true);
      if (kernelCounts) expect(samplesOf(init)[0]).toBeGreaterThan(0);
      files.close();
    } finally {
      process.kill('SIGKILL');
    }
  });

  it('has nothing of a container without a process', () => expect(samplesOf(undefined)).toEqual([]));
});
