import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventWatches } from './event-watches.ts';

describe('EventWatches', () => {
  let root: string;
  let events: number;
  let refused: unknown[];
  let watches: EventWatches;

  /** Changes the file of a cgroup like the kernel does. */
  function change(cgroup: string): void {
    writeFileSync(join(root, cgroup, 'memory.events'), 'oom_kill 1\n');
  }

  async function untilReported(cgroup: string): Promise<void> {
    const before = events;
    change(cgroup);
    await vi.waitFor(() => expect(events).toBeGreaterThan(before));
  }

  /** Waits long enough to notice an unwanted event. */
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, 50);
    });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'isolation-exporter-watches-'));
    for (const cgroup of ['docker/a', 'docker/b', 'pod/c']) mkdirSync(join(root, cgroup), { recursive: true });
    for (const cgroup of ['docker', 'docker/a', 'docker/b', 'pod', 'pod/c']) change(cgroup);
    events = 0;
    refused = [];
    watches = new EventWatches({
      root,
      onEvent: () => void (events += 1),
      onRefused: (error) => void refused.push(error),
      retryMs: 20,
    });
  });
  afterEach(() => {
    watches[Symbol.dispose]();
    rmSync(root, { recursive: true });
  });

  it('reports events of the parent cgroup as long as it holds a container', async () => {
    watches.add('/docker/a');
    watches.add('/docker/b');
    await untilReported('docker');
    watches.remove('/docker/a');
    await untilReported('docker');
    watches.remove('/docker/b');
    await pause();
    const before = events;
    change('docker');
    await pause();
    expect(events).toBe(before);
    expect([watches.up, refused]).toEqual([true, []]);
  });

  it('watches a container right below the root itself', async () => {
    watches.add('/pod');
    await untilReported('pod');
  });

  it('ignores an unknown container', () => {
    watches.remove('/docker/x');
    expect(watches.up).toBe(true);
  });

  it('is not up while a cgroup has no memory.events, and watches it once it has', async () => {
    rmSync(join(root, 'docker/memory.events'));
    watches.add('/docker/a');
    watches.add('/pod/c');
    expect(watches.up).toBe(false);
    // A missing file is not a refusal by the kernel.
    expect(refused).toEqual([]);
    change('docker');
    await vi.waitFor(() => expect(watches.up).toBe(true));
    // The file may have changed before the watch existed.
    expect(events).toBeGreaterThan(0);
    await untilReported('docker');
  });

  it('tries a missing file again at once for the next container', async () => {
    watches[Symbol.dispose]();
    watches = new EventWatches({ root, onEvent: () => void (events += 1), onRefused: () => {}, retryMs: 60_000 });
    rmSync(join(root, 'docker/memory.events'));
    watches.add('/docker/a');
    change('docker');
    watches.add('/docker/b');
    expect(watches.up).toBe(true);
    await untilReported('docker');
  });

  it('is up again once the container without memory.events is gone', () => {
    rmSync(join(root, 'docker/memory.events'));
    watches.add('/docker/a');
    watches.remove('/docker/a');
    expect(watches.up).toBe(true);
  });

  it('stays up if the cgroup of a container is gone before it is watched', () => {
    rmSync(join(root, 'docker'), { recursive: true });
    watches.add('/docker/a');
    expect([watches.up, refused]).toEqual([true, []]);
  });

  it('reports once that the kernel refuses watches, and tries again', async () => {
    // A file in place of a directory: the watch fails with ENOTDIR.
    rmSync(join(root, 'docker'), { recursive: true });
    rmSync(join(root, 'pod'), { recursive: true });
    writeFileSync(join(root, 'docker'), '');
    writeFileSync(join(root, 'pod'), '');
    watches.add('/docker/a');
    watches.add('/pod/c');
    await pause();
    expect([watches.up, refused.length]).toEqual([false, 1]);
    rmSync(join(root, 'docker'));
    mkdirSync(join(root, 'docker'));
    change('docker');
    await pause();
    expect([watches.up, refused.length]).toEqual([false, 1]);
    watches.remove('/pod/c');
    expect(watches.up).toBe(true);
    await untilReported('docker');
  });
});
