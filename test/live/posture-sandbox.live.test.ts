import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { words } from './docker-containers.ts';
import { untilJudged, verdictOn } from './levels.ts';
import { removeCgroups } from '../lab/remains.ts';

/** A bash that can give a program any name, and a program that ignores its name. */
const WITH_BASH = (client: string): string => `
  files=$(ldd /bin/bash /bin/sleep | grep -o '/[^ ]*' | grep -v ':$' | sort -u)
  tar -c -h -C / /bin/bash /bin/sleep $files 2>/dev/null | ${client} import - bash:1`;

describeLive('gVisor, and what only says that it is', ['gvisor'], () => {
  let docker: Docker;
  let exporter: Exporter;

  beforeAll(async () => {
    const wrapper = await succeed(
      host,
      `at=$(mktemp -d /tmp/isolation-exporter-runsc-XXXXXX)
      for network in none host; do
        # In the cgroup that Docker gave it: only there it is found.
        printf '#!/bin/sh\\nexec /usr/bin/runsc --platform=ptrace --network=%s "$@"\\n' $network > $at/$network
        chmod +x $at/$network
      done
      echo $at`,
    );
    docker = await startDocker(host, {
      flags: ['--add-runtime', `gvisor=${wrapper}/none`, '--add-runtime', `gvisor-host=${wrapper}/host`],
    });
    await succeed(host, WITH_BASH(docker.client));
    const start = (name: string, flags: string, ...command: readonly string[]) =>
      docker.run('--name', name, ...words(flags), ...command);
    await start('gvisor', '--network none --runtime gvisor', LAB_IMAGE);
    await start('plain', '--network none', LAB_IMAGE);
    const pretend = ['-c', 'exec -a runsc-sandbox sleep 1000000'];
    await start('pretender', '--network none --entrypoint /bin/bash', 'bash:1', ...pretend);
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilJudged(host, exporter, ['gvisor', 'plain', 'pretender']);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
    await succeed(host, 'rm -rf /tmp/isolation-exporter-runsc-*');
  });

  test('gVisor has a level of its own, and its processes on the host are not taken for the workload', async () => {
    const samples = await exporter.scrape();
    expect(verdictOn(samples, 'gvisor')).toEqual({ level: 4, findings: [], sandbox: 'gvisor' });
    const about = samples.all.filter(({ labels }) => labels['container'] === 'gvisor').map(({ name }) => name);
    expect(about).not.toContain('isolation_container_privileged');
    expect(about).not.toContain('isolation_container_capability');
    expect(about).not.toContain('isolation_container_host_namespace');
  });

  test('a container that calls its process runsc-sandbox gets no better level by it', async () => {
    const samples = await exporter.scrape();
    expect(verdictOn(samples, 'pretender')).toEqual(verdictOn(samples, 'plain'));
    expect(verdictOn(samples, 'pretender')).toEqual({ level: 2, findings: [], sandbox: 'oci' });
  });
});

describeLive('a virtual machine in a cgroup of Kata', ['guest'], () => {
  const id = 'ab'.repeat(32);
  const parent = `isolation-exporter-${process.pid}`;
  // A path like those of Kata, but below a parent of its own.
  const path = `/${parent}/kubepods/pod3a864680-ceaf-4acd-83fd-20a4d542b651/kata_${id}`;

  test('is known by its program; without KVM it is worth less, and what only has its name nothing', async () => {
    const inCgroup = `
      for at in $(findmnt -rno TARGET -t cgroup,cgroup2 | grep ^/sys/fs/cgroup); do
        mkdir -p "$at${path}"
        for cpuset in "/${parent}" "/${parent}/kubepods" "/${parent}/kubepods/pod3a864680-ceaf-4acd-83fd-20a4d542b651" "${path}"; do
          [ -e "$at/cpuset.cpus" ] && cat "$at/cpuset.cpus" > "$at$cpuset/cpuset.cpus" && cat "$at/cpuset.mems" > "$at$cpuset/cpuset.mems"
        done
        echo $$ > "$at${path}/cgroup.procs"
      done 2>/dev/null`;
    const qemu = `exec qemu-system-x86_64 -name sandbox-${id} -M q35 -accel tcg -display none -nodefaults -S`;
    try {
      await using machine = await host.start(`${inCgroup}\n${qemu}`);
      await using exporter = await startExporter(host, { flags: ['--docker.host='] });
      expect(await machine.exitCode(), (await machine.output()).stderr).toBeUndefined();
      await untilJudged(host, exporter, [id.slice(0, 12)]);
      expect(verdictOn(await exporter.scrape(), id.slice(0, 12), 'kata')).toEqual({
        level: 3,
        findings: ['sandbox_weakened'],
        sandbox: 'kata',
      });
      await machine.stop();
      await using pretender = await host.start(`${inCgroup}\nexec -a qemu-system-x86_64 sleep 1000`);
      await using again = await startExporter(host, { flags: ['--docker.host='] });
      await untilJudged(host, again, [id.slice(0, 12)]);
      const verdict = verdictOn(await again.scrape(), id.slice(0, 12), 'kata');
      expect(verdict.level).toBe(0);
      expect(verdict.sandbox).toBe('oci');
      await pretender.stop();
    } finally {
      await removeCgroups(host, parent);
    }
  });
});
