import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { eventually, succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { untilShown, words } from './docker-containers.ts';

const { hierarchyOf } = findCgroupLayout('/proc', '/sys/fs/cgroup');
const memory = hierarchyOf('memory');

describeLive('Docker in a cgroup of its own in the memory hierarchy alone', ['docker'], () => {
  const service = `isolation-exporter-${process.pid}.service`;
  const parent = `isolation-exporter-jobs-${process.pid}`;
  let docker: Docker;

  beforeAll(async () => {
    docker = await startDocker(host);
    const directory = `${memory?.root}/${service}`;
    mkdirSync(directory);
    for (const file of ['pid', 'exec/containerd/containerd.pid']) {
      writeFileSync(`${directory}/cgroup.procs`, readFileSync(`${docker.directory}/${file}`));
    }
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
    for (const name of [parent, service]) await removeCgroups(host, name);
  });

  test.skipIf(memory?.version !== 1)('has its limits, and its OOM kills under its own name', async () => {
    await using exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    const flags = words(`--name elsewhere --network none --memory 32m --memory-swap 32m --cgroup-parent=${parent}`);
    const id = await docker.run(...flags, LAB_IMAGE, 'sh', '-c', 'tail /dev/zero; sleep 1000000');
    const membership = readFileSync(`/proc/${await docker.pidOf(id)}/cgroup`, 'utf8');
    expect(membership).toMatch(new RegExp(`:memory:/${service}/${parent}/${id}$`, 'm'));
    expect(membership).toMatch(new RegExp(`:pids:/${parent}/${id}$`, 'm'));
    await untilShown(host, exporter, [id]);
    const kills = async () =>
      (await exporter.scrape()).all
        .filter(({ name }) => name === 'isolation_container_oom_kills_total')
        .filter(({ labels, value }) => value > 0 && [id.slice(0, 12), 'elsewhere'].includes(labels['container'] ?? ''))
        .map(({ labels, value }) => [labels['engine'], labels['container'], value])
        .toSorted();
    await eventually('the kill', async () => ((await kills()).length > 0 ? true : undefined), { timeoutMs: 30_000 });
    expect(await kills()).toEqual([['docker', 'elsewhere', 1]]);
    const samples = await exporter.scrape();
    const of = { engine: 'docker', container: 'elsewhere' };
    expect(samples.value('isolation_container_memory_limit_bytes', of)).toBe(33_554_432);
    expect(samples.value('isolation_container_memory_limited', of)).toBe(1);
    expect(samples.value('isolation_container_finding', { ...of, finding: 'memory_unlimited' })).toBe(0);
    expect(samples.value('isolation_container_memory_usage_bytes', of)).toBeGreaterThan(0);
    const own = samples.all.filter(({ labels }) => labels['id'] === id);
    expect(own.map(({ name }) => name)).toEqual(['isolation_container_info']);
    const limit = await succeed(host, `cat ${memory?.root}/${service}/${parent}/${id}/memory.limit_in_bytes`);
    expect(limit).toBe('33554432');
  });
});
