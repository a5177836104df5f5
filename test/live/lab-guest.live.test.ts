import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB_IMAGE, startDocker } from '../lab/docker.ts';
import type { Docker } from '../lab/docker.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import { quote, succeed } from '../lab/machine.ts';
import type { Machine } from '../lab/machine.ts';

describeLong('the lab: the plain guest', ['guest', 'docker'], () => {
  let guest: Machine;
  beforeAll(async () => {
    guest = await sharedGuest('plain');
  });

  test('has cgroup v2 and nothing else', async () => {
    expect(await succeed(guest, 'stat -fc %T /sys/fs/cgroup')).toBe('cgroup2fs');
    expect(await succeed(guest, 'cat /sys/fs/cgroup/cgroup.controllers')).toContain('cpuset cpu io memory');
    expect(await succeed(guest, 'grep -c cgroup /proc/self/mountinfo')).toBe('1');
  });

  test('runs the same Node and sees this file', async () => {
    expect(await succeed(guest, 'node --version')).toBe(process.version);
    await succeed(guest, `test -s ${quote(import.meta.filename)}`);
  });

  test('tells output, errors and exit code apart, and any bytes of a script arrive', async () => {
    const outcome = await guest.run(`printf '%s' 'é "$x" \\'; echo warning >&2; exit 3`);
    expect(outcome).toEqual({ stdout: 'é "$x" \\', stderr: 'warning\n', code: 3 });
  });

  test('ends a job whose time is up, with what it started', async () => {
    const outcome = await guest.run('sleep 4711 & sleep 4711', { timeoutMs: 1000 });
    expect(outcome.code).toBe(124);
    expect((await guest.run('pgrep -f "sleep 4711"')).stdout).toBe('');
  });

  test('runs jobs beside each other and a daemon beside them', async () => {
    await using daemon = await guest.start('while :; do echo alive; sleep 1; done');
    const [first, second] = await Promise.all([guest.run('sleep 2; echo 1'), guest.run('echo 2')]);
    expect([first.stdout, second.stdout]).toEqual(['1\n', '2\n']);
    expect((await daemon.output()).stdout).toMatch(/^alive/);
    await daemon.stop();
    expect(await daemon.exitCode()).toBe(143);
  });

  describe('Docker', () => dockerOn(() => guest, 'cgroupfs'));
});

describeLong('the lab: the systemd guest', ['guest-systemd', 'docker'], () => {
  let guest: Machine;
  beforeAll(async () => {
    guest = await sharedGuest('systemd');
  });

  test('has systemd as PID 1, on cgroup v2', async () => {
    expect(await succeed(guest, 'cat /proc/1/comm')).toBe('systemd');
    expect(await succeed(guest, 'stat -fc %T /sys/fs/cgroup')).toBe('cgroup2fs');
    expect(await succeed(guest, 'systemctl is-system-running')).toBe('running');
  });

  describe('Docker', () => dockerOn(() => guest, 'systemd'));
});

function dockerOn(machine: () => Machine, cgroupDriver: 'cgroupfs' | 'systemd'): void {
  let docker: Docker;
  beforeAll(async () => {
    docker = await startDocker(machine(), { cgroupDriver });
  });
  afterAll(() => docker[Symbol.asyncDispose]());

  test('a limit shows in memory.max, and an OOM kill is counted', async () => {
    const script = 'tail /dev/zero; sleep 1000';
    const limits = '--network none --memory 16m --memory-swap 16m'.split(' ');
    const id = await docker.run(...limits, LAB_IMAGE, 'sh', '-c', script);
    const cgroup = `/sys/fs/cgroup${docker.cgroupOf(id)}`;
    expect(await succeed(machine(), `cat ${cgroup}/memory.max`)).toBe('16777216');
    await succeed(machine(), `until grep -q 'oom_kill [1-9]' ${cgroup}/memory.events; do sleep 1; done`);
    expect(await succeed(machine(), `cat ${cgroup}/memory.events`)).toContain('oom_kill 1\n');
    await docker.remove(id);
  });
}
