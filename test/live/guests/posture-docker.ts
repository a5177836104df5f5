import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../../lab/docker.ts';
import { type Exporter, startExporter } from '../../lab/exporter.ts';
import { describeInGuest, sharedGuest } from '../../lab/live.ts';
import { type Machine, quote, succeed } from '../../lab/machine.ts';
import { within, words } from '../docker-containers.ts';
import { driftsOf, mountDevices, STARTING_MS } from '../drift-changes.ts';
import { runEach } from '../isolated-containers.ts';
import { type Expected, finding, PRIVILEGED, untilJudged, verdictOn } from '../levels.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

const LIMITED = '--network none --memory 64m --pids-limit 100';
const HARDENED = '--network none --cap-drop ALL --user 1000:1000 --security-opt no-new-privileges --read-only';

/** The options of each container, and the expected result. */
const CASES: Readonly<Record<string, { readonly flags: string; readonly expected: Expected }>> = {
  default: { flags: '--network none', expected: { level: 2, findings: [], sandbox: 'oci' } },
  privileged: {
    flags: '--network none --privileged',
    expected: {
      level: 0,
      findings: PRIVILEGED,
      sandbox: 'oci',
    },
  },
  'all-capabilities': {
    flags: '--network none --cap-add ALL',
    expected: {
      level: 0,
      findings: ['added_capability', 'all_capabilities', 'takeover_capability'],
      sandbox: 'oci',
    },
  },
  hardened: { flags: HARDENED, expected: { level: 3, findings: [], sandbox: 'oci' } },
  'apparmor-unconfined': {
    flags: '--network none --security-opt apparmor=unconfined',
    expected: { level: 1, findings: ['apparmor_unconfined'], sandbox: 'oci' },
  },
};

/** Adds the user whose subordinate ids a daemon with user namespaces uses. */
const ADD_USER = `
  echo 'lab:x:1777:1777::/:/bin/sh' >> /etc/passwd
  echo 'lab:x:1777:' >> /etc/group
  for file in /etc/subuid /etc/subgid; do echo 'lab:200000:65536' >> $file; done`;

/** The isolation of real containers beside systemd and AppArmor. */
export function describePosture(): void {
  describeInGuest(
    'the isolation of containers on a host with systemd and AppArmor',
    ['guest-systemd', 'docker'],
    () => {
      let guest: Machine;
      let docker: Docker;
      let remapped: Docker;
      let exporter: Exporter;
      let own = '';
      let limited = '';

      beforeAll(async () => {
        guest = await sharedGuest('systemd');
        docker = await startDocker(guest, { cgroupDriver: 'systemd' });
        const flags = Object.entries(CASES).map(([name, { flags: options }]) => [name, options] as const);
        await runEach(docker, Object.fromEntries(flags));
        limited = await docker.run('--name', 'limited', ...words(LIMITED), LAB_IMAGE);
        const isStarted = sleep(STARTING_MS);
        await succeed(guest, ADD_USER);
        remapped = await startDocker(guest, { cgroupDriver: 'systemd', flags: ['--userns-remap=lab'] });
        own = (await remapped.run('--network', 'none', LAB_IMAGE)).slice(0, 12);
        // What the exporter finds first is then what later changes are compared with.
        await isStarted;
        exporter = await startExporter(guest, { flags: [`--docker.host=unix://${docker.socket}`] });
        await untilJudged(guest, exporter, [...Object.keys(CASES), own, 'limited']);
      });
      afterAll(async () => {
        await exporter?.[Symbol.asyncDispose]();
        await remapped?.[Symbol.asyncDispose]();
        await docker?.[Symbol.asyncDispose]();
      });

      test.each(Object.entries(CASES))('Docker: %s', async (name, { expected }) => {
        expect(verdictOn(await exporter.scrape(), name)).toEqual(expected);
      });

      test('Docker that remaps users', async () => {
        expect(verdictOn(await exporter.scrape(), own)).toEqual({ level: 3, findings: [], sandbox: 'oci' });
      });

      test('docker exec --privileged counts while it runs, and only then', async () => {
        const before = verdictOn(await exporter.scrape(), 'default');
        await docker.cli('exec', '-d', '--privileged', 'default', 'sleep', '1003');
        await within(
          guest,
          'it shows',
          async () => finding(await exporter.scrape(), 'default', 'stronger_process') === 1,
        );
        const during = verdictOn(await exporter.scrape(), 'default');
        // Such a process keeps the seccomp filter and the AppArmor profile of the container.
        expect(during).toEqual({
          level: 0,
          findings: ['added_capability', 'stronger_process', 'takeover_capability'],
          sandbox: 'oci',
        });
        const drifts = ['added_capability 1', 'capabilities_kept 1', 'stronger_process 1', 'takeover_capability 1'];
        expect(driftsOf(await exporter.scrape(), 'default')).toEqual(drifts);
        await succeed(guest, `kill -KILL $(pgrep -f '^sleep 1003$')`);
        await within(
          guest,
          'it is over',
          async () => finding(await exporter.scrape(), 'default', 'stronger_process') === 0,
        );
        expect(verdictOn(await exporter.scrape(), 'default')).toEqual(before);
        // That it was is still known.
        expect(driftsOf(await exporter.scrape(), 'default')).toEqual(drifts);
      });

      test('limits that are lifted and a mount show in the next scrape', async () => {
        await docker.cli('update', '--pids-limit', '-1', 'limited');
        await succeed(guest, `echo max > /sys/fs/cgroup${docker.cgroupOf(limited)}/memory.swap.max`);
        expect(driftsOf(await exporter.scrape(), 'limited')).toEqual(['pids_unlimited 1', 'swap_unlimited 1']);
        await mountDevices(guest, docker, limited);
        expect(driftsOf(await exporter.scrape(), 'limited')).toContain('critical_host_path_writable 1');
        const lines = (await exporter.log()).filter(({ msg }) => msg === 'isolation of a running container got worse');
        expect(lines.flatMap(({ container, changes }) => (container === 'limited' ? changes : []))).toEqual([
          'pids_unlimited: 100 processes -> no limit',
          'swap_unlimited: 67108864 bytes -> no limit',
          'critical_host_path_writable: none -> /dev on /mnt (rw)',
          'host_path_mounted: none -> /dev on /mnt (rw)',
        ]);
      });

      test('an exporter confined by AppArmor says unknown, and not fine', async () => {
        const same = ['/usr', '/lib', '/lib64', process.execPath, REPOSITORY, docker.directory];
        const script = (command: string) => `
      volumes=(-v /proc:/host/proc:ro -v /sys/fs/cgroup:/host/sys/fs/cgroup:ro)
      for path in ${quote(...same)}; do
        if [ -e "$path" ]; then volumes+=(-v "$path:$path:ro"); fi
      done
      exec env ${docker.client} run --rm --name exporter --pid host --cgroupns host --network host \\
        --cap-add SYS_PTRACE --cap-add DAC_READ_SEARCH "\${volumes[@]}" ${LAB_IMAGE} ${command}`;
        await using confined = await startExporter(guest, {
          flags: [
            `--docker.host=unix://${docker.socket}`,
            '--path.procfs=/host/proc',
            '--path.cgroupfs=/host/sys/fs/cgroup',
          ],
          script,
        });
        await untilJudged(guest, confined, Object.keys(CASES));
        const samples = await confined.scrape();
        // World-readable files are enough to detect the worst cases.
        expect(verdictOn(samples, 'privileged')).toMatchObject({ level: 0 });
        expect(samples.value('isolation_container_privileged', { container: 'privileged' })).toBe(1);
        // The profile only allows inspecting processes under the same profile.
        const name = 'apparmor-unconfined';
        expect(samples.value('isolation_container_host_namespace', { container: name, ns: 'net' })).toBeUndefined();
        expect(finding(samples, name, 'host_network_namespace')).toBeUndefined();
        expect(samples.value('isolation_container_isolation_level_certain', { container: name })).toBe(0);
        expect(samples.value('isolation_scrape_collector_success', { collector: 'posture' })).toBe(0);
        const remedies = (await confined.log()).filter(({ collector }) => collector === 'posture');
        expect(remedies).toMatchObject([{ level: 'warn', remedy: expect.stringContaining('AppArmor') }]);
      });
    },
  );
}
