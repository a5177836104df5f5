import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote, succeed } from '../lab/machine.ts';
import { within, words } from './docker-containers.ts';
import { type Expected, finding, untilJudged, verdictOn } from './levels.ts';

/** The options of each container, and the expected result. */
const CASES: Readonly<Record<string, { readonly flags: string; readonly expected: Expected }>> = {
  default: { flags: '--network none', expected: { level: 2, findings: [], sandbox: 'oci' } },
  'host-namespaces': {
    flags: '--network host --pid host --ipc host --uts host',
    expected: {
      level: 1,
      findings: ['host_ipc_namespace', 'host_network_namespace', 'host_pid_namespace', 'host_uts_namespace'],
      sandbox: 'oci',
    },
  },
  'host-pid-ptrace': {
    flags: '--network none --pid host --cap-add SYS_PTRACE',
    expected: {
      level: 0,
      findings: ['added_capability', 'host_pid_namespace', 'takeover_capability'],
      sandbox: 'oci',
    },
  },
  hardened: {
    flags: '--network none --cap-drop ALL --user 1000:1000 --security-opt no-new-privileges --read-only',
    expected: { level: 3, findings: [], sandbox: 'oci' },
  },
  socket: {
    flags: '--network none -v SOCKET:/var/run/docker.sock',
    expected: { level: 0, findings: ['engine_socket'], sandbox: 'oci' },
  },
  'socket-elsewhere': {
    flags: '--network none -v DIRECTORY:/elsewhere:ro',
    expected: { level: 0, findings: ['engine_socket'], sandbox: 'oci' },
  },
  'socket-hardened': {
    flags:
      '--network none --cap-drop ALL --user 1000:1000 --security-opt no-new-privileges -v SOCKET:/var/run/docker.sock',
    // The container's user may not connect to the socket, but the finding does not consider that for a default socket.
    expected: { level: 1, findings: ['engine_socket'], sandbox: 'oci' },
  },
  'seccomp-unconfined': {
    flags: '--network none --security-opt seccomp=unconfined',
    expected: { level: 1, findings: ['seccomp_disabled'], sandbox: 'oci' },
  },
  'proc-unmasked': {
    flags: '--network none --security-opt systempaths=unconfined',
    expected: { level: 1, findings: ['proc_unmasked'], sandbox: 'oci' },
  },
  'host-root': {
    flags: '--network none -v /:/host:ro',
    expected: {
      level: 0,
      findings: [
        'cgroup_writable',
        'critical_host_path_writable',
        'engine_socket',
        'host_root_mounted',
        'sensitive_path_mounted',
        'sys_writable',
      ],
      sandbox: 'oci',
    },
  },
  etc: {
    flags: '--network none -v /etc:/host-etc:ro',
    expected: { level: 1, findings: ['sensitive_path_mounted'], sandbox: 'oci' },
  },
  volume: {
    flags: '--network none -v lab-volume:/data -v DIRECTORY/plain:/plain:ro',
    expected: { level: 2, findings: [], sandbox: 'oci' },
  },
  shared: {
    flags: '--network none -v DIRECTORY/shared:/shared:shared',
    expected: { level: 1, findings: ['mount_propagation_to_host'], sandbox: 'oci' },
  },
  device: {
    flags: '--network none --device /dev/fuse',
    expected: { level: 2, findings: ['added_devices'], sandbox: 'oci' },
  },
};

describeLive('the isolation of containers on the host', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;

  beforeAll(async () => {
    docker = await startDocker(host);
    await succeed(
      host,
      `cd ${docker.directory} && mkdir plain shared && mount --bind shared shared && mount --make-shared shared`,
    );
    for (const [name, { flags }] of Object.entries(CASES)) {
      const own = flags.replaceAll('SOCKET', docker.socket).replaceAll('DIRECTORY', docker.directory);
      await docker.run('--name', name, ...words(own), LAB_IMAGE);
    }
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilJudged(host, exporter, Object.keys(CASES));
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await host.run(`umount ${quote(`${docker?.directory}/shared`)}`);
    await docker?.[Symbol.asyncDispose]();
  });

  test.each(Object.entries(CASES))('%s', async (name, { expected }) => {
    expect(verdictOn(await exporter.scrape(), name)).toEqual(expected);
  });

  test('what is started in a container beside its init counts while it runs, and only then', async () => {
    const before = verdictOn(await exporter.scrape(), 'hardened');
    expect(before.level).toBe(3);
    await docker.cli('exec', '-d', '--user', '0:0', 'hardened', 'sleep', '1001');
    await within(
      host,
      'root shows',
      async () => finding(await exporter.scrape(), 'hardened', 'root_process_beside_user') === 1,
    );
    const during = await exporter.scrape();
    expect(finding(during, 'hardened', 'runs_as_root')).toBe(1);
    expect(verdictOn(during, 'hardened').level).toBe(2);
    await succeed(host, `kill -KILL $(pgrep -f '^sleep 1001$')`);
    await within(
      host,
      'it is over',
      async () => finding(await exporter.scrape(), 'hardened', 'root_process_beside_user') === 0,
    );
    expect(verdictOn(await exporter.scrape(), 'hardened')).toEqual(before);
  });

  test('a process that escapes to the host is found', async () => {
    const pid = await docker.pidOf(await docker.cli('inspect', '--format', '{{.Id}}', 'default'));
    // Imitates an escape: a process in the container's cgroup that is in the host's mount namespace.
    const script = `
      for at in $(awk -F: '$2 == "pids" || $3 == "/" { next } 1' /dev/null; findmnt -rno TARGET -t cgroup,cgroup2); do
        path=$(awk -F: -v at="$at" '{ print $3; exit }' /proc/${pid}/cgroup)
        [ -e "$at$path/cgroup.procs" ] && echo $$ > "$at$path/cgroup.procs"
      done
      exec sleep 1002`;
    const start = (found: Samples) => found.value('isolation_container_start_time_seconds', { container: 'default' });
    await using escaped = await host.start(script);
    await within(host, 'it shows', async () => finding(await exporter.scrape(), 'default', 'process_escaped') === 1);
    const samples = await exporter.scrape();
    expect(samples.value('isolation_container_escaped_processes', { container: 'default' })).toBe(1);
    expect(verdictOn(samples, 'default').level).toBe(0);
    // After the restart, the escaped process is older than the container, and must not count as its init.
    await docker.cli('restart', '--time', '0', 'default');
    await within(host, 'the new one shows', async () => {
      const found = await exporter.scrape();
      return finding(found, 'default', 'process_escaped') === 1 && (start(found) ?? 0) > (start(samples) ?? Infinity);
    });
    expect(finding(await exporter.scrape(), 'default', 'host_pid_namespace')).toBe(0);
    await escaped.stop();
    await within(host, 'it is over', async () => finding(await exporter.scrape(), 'default', 'process_escaped') === 0);
    expect(verdictOn(await exporter.scrape(), 'default').level).toBe(2);
  });
});
