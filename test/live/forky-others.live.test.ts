import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import type { Machine } from '../lab/machine.ts';
import { AS_UNIT, expectAsListed, expectLimitsOfKernel } from './forky-checks.ts';
import type { Listed } from './forky-engines.ts';
import { OtherEngines } from './forky-others.ts';
import { untilJudged, verdictOn } from './levels.ts';

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 3_600_000 });

describeLong('the other engines of Debian forky', ['guest-forky'], () => {
  let machine: Machine;
  let engines: OtherEngines;
  let exporter: Exporter;
  let listed: readonly Listed[];
  let samples: Samples;

  beforeAll(async () => {
    machine = await sharedGuest('forky');
    engines = await OtherEngines.start(machine);
    listed = await engines.listed();
    exporter = await startExporter(machine, { flags: ['--docker.host='], script: AS_UNIT });
    const names = listed.map(({ container }) => container);
    await untilJudged(machine, exporter, names);
    samples = await exporter.scrape();
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await engines?.[Symbol.asyncDispose]();
  });

  test('their lists and ours are the same, with names and runtimes, without any socket', () => {
    expect(listed).toHaveLength(11);
    expectAsListed(samples, listed);
  });

  test('limits are the lowest from the cgroup of the process to that of the container', async () => {
    const shown = await expectLimitsOfKernel(machine, samples);
    expect(shown['ctr-limited']).toEqual([67_108_864, 'max', 'max', 0.5]);
  });

  test.each([
    ['alices', 'podman', 3, 'oci-rootless'],
    ['ctr-plain', 'containerd', 1, 'oci'],
    ['ctr-crun', 'containerd', 1, 'oci'],
    ['ctr-scope', 'containerd', 1, 'oci'],
    ['lab-lxc', 'lxc', 0, 'lxc'],
    ['incus-plain', 'lxc', 3, 'lxc'],
    ['lab_incus-project', 'lxc', 3, 'lxc'],
    ['lab-nspawn', 'nspawn', 0, 'nspawn'],
    ['lab-nspawn-user', 'nspawn', 3, 'nspawn'],
  ])('%s of %s has level %i, and no finding about mounts', (container, engine, level, sandbox) => {
    expect(verdictOn(samples, container, engine)).toMatchObject({ level, sandbox });
    const findings = samples.all
      .filter(({ name, labels }) => name === 'isolation_container_finding' && labels['container'] === container)
      .map(({ labels }) => labels['finding'] ?? '');
    expect(findings.filter((finding) => /mount|host_path|socket|device/.test(finding))).toEqual([]);
  });
});
