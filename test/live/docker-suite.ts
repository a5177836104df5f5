import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { type Machine, succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { CONTAINERS, dockerUp, incomplete, runContainers, untilComplete, within, words } from './docker-containers.ts';

/** The facts about real containers that hold for every cgroup version. */
export function dockerSuite(findMachine: () => Promise<Machine>): { docker: () => Docker; exporter: () => Exporter } {
  let machine: Machine;
  let docker: Docker;
  let exporter: Exporter;
  let ids: Readonly<Record<string, string>>;

  const value = async (name: string, labels: Readonly<Record<string, string>>) =>
    (await exporter.scrape()).value(`isolation_container_${name}`, labels);

  beforeAll(async () => {
    machine = await findMachine();
    docker = await startDocker(machine);
    ids = await runContainers(docker);
    exporter = await startExporter(machine, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilComplete(machine, exporter);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test('limits are exactly the ones that were set', async () => {
    const samples = await exporter.scrape();
    const of = (name: string) => samples.value(`isolation_container_${name}`, { container: 'limited' });
    expect([of('memory_limited'), of('memory_limit_bytes'), of('memory_own_limit_bytes')]).toEqual([
      1, 67_108_864, 67_108_864,
    ]);
    expect([of('cpu_limited'), of('cpu_limit_cores')]).toEqual([1, 0.5]);
  });

  test('the throttled time of a busy loop grows', async () => {
    const throttled = () => value('cpu_throttled_seconds_total', { container: 'limited' });
    const before = await throttled();
    expect(before).toBeTypeOf('number');
    await within(machine, 'more throttled time', async () => ((await throttled()) ?? 0) > (before ?? Infinity));
  });

  test('host namespaces are distinguished from own ones', async () => {
    const samples = await exporter.scrape();
    const shared = (container: string) =>
      ['pid', 'net', 'mnt', 'uts', 'ipc'].map((ns) =>
        samples.value('isolation_container_host_namespace', { container, ns }),
      );
    expect(shared('exposed')).toEqual([1, 1, 0, 0, 0]);
    expect(shared('unlimited')).toEqual([0, 0, 0, 0, 0]);
  });

  test('a missing limit is exported as `limited 0` without a limit', async () => {
    const samples = await exporter.scrape();
    const of = (name: string) => samples.value(`isolation_container_${name}`, { container: 'unlimited' });
    expect(['memory_limited', 'cpu_limited', 'pids_limited'].map(of)).toEqual([0, 0, 0]);
    const ofIt = samples.all.filter(({ labels }) => labels['container'] === 'unlimited').map(({ name }) => name);
    expect(ofIt.filter((name) => /_(?:memory|swap|cpu|pids)_(?:own_)?limit(?:_bytes|_cores)?$/.test(name))).toEqual([]);
  });

  test('id, image, runtime and start are what Docker says', async () => {
    const samples = await exporter.scrape();
    for (const container of CONTAINERS) {
      const format = '{{.Config.Image}} {{.HostConfig.Runtime}} {{.State.StartedAt}}';
      const [image, runtime, startedAt = ''] = words(await docker.cli('inspect', '-f', format, container));
      const info = samples.labels('isolation_container_info', { container });
      expect([info?.get('id'), info?.get('image'), info?.get('runtime')]).toEqual([ids[container], image, runtime]);
      const start = samples.value('isolation_container_start_time_seconds', { container }) ?? 0;
      expect(Math.abs(start - Date.parse(startedAt) / 1000), container).toBeLessThanOrEqual(2 * machine.slowness);
    }
  });

  test('a changed limit shows at the next scrape', async () => {
    await docker.cli('update', '--memory', '128m', 'limited');
    expect(await value('memory_limit_bytes', { container: 'limited' })).toBe(134_217_728);
    await docker.cli('update', '--memory', '64m', 'limited');
    expect(await value('memory_limit_bytes', { container: 'limited' })).toBe(67_108_864);
  });

  test('a limit of a parent that others share is effective, and no limit of the container', async () => {
    const parent = `isolation-exporter-${process.pid}`;
    await succeed(
      machine,
      `set -e; cd /sys/fs/cgroup/memory 2>/dev/null || cd /sys/fs/cgroup; mkdir ${parent}; cd ${parent}
      if [ -e memory.max ]; then echo 33554432 > memory.max; else echo 33554432 > memory.limit_in_bytes; fi`,
    );
    try {
      await docker.run('--name', 'below', '--network', 'none', '--cgroup-parent', `/${parent}`, LAB_IMAGE);
      await untilComplete(machine, exporter, ['below']);
      const samples = await exporter.scrape();
      expect(samples.labels('isolation_container_info', { container: 'below' })?.get('engine')).toBe('docker');
      const of = (name: string) => samples.value(`isolation_container_memory_${name}`, { container: 'below' });
      expect([of('limited'), of('limit_bytes'), of('own_limit_bytes')]).toEqual([0, 33_554_432, undefined]);
    } finally {
      await machine.run(`${docker.client} rm -f below`);
      // Docker creates this cgroup in every hierarchy and does not remove it.
      await removeCgroups(machine, parent);
    }
  });

  test('an OOM kill of a child is counted while the container lives on', async () => {
    const limits = words('--name leaky --network none --memory 16m --memory-swap 16m');
    await docker.run(...limits, LAB_IMAGE, 'sh', '-c', 'tail /dev/zero; sleep 1000000');
    const kills = () => value('oom_kills_total', { container: 'leaky' });
    await within(machine, 'the kill', async () => ((await kills()) ?? 0) > 0);
    expect(await kills()).toBe(1);
    expect(await docker.cli('inspect', '-f', '{{.State.Running}}', 'leaky')).toBe('true');
    await docker.remove('leaky');
  });

  test('pressure is there where the kernel has it', async () => {
    const samples = await exporter.scrape();
    for (const resource of ['cpu', 'memory', 'io']) {
      // If this kernel has no pressure information, the file is missing or cannot be read.
      const { stdout } = await machine.run(
        `find /sys/fs/cgroup -path '*${ids['limited']}/${resource}.pressure' -exec cat {} + 2>/dev/null`,
      );
      const has = (what: string) => stdout.includes(what);
      const shown = (what: string) =>
        samples.value(`isolation_container_pressure_${what}_seconds_total`, { container: 'limited', resource });
      expect([shown('waiting') !== undefined, shown('stalled') !== undefined], resource).toEqual([
        has('some'),
        has('full'),
      ]);
    }
    const waiting = { container: 'limited', resource: 'cpu' };
    // Debian's kernel measures pressure, so the guest does, too.
    if (machine !== host) {
      expect(samples.value('isolation_container_pressure_waiting_seconds_total', waiting)).toBeGreaterThan(0);
    }
  });

  test('a dockerd that hangs costs its health and no facts, and comes back', async () => {
    await docker.kill('SIGSTOP');
    try {
      await within(machine, 'Docker is down', async () => (await dockerUp(exporter)) === 0);
      expect(incomplete(await exporter.scrape())).toEqual([]);
    } finally {
      await docker.kill('SIGCONT');
    }
    await within(machine, 'Docker is up', async () => (await dockerUp(exporter)) === 1, 60_000);
    expect(incomplete(await exporter.scrape())).toEqual([]);
  });

  return { docker: () => docker, exporter: () => exporter };
}
