import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, startDocker } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, quote } from '../lab/machine.ts';
import { runContainers } from './docker-containers.ts';
import { inContainer } from './in-container.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** All options that the exporter needs in a container. */
const RIGHT =
  '--pid host --cap-drop ALL --cap-add SYS_PTRACE --cap-add SYSLOG --security-opt apparmor=unconfined ' +
  '--device /dev/kmsg:/dev/kmsg:r -v /sys/fs/cgroup:/host/sys/fs/cgroup:ro';
const MOUNTED = '--path.cgroupfs=/host/sys/fs/cgroup';

/** The result of a check. */
interface Said {
  readonly status: string;
  readonly message: string;
  readonly docker: string | undefined;
}

describeLive('diagnose in a container of Docker', ['docker'], () => {
  const run = diagnosesOn(async () => host);

  // All required options except one.
  test.each([
    ['--pid host', 'pid namespace', '--pid host'],
    ['--cap-add SYS_PTRACE', 'capabilities', '--cap-add SYS_PTRACE'],
    ['--device /dev/kmsg:/dev/kmsg:r', 'kernel log', '--device /dev/kmsg:/dev/kmsg:r'],
  ])('without %s names it', async (missing, check, remedy) => {
    const { code, checks } = await run(RIGHT.replace(missing, ''), MOUNTED);
    expect(code).toBe(1);
    expect(checks[check]).toMatchObject({ status: 'failed', docker: remedy });
  });

  test('reports the device cgroup if /dev/kmsg is mounted as a file only', async () => {
    const flags = RIGHT.replace('--device /dev/kmsg:/dev/kmsg:r', '-v /dev/kmsg:/dev/kmsg:ro');
    const { checks } = await run(flags, MOUNTED);
    expect(checks['kernel log']).toMatchObject({ status: 'failed', message: 'the device cgroup denies /dev/kmsg' });
  });

  test('as another user names the user', async () => {
    const { checks } = await run(`--user 65534:65534 ${RIGHT}`, MOUNTED);
    expect(checks['capabilities']).toMatchObject({ status: 'failed', docker: '--user 0:0 --cap-add SYS_PTRACE' });
    expect(checks['containers']?.message).toMatch(/cannot be inspected \(.*EACCES/);
  });
});

describeLong(
  'diagnose in a container of Docker with systemd, AppArmor and cgroup v2',
  ['guest-systemd', 'docker'],
  () => {
    const run = diagnosesOn(() => sharedGuest('systemd'), { cgroupDriver: 'systemd' });

    test("reports that AppArmor's default profile denies what the capability allows", async () => {
      const { code, checks } = await run(RIGHT.replace('--security-opt apparmor=unconfined', ''), MOUNTED);
      expect(code).toBe(1);
      expect(checks['apparmor']).toMatchObject({
        status: 'failed',
        message: expect.stringContaining('docker-default (enforce)'),
        docker: '--security-opt apparmor=unconfined',
      });
      expect(checks['capabilities']).toMatchObject({ status: 'ok' });
    });
  },
);

/** Runs `diagnose` in a container with flags of `docker run`. */
type Run = (
  flags: string,
  ...argv: readonly string[]
) => Promise<{
  readonly code: number;
  readonly deployment: string;
  readonly checks: Readonly<Record<string, Said>>;
}>;

/** Checks what holds on every machine. Returns facts for further tests of that machine. */
function diagnosesOn(machineOf: () => Promise<Machine>, options: { readonly cgroupDriver?: 'systemd' } = {}): Run {
  let docker: Docker;
  let machine: Machine;

  beforeAll(async () => {
    machine = await machineOf();
    docker = await startDocker(machine, options);
    await runContainers(docker);
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
  });

  const run: Run = async (flags, ...argv) => {
    const engines = [`--docker.host=unix://${docker.socket}`, '--podman.host=', '--cri.endpoint='];
    const command = quote(process.execPath, PROGRAM, 'diagnose', '--output=json', ...engines, ...argv);
    const script = inContainer(docker, { flags: `--network none ${flags}`, command });
    const { stdout, stderr, code } = await machine.run(script, { timeoutMs: 60_000 * machine.slowness });
    expect(stdout, stderr).toMatch(/^\{/);
    const diagnosis: {
      readonly deployment: string;
      readonly checks: readonly (Said & { name: string; remedies?: { docker: string } })[];
    } = JSON.parse(stdout);
    const checks = diagnosis.checks.map(({ name, status, message, remedies }): [string, Said] => [
      name,
      { status, message, docker: remedies?.docker },
    ]);
    return { code, deployment: diagnosis.deployment, checks: Object.fromEntries(checks) };
  };

  test('under the default options names those that are missing', async () => {
    const { code, deployment, checks } = await run('');
    expect({ code, deployment }).toEqual({ code: 1, deployment: 'docker' });
    expect(checks['capabilities']).toMatchObject({ status: 'failed', docker: '--cap-add SYS_PTRACE' });
    expect(checks['pid namespace']).toMatchObject({ status: 'failed', docker: '--pid host' });
    expect(checks['cgroup tree']).toMatchObject({
      status: 'failed',
      docker: expect.stringContaining('/sys/fs/cgroup'),
    });
    expect(checks['kernel log']).toMatchObject({
      status: 'failed',
      message: '/dev/kmsg does not exist',
      docker: '--device /dev/kmsg:/dev/kmsg:r',
    });
    expect(checks['docker']).toMatchObject({
      status: 'note',
      message: expect.stringMatching(
        /; it lists \d without a cgroup here, which the exporter cannot see: .*\blimited\b/,
      ),
    });
  });

  test('with the right options has nothing to say', async () => {
    const { code, checks } = await run(RIGHT, MOUNTED);
    expect(Object.entries(checks).filter(([, { status }]) => status !== 'ok' && status !== 'note')).toEqual([]);
    expect(code).toBe(0);
    // The exporter's own container counts, too.
    expect(checks['containers']?.message).toBe('4 found: 4 docker');
  });
  return run;
}
