import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, succeed } from '../lab/machine.ts';
import { untilShown } from './docker-containers.ts';

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 });

// crun puts the processes into a cgroup inside the container's own, and sets limits on both.
describeLong('Podman with crun, on cgroup v2', ['guest-systemd', 'podman'], () => {
  let machine: Machine;
  let podman: string;
  let exporter: Exporter;
  const ids = new Map<string, string>();

  beforeAll(async () => {
    machine = await sharedGuest('systemd');
    const directory = await succeed(machine, 'mktemp -d /tmp/isolation-exporter-crun-XXXXXX');
    podman = `podman --runtime crun --root ${directory}/root --runroot ${directory}/run --tmpdir ${directory}/tmp --cgroup-manager systemd --storage-driver vfs --events-backend file`;
    await succeed(
      machine,
      `set -e -o pipefail
      mkdir -p ${directory}/image/bin
      cp /bin/busybox ${directory}/image/bin/
      ln -s busybox ${directory}/image/bin/sleep
      tar -C ${directory}/image -c . | ${podman} import -q - lab:1`,
      { timeoutMs: 600_000 },
    );
    for (const [name, flags] of [
      ['none', '--memory-swap 64m'],
      ['default', ''],
    ] as const) {
      const run = `${podman} run -d --name ${name} --network none -m 64m ${flags} --pids-limit 50 --cpus 0.5 lab:1 /bin/sleep 1000000`;
      ids.set(name, await succeed(machine, run, { timeoutMs: 600_000 }));
    }
    exporter = await startExporter(machine, { flags: ['--docker.host='] });
    await untilShown(machine, exporter, [...ids.values()]);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await machine?.run(`${podman} rm --force --all --time 0`, { timeoutMs: 600_000 });
  });

  test.each([
    ['none', 0],
    ['default', 67_108_864],
  ])('exports the swap limit %s that Podman set', async (name, expected) => {
    const id = ids.get(name) ?? '';
    const scope = `/machine.slice/libpod-${id}.scope`;
    const inner = await succeed(machine, `cat /sys/fs/cgroup${scope}/container/memory.swap.max`);
    expect(Number(inner)).toBe(expected);
    const samples = await exporter.scrape();
    const value = (metric: string, more = {}) =>
      samples.value(`isolation_container_${metric}`, { container: name, ...more });
    expect(value('memory_swap_limit_bytes')).toBe(expected);
    expect(value('effective_limit_info', { resource: 'swap', scope: 'container', cgroup: `${scope}/container` })).toBe(
      1,
    );
    expect([value('memory_limit_bytes'), value('cpu_limit_cores'), value('pids_limit')]).toEqual([67_108_864, 0.5, 50]);
    expect(['memory', 'cpu', 'pids'].map((what) => value(`${what}_limited`))).toEqual([1, 1, 1]);
  });

  test('the limits of both cgroups are there, each with what it did', async () => {
    const id = ids.get('none') ?? '';
    const scope = `/machine.slice/libpod-${id}.scope`;
    // Some releases of crun limit the CPU only in the inner cgroup. The outer one then has no throttling to report.
    const periodsOf = async (path: string) => {
      const directory = `/sys/fs/cgroup${scope}${path}`;
      const periods = await succeed(
        machine,
        `grep -qs '^[0-9]' ${directory}/cpu.max && sed -n 's/^nr_periods //p' ${directory}/cpu.stat || true`,
      );
      return periods === '' ? undefined : Number(periods);
    };
    const samples = await exporter.scrape();
    const of = { container: 'none' };
    const inner = { ...of, scope: 'container', cgroup: `${scope}/container` };
    expect(samples.value('isolation_container_limiter_memory_limit_bytes', inner)).toBe(67_108_864);
    expect(samples.value('isolation_container_limiter_cpu_periods_total', inner)).toBe(await periodsOf('/container'));
    expect(samples.value('isolation_container_cpu_periods_total', of)).toBe(await periodsOf(''));
  });
});
