import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { ThrowawayContainers } from '../demo/throwaway-containers.ts';
import { type BuiltProgram, startProgram } from '../hostile/built-program.ts';
import { type Samples, samplesOf } from '../lab/exporter.ts';
import { describeLive } from '../lab/live.ts';

const OUTER = `outer-${process.pid}`;
const MOST = 5;
const MADE = 20;
const MEBIBYTE = 1024 * 1024;

describeLive('more cgroups in a container that look like containers than the limit', ['containers'], () => {
  const layout = findCgroupLayout('/proc', '/sys/fs/cgroup');
  let containers: ThrowawayContainers;
  let exporter: BuiltProgram;

  // Others, such as cpuset of v1, take no process before they are set up.
  const hierarchies = new Set([layout.discovery, layout.hierarchyOf('memory') ?? layout.discovery]);
  // The kernel's log still has the kills of earlier runs.
  const idOf = (nth: number): string => `${`${nth}`.padStart(4, '0')}${process.pid}`.padEnd(64, '0');
  const shortId = (nth: number): string => idOf(nth).slice(0, 12);
  /** The directories of a cgroup inside the container. */
  const placesOf = (nth: number): readonly string[] =>
    Array.from(hierarchies, ({ root }) =>
      join(root, `isolation-exporter-demo-${process.pid}`, `lxc.payload.${OUTER}`, `docker-${idOf(nth)}.scope`),
    );
  const remove = (nth: number): void => placesOf(nth).forEach((place) => rmdirSync(place));

  const scrape = async (): Promise<Samples> => samplesOf((await exporter.get('/metrics')).body);
  const nested = async (): Promise<string[]> => {
    const { all } = await scrape();
    const ids = all.filter(({ name }) => name === 'isolation_container_info').map(({ labels }) => labels['id'] ?? '');
    return ids.filter((id) => id === idOf(Number(id.slice(0, 4)))).map((id) => id.slice(0, 4));
  };
  const overLimit = async (): Promise<number | undefined> =>
    (await scrape()).value('isolation_containers_over_limit', { limit: 'nested' });

  const kills = async (container: string): Promise<number | undefined> =>
    (await scrape()).value('isolation_container_oom_kills_total', { container });

  beforeAll(async () => {
    containers = new ThrowawayContainers();
    await containers.start({ name: OUTER, command: 'sleep 1000; true', limits: {}, isolation: 'default' });
    for (let nth = 0; nth < MADE; nth += 1) for (const place of placesOf(nth)) mkdirSync(place);
    exporter = await startProgram([
      '--path.kmsg=/dev/kmsg',
      `--discovery.max-nested=${MOST}`,
      '--discovery.walk-interval=500ms',
    ]);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    for (const place of placesOf(0)) {
      for (const name of readdirSync(join(place, '..')))
        if (name.startsWith('docker-')) rmdirSync(join(place, '..', name));
    }
    await containers?.[Symbol.asyncDispose]();
  });

  test('shows the oldest ones, and says once how many it does not show', async () => {
    expect(await nested()).toEqual(['0000', '0001', '0002', '0003', '0004']);
    expect(await overLimit()).toBe(MADE - MOST);
    const lines = exporter.log().match(/^.*too many containers inside a container.*$/gm);
    expect(lines).toHaveLength(1);
    expect(lines?.[0]).toMatch(/cgroup=\S*lxc\.payload\.outer-\d+ limit=5/);
  });

  test('takes the processes in the others for those of the container', async () => {
    const value = async (): Promise<number | undefined> =>
      (await scrape()).value('isolation_container_escaped_processes', { container: OUTER });
    await expect.poll(value, { timeout: 10_000, interval: 500 }).toBe(0);
    // It is in the host's namespaces.
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
    try {
      for (const place of placesOf(MADE - 1)) writeFileSync(join(place, 'cgroup.procs'), `${stranger.pid}`);
      await expect.poll(value, { timeout: 60_000, interval: 500 }).toBe(1);
    } finally {
      stranger.kill('SIGKILL');
      await new Promise((resolve) => stranger.once('exit', resolve));
    }
  });

  test('counts an OOM kill in the others for the container', async () => {
    expect(await kills(OUTER)).toBe(0);
    const victim = MADE - 2;
    const limits = [
      ['memory.max', `${8 * MEBIBYTE}`],
      ['memory.limit_in_bytes', `${8 * MEBIBYTE}`],
    ] as const;
    const files = new Set(placesOf(victim).flatMap((place) => readdirSync(place).map((name) => join(place, name))));
    for (const [name, value] of limits) {
      for (const place of placesOf(victim)) if (files.has(join(place, name))) writeFileSync(join(place, name), value);
    }
    const join_ = placesOf(victim).map((place) => `echo $$ > ${place}/cgroup.procs`);
    const eater = spawn('sh', ['-c', `${join_.join('; ')}; exec tail /dev/zero`], { stdio: 'ignore' });
    await new Promise((resolve) => eater.once('exit', resolve));
    await expect.poll(() => kills(OUTER), { timeout: 20_000, interval: 500 }).toBe(1);
    await sleep(3_000);
    expect([await kills(OUTER), await kills(shortId(victim))]).toEqual([1, undefined]);
  });

  test('shows the next ones once others are gone', async () => {
    for (const nth of [0, 1, 2]) remove(nth);
    await expect.poll(nested, { timeout: 10_000, interval: 200 }).toEqual(['0003', '0004', '0005', '0006', '0007']);
    expect(await overLimit()).toBe(MADE - MOST - 3);
    for (let nth = 3; nth < MADE - 4; nth += 1) remove(nth);
    await expect.poll(nested, { timeout: 10_000, interval: 200 }).toEqual(['0016', '0017', '0018', '0019']);
    // A kill from before counts for the outer container still, and for it alone.
    await expect.poll(() => kills(shortId(MADE - 2)), { timeout: 5_000 }).toBeUndefined();
    expect([await kills(OUTER), await overLimit()]).toEqual([1, 0]);
    const reached = exporter.log().match(/too many containers/g);
    expect(reached).toHaveLength(1);
    expect((await scrape()).value('isolation_source_up', { source: 'memory_controller' })).toBe(1);
  });
});
