import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LAB_IMAGE } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, quote } from '../lab/machine.ts';
import { within } from './docker-containers.ts';
import { ForkyEngines, type Listed } from './forky-engines.ts';
import { untilJudged, verdictOn } from './levels.ts';

vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 3_600_000 });

/** What the engines' defaults leave open everywhere. `memory_unlimited` and `cpu_unlimited` are the user's choice. */
const DEFAULTS = [
  'capabilities_kept',
  'cpu_unlimited',
  'host_user_namespace',
  'memory_unlimited',
  'new_privileges_allowed',
  'root_file_system_writable',
  'runs_as_root',
];

/** As the unit runs it: another user with two capabilities, and the group of the sockets. */
const AS_UNIT = (command: string): string => `caps=-all,+sys_ptrace,+syslog
  exec setpriv --reuid=65534 --regid=65534 --groups=$(getent group docker | cut -d: -f3) --no-new-privs \\
    --inh-caps=$caps --ambient-caps=$caps --bounding-set=$caps ${command}`;

const socketsOf = ({ docker, podmanSocket }: ForkyEngines): readonly string[] => [
  `--docker.host=unix://${docker.socket}`,
  `--podman.host=unix://${podmanSocket}`,
];

describeLong('the engines of Debian forky', ['guest-forky'], () => {
  let machine: Machine;
  let engines: ForkyEngines;
  let exporter: Exporter;
  let listed: readonly Listed[];
  let samples: Samples;

  beforeAll(async () => {
    machine = await sharedGuest('forky');
    engines = await ForkyEngines.start(machine);
    listed = await engines.listed();
    exporter = await startExporter(machine, {
      flags: socketsOf(engines),
      script: AS_UNIT,
    });
    await untilJudged(
      machine,
      exporter,
      listed.map(({ container }) => container),
    );
    samples = await exporter.scrape();
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await engines?.[Symbol.asyncDispose]();
  });

  const findingsOf = (container: string) =>
    samples.all
      .filter(({ name, labels }) => name === 'isolation_container_finding' && labels['container'] === container)
      .map(({ labels }) => labels['finding'] ?? '')
      .toSorted();

  test('it is kernel 7.2 with systemd 262 and the engines of today', async () => {
    const versions =
      await engines.script(`uname -r; systemctl --version | head -n 1; ${engines.docker.client} version --format '{{.Server.Version}}'
      podman --version; containerd --version; crun --version | head -n 1; stat -fc %T /sys/fs/cgroup`);
    expect(versions).toMatch(
      /^7\.\d+[^]*^systemd 26\d[^]*^28\.[^]*^podman version 5\.[^]*containerd.* 2\.[^]*^crun version 1\.[^]*^cgroup2fs$/m,
    );
  });

  test('their lists and ours are the same, with names, images and runtimes', () => {
    const ours = samples.all
      .filter(({ name }) => name === 'isolation_container_info')
      .map(({ labels: { engine, container, id, image, runtime } }) => ({ engine, container, id, image, runtime }));
    const byName = (a: { readonly container?: string | undefined }, b: { readonly container?: string | undefined }) =>
      (a.container ?? '').localeCompare(b.container ?? '');
    expect(listed).toHaveLength(18);
    expect(ours.toSorted(byName)).toEqual(listed.toSorted(byName));
    for (const source of ['docker', 'podman'])
      expect(samples.value('isolation_containers_without_cgroup', { source }), source).toBe(0);
  });

  test('diagnose finds nothing wrong', async () => {
    const words = ['diagnose', '--output=json', ...socketsOf(engines), '--cri.endpoint='];
    const command = AS_UNIT(quote(process.execPath, 'dist/cli.js', ...words));
    const text = await engines.script(`cd ${quote(process.cwd())}; (${command}) || test $? = 1`);
    const { checks } = JSON.parse(text) as { readonly checks: readonly { readonly status: string }[] };
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
  });

  test('limits are the lowest from the cgroup of the process to that of the container', async () => {
    const all = samples.all.filter(({ name }) => name === 'isolation_container_info');
    const lowest = await lowestLimits(all.map(({ labels: { cgroup = '' } }) => cgroup));
    const limitsOf = (container: string) =>
      ['memory_limit_bytes', 'memory_swap_limit_bytes', 'pids_limit', 'cpu_limit_cores'].map(
        (limit) => samples.value(`isolation_container_${limit}`, { container }) ?? 'max',
      );
    const shown = Object.fromEntries(all.map(({ labels: { container = '' } }) => [container, limitsOf(container)]));
    expect(shown).toEqual(
      Object.fromEntries(all.map(({ labels: { container = '' } }, index) => [container, lowest[index]])),
    );
    const asked = [67_108_864, 33_554_432, 50, 0.5];
    expect([shown['docker-runc-limited'], shown['docker-crun-limited'], shown['podman-limited']]).toEqual([
      asked,
      asked,
      asked,
    ]);
    expect(shown['podman-no-swap']?.slice(0, 2)).toEqual([67_108_864, 0]);
    expect(shown['ctr-limited']).toEqual([67_108_864, 'max', 'max', 0.5]);
  });

  /** Memory, swap, pids and CPUs of each cgroup: the lowest from the first process's cgroup upwards. */
  async function lowestLimits(cgroups: readonly string[]): Promise<readonly (number | 'max')[][]> {
    const lines = await engines.script(`cd /sys/fs/cgroup
      for cgroup in ${cgroups.join(' ')}; do
        echo "= $cgroup"
        inner=$(find ".$cgroup" -name cgroup.procs -exec grep -q . {} \\; -printf '%h\\n' -quit)
        until [ "$inner" = ".\${cgroup%/*}" ]; do
          for file in memory.max memory.swap.max pids.max cpu.max; do echo "$file $(cat $inner/$file 2>/dev/null || echo max)"; done
          inner=\${inner%/*}
        done
      done`);
    return lines
      .split(/^= .*\n/m)
      .slice(1)
      .map((block) =>
        ['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map((file) => {
          const values = [...block.matchAll(new RegExp(`^${file} (\\d+)(?: (\\d+))?$`, 'gm'))];
          const numbers = values.map(([, quota, period]) => Number(quota) / Number(period ?? 1));
          return numbers.length === 0 ? 'max' : Math.min(...numbers);
        }),
      );
  }

  test.each([
    ['docker-runc', 'docker', 2, [...DEFAULTS, 'net_raw'].toSorted()],
    ['docker-crun', 'docker', 2, [...DEFAULTS, 'net_raw'].toSorted()],
    ['podman-plain', 'podman', 2, DEFAULTS],
  ])('%s only has findings about what its engine leaves open by default', (container, engine, level, findings) => {
    expect(verdictOn(samples, container, engine)).toMatchObject({ level, sandbox: 'oci' });
    expect(findingsOf(container)).toEqual(findings);
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
    expect(findingsOf(container).filter((finding) => /mount|host_path|socket|device/.test(finding))).toEqual([]);
  });

  test.each(['runc', 'crun'])('an OOM kill of a group is one event under %s', async (runtime) => {
    const container = `group-${runtime}`;
    const flags = ['--runtime', runtime, '--name', container, '--network', 'none', '-m', '32m', '--memory-swap', '32m'];
    const command = 'sleep 1000000 & sleep 1000000 & sleep 1000000 & wait';
    const id = await engines.docker.run(...flags, LAB_IMAGE, 'sh', '-c', command);
    const of = { container };
    const value = async (name: string) => (await exporter.scrape()).value(`isolation_container_${name}`, of);
    await within(machine, container, async () => (await value('oom_kills_total')) === 0);
    const kills = () => engines.script('awk \'$1 == "oom_kill" { print $2 }\' /proc/vmstat');
    const before = Number(await kills());
    await engines.script(`scope=/sys/fs/cgroup${engines.docker.cgroupOf(id)}
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
    await engines.script(`${engines.docker.client} exec ${container} sh -c '${forks}' || true`);
    const scope = `/sys/fs/cgroup${engines.docker.cgroupOf(id)}`;
    const refused = async () =>
      Number(
        await engines.script(
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
