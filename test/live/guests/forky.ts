import { mkdtempSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LAB_IMAGE } from '../../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../../lab/exporter.ts';
import { bootGuest, type Guest } from '../../lab/guest.ts';
import { describeIfEarly, describeLong } from '../../lab/live.ts';
import { quote } from '../../lab/machine.ts';
import { MAKE_BUNDLE } from '../bundle.ts';
import { within } from '../docker-containers.ts';
import { AS_UNIT, expectAsListed, expectLimitsOfKernel } from '../forky-checks.ts';
import { DockerAndPodman, type Listed, slowly } from '../forky-engines.ts';
import { untilJudged, verdictOn } from '../levels.ts';

/** What the engines' defaults leave open everywhere. */
const DEFAULTS = [
  'capabilities_kept',
  'host_user_namespace',
  'new_privileges_allowed',
  'root_file_system_writable',
  'runs_as_root',
];

/** What a user leaves open who sets no limits. */
const UNLIMITED = ['cpu_unlimited', 'memory_unlimited'];

/** The engines of today on the kernel of today. */
export function describeForky(): void {
  describeIfEarly('Docker and Podman of Debian forky', ['guest-forky'], () => {
    let machine: Guest;
    let engines: DockerAndPodman;
    let exporter: Exporter;
    let listed: readonly Listed[];
    let samples: Samples;

    beforeAll(async () => {
      // Not below a long TMPDIR: it contains sockets.
      const directory = mkdtempSync('/tmp/isolation-exporter-guest-');
      machine = await bootGuest({ flavour: 'forky', directory, owner: process.pid });
      engines = await DockerAndPodman.start(machine);
      listed = await engines.listed();
      exporter = await startExporter(machine, { flags: sockets(), script: AS_UNIT });
      const names = listed.map(({ container }) => container);
      await untilJudged(machine, exporter, names);
      samples = await exporter.scrape();
    });
    // The guest ends with everything in it, which is faster than to remove it.
    afterAll(() => machine?.[Symbol.asyncDispose]());

    const sockets = (): readonly string[] => [
      `--docker.host=unix://${engines.docker.socket}`,
      `--podman.host=unix://${engines.podmanSocket}`,
    ];
    const script = (text: string): Promise<string> => slowly(machine, text);

    test('it is kernel 7.2 with systemd 262 and the engines of today', async () => {
      const versions =
        await script(`uname -r; systemctl --version | head -n 1; ${engines.docker.client} version --format '{{.Server.Version}}'
      podman --version; crun --version | head -n 1; stat -fc %T /sys/fs/cgroup`);
      expect(versions).toMatch(
        /^7\.\d+[^]*^systemd 26\d[^]*^28\.[^]*^podman version 5\.[^]*^crun version 1\.[^]*^cgroup2fs$/m,
      );
    });

    test('their lists and ours are the same, with names, images and runtimes', () => {
      expect(listed).toHaveLength(4);
      expectAsListed(samples, listed);
      for (const source of ['docker', 'podman'])
        expect(samples.value('isolation_containers_without_cgroup', { source }), source).toBe(0);
    });

    test('limits are the lowest from the cgroup of the process to that of the container', async () => {
      const shown = await expectLimitsOfKernel(machine, samples);
      const [memory, pids, cores] = [67_108_864, 50, 0.5];
      expect(shown['docker-limited']).toEqual([memory, 33_554_432, pids, cores]);
      expect(shown['podman-limited']).toEqual([memory, 0, pids, cores]);
    });

    test.each([
      ['docker-plain', 'docker', [...DEFAULTS, ...UNLIMITED, 'net_raw']],
      ['docker-limited', 'docker', [...DEFAULTS, 'net_raw']],
      ['podman-plain', 'podman', [...DEFAULTS, ...UNLIMITED]],
      ['podman-limited', 'podman', DEFAULTS],
    ])(
      '%s has level 2, and only findings about what its engine leaves open by default',
      (container, engine, expected) => {
        expect(verdictOn(samples, container, engine)).toMatchObject({ level: 2, sandbox: 'oci' });
        const findings = samples.all
          .filter(({ name, labels }) => name === 'isolation_container_finding' && labels['container'] === container)
          .map(({ labels }) => labels['finding'] ?? '');
        expect(findings.toSorted()).toEqual(expected.toSorted());
      },
    );

    describeLong('in full', [], () => {
      test('diagnose finds nothing wrong', async () => {
        const words = ['diagnose', '--output=json', ...sockets(), '--cri.endpoint='];
        const command = AS_UNIT(quote(process.execPath, 'dist/cli.js', ...words));
        const text = await script(`cd ${quote(process.cwd())}; (${command}) || test $? = 1`);
        const { checks } = JSON.parse(text) as { readonly checks: readonly { readonly status: string }[] };
        expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
      });

      test.each(['runc', 'crun'])('a container that %s has detached is found without an engine', async (runtime) => {
        const container = `alone-${runtime}`;
        // The state is root's.
        const found = await script(`bundle=$(${MAKE_BUNDLE})
      cd $bundle
      ${runtime} run --detach ${container} < /dev/null > /dev/null 2>&1
      cd ${quote(process.cwd())}
      ${quote(process.execPath)} dist/cli.js scan --output=json || test $? = 1
      ${runtime} delete --force ${container}`);
        const { containers } = JSON.parse(found) as {
          readonly containers: readonly { readonly engine: string; readonly container: string }[];
        };
        expect(containers).toContainEqual(expect.objectContaining({ engine: runtime, container }));
      });

      test.each(['runc', 'crun'])('an OOM kill of a group is one event under %s', async (runtime) => {
        const container = `group-${runtime}`;
        const flags = [
          '--runtime',
          runtime,
          '--name',
          container,
          '--network',
          'none',
          '-m',
          '32m',
          '--memory-swap',
          '32m',
        ];
        const command = 'sleep 1000000 & sleep 1000000 & sleep 1000000 & wait';
        const id = await engines.docker.run(...flags, LAB_IMAGE, 'sh', '-c', command);
        const of = { container };
        const value = async (name: string) => (await exporter.scrape()).value(`isolation_container_${name}`, of);
        await within(machine, container, async () => (await value('oom_kills_total')) === 0);
        const kills = () => script('awk \'$1 == "oom_kill" { print $2 }\' /proc/vmstat');
        const before = Number(await kills());
        await script(`scope=/sys/fs/cgroup${engines.docker.cgroupOf(id)}
      for group in $(find $scope -name memory.oom.group); do echo 1 > $group; done
      ${engines.docker.client} exec ${container} tail /dev/zero || true
      until [ "$(${engines.docker.client} inspect -f '{{.State.Running}}' ${container})" = false ]; do sleep 1; done`);
        await within(machine, 'the event', async () => (await value('oom_events_total')) === 1);
        // The kernel counts the process that it chose twice, and leaves out those that already exit because the first process is dead.
        const killed = Number(await kills()) - before;
        expect(killed).toBeGreaterThanOrEqual(2);
        expect(killed).toBeLessThanOrEqual(6);
        await within(machine, 'all kills', async () => (await value('oom_kills_total')) === killed);
        expect(await value('oom_events_total')).toBe(1);
        expect((await exporter.scrape()).value('isolation_oom_kills_unattributed_total')).toBe(0);
        await engines.docker.remove(id);
      });

      test.each(['runc', 'crun'])('forks that its limit refuses are counted under %s', async (runtime) => {
        const container = `forks-${runtime}`;
        const flags = ['--runtime', runtime, '--name', container, '--network', 'none', '--pids-limit', '30'];
        const id = await engines.docker.run(...flags, LAB_IMAGE);
        const forks = 'i=0; while [ $i -lt 40 ]; do sleep 1000000 & i=$((i+1)); done';
        await script(`${engines.docker.client} exec ${container} sh -c '${forks}' || true`);
        const scope = `/sys/fs/cgroup${engines.docker.cgroupOf(id)}`;
        const refused = async () =>
          Number(
            await script(
              `find ${scope} -name pids.events.local -exec awk '$1 == "max" { sum += $2 } END { print sum }' {} +`,
            ),
          );
        await within(machine, 'refused forks', async () => (await refused()) > 0);
        const shown = async () =>
          (await exporter.scrape()).all
            .filter(({ name, labels }) => name.endsWith('_pids_limit_hits_total') && labels['container'] === container)
            .reduce((sum, { value }) => sum + value, 0);
        await within(machine, 'hits', async () => (await shown()) === (await refused()));
        await engines.docker.remove(id);
      });
    });
  });
}
