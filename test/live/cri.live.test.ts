import { afterAll, beforeAll, expect, test } from 'vitest';
import { CriNode, POD_IMAGE, type Pod } from '../lab/cri.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';

const SLEEP = ['/bin/sleep', '1000000'];
const LIMIT = 67_108_864;

/** The package of Docker includes containerd. */
describeLive('pods of a containerd', ['docker'], () => {
  let node: CriNode;
  let exporter: Exporter;
  let web: Pod;

  beforeAll(async () => {
    node = await CriNode.start();
    web = await node.run('web-7d4b9c', 'shop', [
      { name: 'nginx', command: SLEEP, memory: LIMIT },
      { name: 'sidecar', command: SLEEP },
    ]);
    const flags = ['--docker.host=', `--cri.endpoint=unix://${node.socket}`];
    exporter = await startExporter(host, { flags: [...flags, '--container.labels=app,io.kubernetes.container.name'] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
  });

  const podsOf = (samples: Samples): string[] =>
    samples.all
      .filter(({ name, labels }) => name === 'isolation_container_info' && labels['pod'] !== undefined)
      .map(({ labels }) => [labels['namespace'], labels['pod'], labels['container']].join('/'))
      .toSorted();
  const shows = (...pods: readonly string[]) =>
    within(host, pods.join(), async () => podsOf(await exporter.scrape()).join() === pods.join());

  test('have the names that the kubelet gave them, and their pause is none of them', async () => {
    await shows('shop/web-7d4b9c/nginx', 'shop/web-7d4b9c/sidecar');
    const samples = await exporter.scrape();
    const id = web.containers['nginx'] ?? '';
    expect(Object.fromEntries(samples.labels('isolation_container_info', { id }) ?? [])).toEqual({
      engine: 'containerd',
      namespace: 'shop',
      pod: 'web-7d4b9c',
      container: 'nginx',
      id,
      pod_uid: web.uid,
      image: POD_IMAGE,
      cgroup: `/kubepods/burstable/pod${web.uid}/${id}`,
      sandbox: 'oci',
    });
    const labels = { namespace: 'shop', pod: 'web-7d4b9c', container: 'nginx' };
    expect(samples.value('isolation_container_memory_limit_bytes', labels)).toBe(LIMIT);
    expect(samples.value('isolation_containers', { engine: 'containerd' })).toBe(2);
    expect(samples.value('isolation_source_up', { source: 'cri' })).toBe(1);
    expect(Object.fromEntries(samples.labels('isolation_container_labels_info', labels) ?? [])).toEqual({
      engine: 'containerd',
      ...labels,
      label_app: 'web-7d4b9c',
      label_io_kubernetes_container_name: 'nginx',
    });
    expect(samples.value('isolation_containers_without_cgroup', { source: 'cri' })).toBe(0);
  });

  test('one that starts later is named as soon as it is asked for, and gone when it is removed', async () => {
    const late = await node.run('late', 'shop', [{ name: 'app', command: SLEEP }]);
    await shows('shop/late/app', 'shop/web-7d4b9c/nginx', 'shop/web-7d4b9c/sidecar');
    await node.remove(late);
    await shows('shop/web-7d4b9c/nginx', 'shop/web-7d4b9c/sidecar');
  });

  test('a kill is exported under the names of an exited and of a removed container', async () => {
    const leaky = await node.run('leaky', 'shop', [
      { name: 'app', command: ['/bin/sh', '-c', 'sleep 1; tail /dev/zero'], memory: 16_777_216 },
    ]);
    const kills = (samples: Samples) =>
      samples.value('isolation_container_oom_kills_total', { namespace: 'shop', pod: 'leaky', container: 'app' });
    await within(host, 'the kill', async () => kills(await exporter.scrape()) === 1);
    // The container has exited, but the runtime still lists it.
    const flags = ['--docker.host=', `--cri.endpoint=unix://${node.socket}`];
    await using later = await startExporter(host, { flags });
    await within(host, 'the kill under its name', async () => kills(await later.scrape()) === 1);
    const ended = { engine: 'containerd', namespace: 'shop', pod: 'leaky', container: 'app' };
    const endOf = (samples: Samples) =>
      ['exit_code', 'exit_oom_killed', 'ended'].map((name) => samples.value(`isolation_container_${name}`, ended));
    await within(host, 'its end', async () => endOf(await later.scrape()).join() === '137,1,1');
    await node.remove(leaky);
    await shows('shop/web-7d4b9c/nginx', 'shop/web-7d4b9c/sidecar');
    expect(kills(await exporter.scrape())).toBe(1);
  });

  test('keep their names while containerd hangs and while it is gone, and a scrape waits for neither', async () => {
    const isUp = (up: number) =>
      within(
        host,
        `up: ${up}`,
        async () => (await exporter.scrape()).value('isolation_source_up', { source: 'cri' }) === up,
      );
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      await node.kill(signal);
      await isUp(0);
      expect(podsOf(await exporter.scrape())).toEqual(['shop/web-7d4b9c/nginx', 'shop/web-7d4b9c/sidecar']);
      if (signal === 'SIGSTOP') await node.kill('SIGCONT');
      else await node.up();
      await isUp(1);
    }
  });

  test('are called by their ids where it is not asked', async () => {
    await using blind = await startExporter(host, { flags: ['--docker.host='] });
    const samples = await blind.scrape();
    const ids = [web.sandbox, ...Object.values(web.containers)].map((id) => `/${web.uid}/${id.slice(0, 12)}`);
    expect(podsOf(samples)).toEqual(ids.toSorted());
    expect(samples.value('isolation_source_up', { source: 'cri' })).toBeUndefined();
  });

  test('have their names without any socket, from the names of log files', async () => {
    // As the kubelet links them. The logs themselves need not be visible. It makes none for a pause container, which is left out.
    const logs = `${node.directory}/containers`;
    const links = Object.entries(web.containers).map(
      ([name, id]) =>
        `ln -s /var/log/pods/shop_web-7d4b9c_${web.uid}/${name}/0.log ${logs}/web-7d4b9c_shop_${name}-${id}.log`,
    );
    await succeed(host, ['set -e', `mkdir ${logs}`, ...links].join('\n'));
    const flags = ['--docker.host=', '--cri.endpoint=', `--path.container-logs=${logs}`];
    await using blind = await startExporter(host, { flags });
    const expected = ['nginx', 'sidecar'].map((name) => `shop/web-7d4b9c/${name}`);
    await within(host, 'the names', async () => podsOf(await blind.scrape()).join() === expected.join());
    const samples = await blind.scrape();
    expect(samples.value('isolation_containers', { engine: 'containerd' })).toBe(2);
    const labels = { namespace: 'shop', pod: 'web-7d4b9c', container: 'nginx' };
    expect(samples.value('isolation_container_memory_limit_bytes', labels)).toBe(LIMIT);
    expect(samples.value('isolation_source_up', { source: 'kubelet_logs' })).toBe(1);
    expect(samples.value('isolation_source_up', { source: 'cri' })).toBeUndefined();
  });

  test('are found by scan, which has no more than a look', async () => {
    const command = `scan --docker.host= --podman.host= --cri.endpoint=${node.socket}`;
    const table = await succeed(host, `${process.execPath} dist/cli.js ${command} || test $? = 1`);
    expect(table).toMatch(/^shop\/web-7d4b9c\/nginx +containerd /m);
    expect(table).toContain('2 containers.');
  });
});
