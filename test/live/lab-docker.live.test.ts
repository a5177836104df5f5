import { afterAll, beforeAll, expect, test } from 'vitest';
import { LAB_IMAGE, startDocker } from '../lab/docker.ts';
import type { Docker } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Machine, succeed } from '../lab/machine.ts';

describeLive('the lab: Docker on the host', ['docker'], () => {
  let docker: Docker;
  beforeAll(async () => {
    docker = await startDocker(host);
  });
  afterAll(() => docker[Symbol.asyncDispose]());

  test('a memory limit reaches the kernel', async () => {
    const id = await docker.run('--network', 'none', '--memory', '64m', LAB_IMAGE);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const path = docker.cgroupOf(id);
    const limit = await succeed(
      host,
      `cat /sys/fs/cgroup/memory${path}/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup${path}/memory.max`,
    );
    expect(limit).toBe('67108864');
    expect(await succeed(host, `cat /proc/${await docker.pidOf(id)}/cgroup`)).toContain(path);
    await docker.remove(id);
  });

  test('containers outlive a killed daemon and are known to the next one', async () => {
    const id = await docker.run('--network', 'none', LAB_IMAGE);
    const pid = await docker.pidOf(id);
    await docker.kill('SIGKILL');
    await succeed(host, `kill -0 ${pid}`);
    await docker.up();
    expect(await docker.pidOf(id)).toBe(pid);
    await docker.remove(id);
  });

  test('a stopped daemon hangs, and goes on', async () => {
    await docker.kill('SIGSTOP');
    const { code } = await host.run(`timeout 1 curl -s --unix-socket ${docker.socket} http://docker/version`);
    expect(code).toBe(124);
    await docker.kill('SIGCONT');
    expect(await docker.cli('ps', '-q')).toBe('');
  });
});

describeLive('the lab: Docker on a busy host', ['docker'], () => {
  test('a daemon that gave up on a slow containerd is started again', async () => {
    const directory = await succeed(
      host,
      `directory=$(mktemp -d)
      printf '#!/bin/sh\\ntest -e %s/once || { touch %s/once; for i in $(seq 600); do echo loading; sleep 0.1; done; }\\nexec %s "$@"\\n' \\
        "$directory" "$directory" "$(command -v containerd)" > "$directory/containerd"
      chmod +x "$directory/containerd"
      echo "$directory"`,
    );
    const busy: Machine = { ...host, start: (script) => host.start(`PATH=${directory}:$PATH\n${script}`) };
    const docker = await startDocker(busy);
    expect(await docker.log()).toContain('timeout waiting for containerd to start');
    expect(await docker.cli('images', '--quiet')).not.toBe('');
    await docker[Symbol.asyncDispose]();
    await succeed(host, `rm -r ${directory}`);
  });
});

describeLive('the lab: what Docker leaves', ['docker'], () => {
  test.for(['TERM', 'KILL', 'STOP'] as const)('nothing, after SIG%s', async (signal) => {
    const docker = await startDocker(host);
    await docker.createNetwork('inside');
    const id = await docker.run('--network', 'inside', LAB_IMAGE);
    expect(await succeed(host, BRIDGES)).toContain(docker.directory.slice(-6));
    if (signal !== 'TERM') await docker.kill(`SIG${signal}`);
    await docker[Symbol.asyncDispose]();
    const left = await host.run(
      `find /sys/fs/cgroup -name '*${id}*'; grep ${docker.directory} /proc/self/mountinfo; ls -d ${docker.directory}
      grep -lsa -- '[/]${docker.directory.slice(1)}/exec' /proc/[0-9]*/cmdline`,
    );
    expect(left.stdout).toBe('');
    expect(await succeed(host, BRIDGES)).not.toContain(docker.directory.slice(-6));
  });
});

const BRIDGES = 'ip -brief link show type bridge';
