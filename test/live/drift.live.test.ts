import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { untilComplete, words } from './docker-containers.ts';
import { driftsOf, driftTime, escape, execPrivileged, mountDevices, STARTING_MS } from './drift-changes.ts';

const LIMITS = words('--network none --memory 64m --cpus 0.5 --pids-limit 100');

const PRIVILEGED = [
  'added_capability',
  'capabilities_kept',
  'seccomp_disabled',
  'stronger_process',
  'takeover_capability',
];
const once = (findings: readonly string[]) => findings.map((finding) => `${finding} 1`).toSorted();

describeLive('containers that get worse while they run', ['docker'], () => {
  const NAMES = ['steady', 'entered', 'escaped', 'mounted', 'relaxed'] as const;
  let docker: Docker;
  let exporter: Exporter;
  const ids = new Map<string, string>();
  const id = (name: (typeof NAMES)[number]) => ids.get(name) ?? '';
  const start = () => startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });

  beforeAll(async () => {
    docker = await startDocker(host);
    for (const name of NAMES) ids.set(name, await docker.run('--name', name, ...LIMITS, LAB_IMAGE));
    await sleep(STARTING_MS);
    exporter = await start();
    await untilComplete(host, exporter, NAMES);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test('are reported in the next scrape, with the time, and others are not', async () => {
    await execPrivileged(host, docker, id('entered'));
    const end = await escape(host, docker, id('escaped'));
    await mountDevices(host, docker, id('mounted'));
    await docker.cli('update', '--pids-limit', '-1', '--cpu-quota', '-1', 'relaxed');
    // As `docker update --memory-swap -1` of an engine that does it: Docker 20.10 only says that it has.
    const swap = `/sys/fs/cgroup/memory${docker.cgroupOf(id('relaxed'))}/memory.memsw.limit_in_bytes`;
    await docker.cli('update', '--memory-swap', '-1', 'relaxed');
    expect(await succeed(host, `cat ${swap}`)).toBe('134217728');
    await succeed(host, `echo -1 > ${swap}`);
    const before = Date.now() / 1000;
    const samples = await exporter.scrape();
    expect(driftsOf(samples, 'entered')).toEqual(once(PRIVILEGED));
    expect(driftsOf(samples, 'escaped')).toEqual(once([...PRIVILEGED, 'process_escaped']));
    expect(driftsOf(samples, 'mounted')).toEqual(once(['critical_host_path_writable', 'host_path_mounted']));
    expect(driftsOf(samples, 'relaxed')).toEqual(once(['cpu_unlimited', 'pids_unlimited', 'swap_unlimited']));
    expect(driftsOf(samples, 'steady')).toEqual([]);
    expect(Math.abs(driftTime(samples, 'entered', 'stronger_process') - before)).toBeLessThan(20);
    await succeed(host, end);
    const page = await succeed(host, `curl -sS --fail -m 20 http://${exporter.address}/`);
    const row = page.split('<tbody').find((part) => part.includes('>relaxed<')) ?? '';
    expect(row).toContain('<strong>pids_unlimited</strong> while it ran: <q>100 processes</q> became <q>no limit</q>');
  });

  test('are in the log, one line for each, with what was and what is', async () => {
    const lines = (await exporter.log()).filter(({ msg }) => msg === 'isolation of a running container got worse');
    expect(lines.map(({ container }) => container).toSorted()).toEqual(['entered', 'escaped', 'mounted', 'relaxed']);
    expect(lines.find(({ container }) => container === 'relaxed')).toMatchObject({
      level: 'warn',
      engine: 'docker',
      changes: [
        'cpu_unlimited: 0.5 cores -> no limit',
        'pids_unlimited: 100 processes -> no limit',
        'swap_unlimited: 134217728 bytes -> no limit',
      ],
    });
    expect(lines.find(({ container }) => container === 'mounted')).toMatchObject({
      changes: [
        'critical_host_path_writable: none -> /dev on /mnt (rw)',
        'host_path_mounted: none -> /dev on /mnt (rw)',
      ],
    });
    const entered = lines.find(({ container }) => container === 'entered');
    expect(entered?.['changes']).toContain('seccomp_disabled: none -> yes');
  });

  test('are as they are for an exporter that starts only now', async () => {
    await using other = await start();
    await untilComplete(host, other, NAMES);
    const samples = await other.scrape();
    expect(samples.value('isolation_container_finding', { container: 'entered', finding: 'stronger_process' })).toBe(1);
    expect(NAMES.flatMap((name) => driftsOf(samples, name))).toEqual([]);
  });
});
