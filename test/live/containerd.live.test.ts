import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Background, eventually, succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';
import { removeCgroups, removeDirectory } from '../lab/remains.ts';

/** The package of Docker includes containerd. */
describeLive('containerd without Docker', ['docker'], () => {
  // Neither name looks like an id, so the path alone does not reveal a container.
  const namespace = `isolation-exporter-${process.pid}`;
  const id = 'my_web.shop-1';
  let directory: string;
  let containerd: Background;
  let exporter: Exporter;
  let ctr: string;

  beforeAll(async () => {
    directory = await succeed(host, 'mktemp -d /tmp/isolation-exporter-containerd-XXXXXX');
    ctr = `ctr --address ${directory}/containerd.sock --namespace ${namespace}`;
    await succeed(
      host,
      `set -e
      mkdir -p ${directory}/image/bin
      cp /bin/busybox ${directory}/image/bin/
      cat > ${directory}/config.toml <<'END'
version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${directory}/containerd.sock"
END`,
    );
    containerd = await host.start(`exec containerd --config ${directory}/config.toml`);
    await eventually('containerd answers', () => succeed(host, `${ctr} version`), { timeoutMs: 30_000 });
    exporter = await startExporter(host, { flags: ['--docker.host='] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await host.run(`${ctr} tasks kill --signal KILL ${id}`);
    await containerd?.stop();
    await removeCgroups(host, namespace);
    if (directory !== undefined) await removeDirectory(host, directory);
  });

  const infoOf = async () => (await exporter.scrape()).labels('isolation_container_info', { id });

  test('a container with an id of any form is found by it', async () => {
    await succeed(
      host,
      `${ctr} run --detach --memory-limit 67108864 --rootfs ${directory}/image ${id} /bin/busybox sleep 1000000`,
    );
    // The sandbox is known once the probe process has inspected the runtime's program.
    await within(host, 'the container and its sandbox', async () => (await infoOf())?.has('sandbox') === true);
    expect(Object.fromEntries((await infoOf()) ?? [])).toEqual({
      engine: 'containerd',
      container: id,
      id,
      cgroup: `/${namespace}/${id}`,
      sandbox: 'oci',
    });
    const samples = await exporter.scrape();
    const labels = { engine: 'containerd', container: id };
    expect(samples.value('isolation_container_memory_own_limit_bytes', labels)).toBe(67_108_864);
    expect(samples.value('isolation_container_host_namespace', { ...labels, ns: 'pid' })).toBe(0);
  });

  test('an exporter that starts later finds it, and nothing that only looks like it', async () => {
    const lookalike = `/${namespace}/not-one`;
    const root = await succeed(host, 'test -d /sys/fs/cgroup/pids && echo /sys/fs/cgroup/pids || echo /sys/fs/cgroup');
    await using _process = await host.start(
      `mkdir ${root}${lookalike} && echo $$ > ${root}${lookalike}/cgroup.procs && exec sleep 1000000`,
    );
    await within(host, 'the process', async () => (await succeed(host, `cat ${root}${lookalike}/cgroup.procs`)) !== '');
    await using later = await startExporter(host, { flags: ['--docker.host='] });
    for (const samples of [await later.scrape(), await exporter.scrape()]) {
      expect(samples.labels('isolation_container_info', { id })?.get('engine')).toBe('containerd');
      expect(samples.labels('isolation_container_info', { cgroup: lookalike })).toBeUndefined();
    }
  });

  test('it is gone when it has ended', async () => {
    await succeed(host, `${ctr} tasks kill --signal KILL ${id}`);
    await eventually('its end', () => succeed(host, `${ctr} containers rm ${id}`), { timeoutMs: 30_000 });
    await within(host, 'no container', async () => (await infoOf()) === undefined);
  });
});
