import { afterAll, beforeAll, expect, test } from 'vitest';
import { startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Background, eventually, succeed } from '../lab/machine.ts';
import { untilShown, within } from './docker-containers.ts';
import { removeCgroups, removeDirectory } from '../lab/remains.ts';

// The suite needs Docker for its busybox.
describeLive('Podman', ['podman', 'docker'], () => {
  const name = `isolation-exporter-${process.pid}`;
  let directory: string;
  let podman: string | undefined;
  let service: Background | undefined;
  let id = '';

  beforeAll(async () => {
    directory = await succeed(host, 'mktemp -d /tmp/isolation-exporter-podman-XXXXXX');
    // It uses cgroupfs and runc: other drivers need systemd, and crun does not support hybrid hosts.
    podman = `podman --runtime runc --root ${directory}/root --runroot ${directory}/run --tmpdir ${directory}/tmp --cgroup-manager cgroupfs --storage-driver overlay`;
    await succeed(
      host,
      `set -e -o pipefail
      mkdir -p ${directory}/image/bin
      cp /bin/busybox ${directory}/image/bin/
      for applet in sleep tail; do ln -s busybox ${directory}/image/bin/$applet; done
      tar -C ${directory}/image -c . | ${podman} import -q - lab:1`,
    );
    // Without limits of its own, Podman tries to raise them, and root here may lack that privilege.
    const flags = `--network none --memory 64m --ulimit nofile=1024:1024 --ulimit nproc=1000:1000`;
    id = await succeed(host, `${podman} run -d --name ${name} ${flags} lab:1 /bin/sleep 1000000`);
  });
  afterAll(async () => {
    await service?.stop();
    if (podman !== undefined) await host.run(`${podman} rm --force --all --time 0`);
    if (id !== '') await removeCgroups(host, `libpod-${id}`);
    if (directory !== undefined) await removeDirectory(host, directory);
  });

  test('a container is found and named without its API', async () => {
    await using exporter = await startExporter(host, { flags: ['--docker.host=', '--podman.host='] });
    await untilShown(host, exporter, [id]);
    const samples = await exporter.scrape();
    const labels = { engine: 'podman', container: name };
    expect(samples.labels('isolation_container_info', labels)?.get('id')).toBe(id);
    expect(samples.labels('isolation_container_info', labels)?.get('runtime')).toBe('runc');
    expect(samples.value('isolation_source_up', { source: 'conmon' })).toBe(1);
    expect(samples.value('isolation_container_memory_own_limit_bytes', labels)).toBe(67_108_864);
    expect(samples.value('isolation_container_host_namespace', { ...labels, ns: 'pid' })).toBe(0);
  });

  test('and is named by it', async () => {
    const socket = `${directory}/podman.sock`;
    service = await host.start(`exec ${podman} system service --time 0 unix://${socket}`);
    const ping = `curl -sS --fail --unix-socket ${socket} http://podman/_ping`;
    await eventually('the API answers', () => succeed(host, ping), { timeoutMs: 30_000 });
    await using exporter = await startExporter(host, { flags: ['--docker.host=', `--podman.host=unix://${socket}`] });
    const info = async () => (await exporter.scrape()).labels('isolation_container_info', { id });
    await within(host, 'the name', async () => (await info())?.get('container') === name);
    expect((await info())?.get('engine')).toBe('podman');
    expect((await info())?.get('image')).toBe('localhost/lab:1');
    expect((await exporter.scrape()).value('isolation_source_up', { source: 'podman' })).toBe(1);
  });

  test('a container that was killed and removed while no exporter ran has its name', async () => {
    const container = `${name}-brief`;
    const flags = '--rm --network none --memory 8m --memory-swap 8m --ulimit nofile=1024:1024 --ulimit nproc=1000:1000';
    // After more than ten kills in five seconds, even by other suites, the kernel reports the next kills without their
    // cgroup.
    await succeed(host, 'sleep 6');
    // conmon leaves an empty file named `oom` in the working directory.
    await succeed(host, `cd ${directory} && ! ${podman} run --name ${container} ${flags} lab:1 /bin/tail /dev/zero`);
    const socket = `unix://${directory}/podman.sock`;
    await using exporter = await startExporter(host, { flags: ['--docker.host=', `--podman.host=${socket}`] });
    const kills = async () =>
      (await exporter.scrape()).value('isolation_container_oom_kills_total', { engine: 'podman', container });
    await within(host, 'the kill under its name', async () => (await kills()) === 1);
    const logged = (await exporter.log()).filter(({ msg }) => msg === 'OOM kill').map((line) => line['container']);
    expect(logged).toContain(container);
  });
});
