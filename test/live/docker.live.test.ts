import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, sharedGuest } from '../lab/live.ts';
import { eventually, type Machine, succeed } from '../lab/machine.ts';

describeLive('Docker on this host', ['docker'], () => {
  suite(() => Promise.resolve(host), 10_171);
});

describeLive('Docker on cgroup v2', ['guest', 'docker'], () => {
  suite(() => sharedGuest('plain'), 10_172);
});

const words = (text: string): string[] => text.split(' ');

/** What must be true of real containers, whatever the version of cgroups. */
function suite(findMachine: () => Promise<Machine>, port: number): void {
  let machine: Machine;
  let docker: Docker;
  let exporter: Exporter;
  const ids: string[] = [];

  beforeAll(async () => {
    machine = await findMachine();
    docker = await startDocker(machine);
    ids.push(
      await docker.run(
        ...words('--name busy --network none --memory 64m --memory-swap 64m --cpus 0.5'),
        LAB_IMAGE,
        'sh',
        '-c',
        'while :; do :; done',
      ),
      await docker.run('--name', 'shared', '--pid', 'host', '--network', 'host', LAB_IMAGE),
      await docker.run('--name', 'free', '--network', 'none', LAB_IMAGE),
    );
    exporter = await startExporter(machine, port, [`--docker.host=unix://${docker.socket}`]);
    await eventually(
      'names',
      async () => (await exporter.scrape()).value('isolation_container_pids', { container: 'free' }),
      {
        timeoutMs: 20_000 * machine.slowness,
      },
    );
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.remove(...ids);
    await docker?.[Symbol.asyncDispose]();
  });

  test('limits are the ones that were set, and bite', async () => {
    const busy = { container: 'busy' };
    const before = await exporter.scrape();
    expect(before.value('isolation_container_memory_limited', busy)).toBe(1);
    expect(before.value('isolation_container_memory_limit_bytes', busy)).toBe(67_108_864);
    expect(before.value('isolation_container_memory_own_limit_bytes', busy)).toBe(67_108_864);
    expect(before.value('isolation_container_cpu_limited', busy)).toBe(1);
    expect(before.value('isolation_container_cpu_limit_cores', busy)).toBe(0.5);
    const throttled = before.value('isolation_container_cpu_throttled_seconds_total', busy) ?? Infinity;
    await eventually(
      'more throttling',
      async () => {
        const now = (await exporter.scrape()).value('isolation_container_cpu_throttled_seconds_total', busy) ?? 0;
        return now > throttled ? now : undefined;
      },
      { timeoutMs: 20_000 * machine.slowness },
    );
  });

  test('no limit is said as such, and has no series', async () => {
    const samples = await exporter.scrape();
    for (const resource of ['memory', 'cpu', 'pids']) {
      expect(samples.value(`isolation_container_${resource}_limited`, { container: 'free' })).toBe(0);
    }
    for (const limit of ['memory_limit_bytes', 'memory_own_limit_bytes', 'cpu_limit_cores', 'pids_limit']) {
      expect(samples.value(`isolation_container_${limit}`, { container: 'free' })).toBeUndefined();
    }
  });

  test('namespaces of the host are told from own ones', async () => {
    const samples = await exporter.scrape();
    const shared = (ns: string): number | undefined =>
      samples.value('isolation_container_host_namespace', { container: 'shared', ns });
    expect(['pid', 'net', 'mnt', 'uts', 'ipc'].map(shared)).toEqual([1, 1, 0, 0, 0]);
  });

  test('identity is what Docker says', async () => {
    const samples = await exporter.scrape();
    const info = samples.labels('isolation_container_info', { container: 'busy' });
    expect(info?.get('id')).toBe(ids[0]);
    expect(info?.get('image')).toBe(LAB_IMAGE);
    expect(info?.get('runtime')).toBe('runc');
    const started = Date.parse(await docker.cli('inspect', '-f', '{{.State.StartedAt}}', 'busy')) / 1000;
    const start = samples.value('isolation_container_start_time_seconds', { container: 'busy' }) ?? 0;
    expect(Math.abs(start - started)).toBeLessThan(2 * machine.slowness);
  });

  test('a changed limit shows at the next scrape', async () => {
    await docker.cli('update', '--memory', '128m', '--memory-swap', '128m', 'busy');
    const samples = await exporter.scrape();
    expect(samples.value('isolation_container_memory_limit_bytes', { container: 'busy' })).toBe(134_217_728);
  });

  test('an OOM kill of a child is counted while the container lives on', async () => {
    const script = 'tail /dev/zero; sleep 1000000';
    ids.push(
      await docker.run(
        ...words('--name leaky --network none --memory 16m --memory-swap 16m'),
        LAB_IMAGE,
        'sh',
        '-c',
        script,
      ),
    );
    const kills = await eventually(
      'the kill',
      async () =>
        (await exporter.scrape()).value('isolation_container_oom_kills_total', { container: 'leaky' }) || undefined,
      { timeoutMs: 30_000 * machine.slowness },
    );
    expect(kills).toBe(1);
  });

  test('containers that come and go are all counted', async () => {
    const before = await exporter.scrape();
    const count = 3;
    for (let round = 0; round < count; round += 1)
      await docker.cli('run', '--rm', '--network', 'none', LAB_IMAGE, 'true');
    const of = (name: string): number => (before.value(name, { engine: 'docker' }) ?? 0) + count;
    const after = await eventually(
      'all of them gone',
      async () => {
        const samples = await exporter.scrape();
        const removed = samples.value('isolation_containers_removed_total', { engine: 'docker' }) ?? 0;
        return removed >= of('isolation_containers_removed_total') ? samples : undefined;
      },
      { timeoutMs: 20_000 * machine.slowness },
    );
    expect(after.value('isolation_containers_started_total', { engine: 'docker' })).toBe(
      of('isolation_containers_started_total'),
    );
    expect(after.value('isolation_containers_removed_total', { engine: 'docker' })).toBe(
      of('isolation_containers_removed_total'),
    );
  });

  test('a daemon that hangs costs nothing but its health, and comes back', async () => {
    const health = async (): Promise<number | undefined> =>
      (await exporter.scrape()).value('isolation_source_up', { source: 'docker' });
    await docker.kill('SIGSTOP');
    await eventually('Docker is down', async () => ((await health()) === 0 ? true : undefined), {
      timeoutMs: 30_000 * machine.slowness,
    });
    const samples = await exporter.scrape();
    // Each by its name, and not their number: other engines on the host may have containers too.
    const limited = (container: string) => samples.value('isolation_container_memory_limited', { container });
    expect(['busy', 'shared', 'free', 'leaky'].map(limited)).toEqual([1, 0, 0, 1]);
    await docker.kill('SIGCONT');
    await eventually('Docker is up', async () => ((await health()) === 1 ? true : undefined), {
      timeoutMs: 60_000 * machine.slowness,
    });
  });

  test('pressure is there where the kernel has it', async () => {
    const samples = await exporter.scrape();
    const waiting = samples.value('isolation_container_pressure_waiting_seconds_total', {
      container: 'busy',
      resource: 'cpu',
    });
    const files = await succeed(machine, `find /sys/fs/cgroup -path '*${ids[0]}*/cpu.pressure'`);
    expect(waiting === undefined).toBe(files === '');
  });
}
