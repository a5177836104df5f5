import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Background, eventually, type Machine, quote, succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { untilShown, words } from './docker-containers.ts';
import { finding } from './levels.ts';

const { hierarchyOf } = findCgroupLayout('/proc', '/sys/fs/cgroup');
const memory = hierarchyOf('memory');

describeLive('Docker in a cgroup of its own in the memory hierarchy alone', ['docker'], () => {
  const service = `isolation-exporter-${process.pid}.service`;
  const parent = `isolation-exporter-jobs-${process.pid}`;
  let docker: Docker;

  beforeAll(async () => {
    docker = await startDocker(host);
    const directory = `${memory?.root}/${service}`;
    mkdirSync(directory);
    for (const file of ['pid', 'exec/containerd/containerd.pid']) {
      writeFileSync(`${directory}/cgroup.procs`, readFileSync(`${docker.directory}/${file}`));
    }
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
    for (const name of [parent, service]) await removeCgroups(host, name);
  });

  test.skipIf(memory?.version !== 1)('has its limits, and its OOM kills under its own name', async () => {
    await using exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    const flags = words(`--name elsewhere --network none --memory 32m --memory-swap 32m --cgroup-parent=${parent}`);
    const id = await docker.run(...flags, LAB_IMAGE, 'sh', '-c', 'tail /dev/zero; sleep 1000000');
    const membership = readFileSync(`/proc/${await docker.pidOf(id)}/cgroup`, 'utf8');
    expect(membership).toMatch(new RegExp(`:memory:/${service}/${parent}/${id}$`, 'm'));
    expect(membership).toMatch(new RegExp(`:pids:/${parent}/${id}$`, 'm'));
    await untilShown(host, exporter, [id]);
    const kills = async () =>
      (await exporter.scrape()).all
        .filter(({ name }) => name === 'isolation_container_oom_kills_total')
        .filter(({ labels, value }) => value > 0 && [id.slice(0, 12), 'elsewhere'].includes(labels['container'] ?? ''))
        .map(({ labels, value }) => [labels['engine'], labels['container'], value])
        .toSorted();
    await eventually('the kill', async () => ((await kills()).length > 0 ? true : undefined), { timeoutMs: 30_000 });
    expect(await kills()).toEqual([['docker', 'elsewhere', 1]]);
    const samples = await exporter.scrape();
    const of = { engine: 'docker', container: 'elsewhere' };
    expect(samples.value('isolation_container_memory_limit_bytes', of)).toBe(33_554_432);
    expect(samples.value('isolation_container_memory_limited', of)).toBe(1);
    expect(finding(samples, 'elsewhere', 'memory_unlimited')).toBe(0);
    expect(samples.value('isolation_container_memory_usage_bytes', of)).toBeGreaterThan(0);
    const own = samples.all.filter(({ labels }) => labels['id'] === id);
    expect(own.map(({ name }) => name)).toEqual(['isolation_container_info']);
    const limit = await succeed(host, `cat ${memory?.root}/${service}/${parent}/${id}/memory.limit_in_bytes`);
    expect(limit).toBe('33554432');
  });
});

describeLive('hierarchies that are mounted more than once', ['containers'], () => {
  const top = `isolation-exporter-mounts-${process.pid}`;
  const id = 'ab'.repeat(32);
  const hierarchies = readdirSync('/sys/fs/cgroup').filter((name) => existsSync(`/sys/fs/cgroup/${name}/cgroup.procs`));
  const roots = hierarchies.length > 0 ? hierarchies.map((name) => `/sys/fs/cgroup/${name}`) : ['/sys/fs/cgroup'];
  let container: Background;

  beforeAll(async () => {
    container = await host.start(
      `${roots.map((root) => `mkdir -p ${root}/${top}/docker/${id} && echo $$ > ${root}/${top}/docker/${id}/cgroup.procs`).join('\n')}
      exec sleep 1000000`,
    );
  });
  afterAll(async () => {
    await container?.stop();
    await removeCgroups(host, top);
    await succeed(host, `rm -rf /tmp/${top} /tmp/${top}.pid`);
  });

  /** The names under which this suite's container is exported. */
  const shownBy = async (exporter: Exporter): Promise<string[]> => {
    await untilShown(host, exporter, [id]);
    const { all } = await exporter.scrape();
    const ours = all.filter(({ name, labels }) => name === 'isolation_container_info' && labels['id'] === id);
    return ours.map(({ labels }) => labels['container'] ?? '');
  };
  const flags = ['--docker.host=', '--discovery.walk-interval=200ms'];
  const inNamespace = (script: string, command: string): string =>
    `exec unshare --mount --propagation private bash -c ${quote(`set -e\n${script}\nexec ${command}`)}`;

  test('shows each container once, whether a mount was there at the start or came later', async () => {
    const again = (name: string): string =>
      roots.map((root) => `mkdir -p ${root}/${top}/${name}\nmount --bind ${root} ${root}/${top}/${name}`).join('\n');
    await using exporter = await startExporter(host, {
      flags,
      script: (command) => inNamespace(`${again('again')}\necho $$ > /tmp/${top}.pid`, command),
    });
    expect(await shownBy(exporter)).toEqual([id.slice(0, 12)]);
    const pid = (await succeed(host, `cat /tmp/${top}.pid`)).trim();
    await succeed(host, `nsenter -t ${pid} -m bash -ec ${quote(again('later/docker/node'))}`);
    await succeed(host, 'sleep 1');
    expect(await shownBy(exporter)).toEqual([id.slice(0, 12)]);
    await removeCgroups(host, `${top}/again`);
    expect(await shownBy(exporter)).toEqual([id.slice(0, 12)]);
  });

  test('shows the containers of a node that sees a part of each hierarchy, and that below itself', async () => {
    const directory = `/tmp/${top}`;
    const asInKind = roots
      .map((root, index) => {
        const seen = roots.length > 1 ? `${directory}/${index}` : directory;
        return `mkdir -p ${seen} ${root}/${top}/${top}
          mount --bind ${root}/${top} ${seen}
          mount --bind ${seen} ${seen}/${top}`;
      })
      .join('\n');
    await using exporter = await startExporter(host, {
      flags: [...flags, `--path.cgroupfs=${directory}`],
      script: (command) => inNamespace(`mkdir ${directory}\nmount -t tmpfs none ${directory}\n${asInKind}`, command),
    });
    expect(await shownBy(exporter)).toEqual([id.slice(0, 12)]);
    const samples = await exporter.scrape();
    expect(samples.value('isolation_container_pids', { container: id.slice(0, 12) })).toBe(1);
    expect(samples.value('isolation_container_memory_limited', { container: id.slice(0, 12) })).toBe(0);
  });
});

describeLong('cgroup v2 of Linux 6.12', ['guest-newer'], () => {
  const parent = 'isolation-exporter-switch';
  const id = 'cd'.repeat(32);
  const directory = `/sys/fs/cgroup/${parent}/docker/${id}`;
  let guest: Machine;
  let container: Background;
  let exporter: Exporter;

  beforeAll(async () => {
    guest = await sharedGuest('newer');
    container = await guest.start(
      `mkdir -p ${directory}
      for above in ${parent} ${parent}/docker; do echo '+memory +pids +cpu' > /sys/fs/cgroup/$above/cgroup.subtree_control; done
      echo $$ > ${directory}/cgroup.procs
      echo 16777216 > ${directory}/memory.max
      exec sleep 1000000`,
    );
    exporter = await startExporter(guest, { flags: ['--docker.host='] });
    await untilShown(guest, exporter, [id]);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await container?.stop();
    await removeCgroups(guest, parent);
  });

  test('a controller that is switched off takes its own series away, and brings them back', async () => {
    expect(await succeed(guest, 'uname -r')).toMatch(/^6\.1[2-9]/);
    const of = { container: id.slice(0, 12) };
    const controllers = `/sys/fs/cgroup/${parent}/docker/cgroup.subtree_control`;
    const seriesOf = (samples: Samples): string[] =>
      samples.all
        .filter(({ labels }) => labels['container'] === of.container)
        .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    const failing = (samples: Samples): string[] =>
      samples.all
        .filter(({ name, value }) => name === 'isolation_scrape_collector_success' && value === 0)
        .map(({ labels }) => labels['collector'] ?? '');
    const on = await exporter.scrape();
    expect(on.value('isolation_container_memory_limit_bytes', of)).toBe(16_777_216);

    await succeed(guest, `echo -memory > ${controllers}`);
    for (const off of [await exporter.scrape(), await exporter.scrape()]) {
      expect(failing(off)).toEqual([]);
      const gone = seriesOf(on).filter((series) => !seriesOf(off).includes(series));
      expect(gone.length).toBeGreaterThan(10);
      expect(gone.filter((series) => !/^isolation_container_(memory|finding)/.test(series))).toEqual([]);
      expect(off.value('isolation_container_memory_usage_bytes', of)).toBeUndefined();
      expect(off.value('isolation_container_cpu_usage_seconds_total', of)).toBeDefined();
      expect(off.value('isolation_container_pids', of)).toBe(1);
    }
    await succeed(guest, `echo +memory > ${controllers} && echo 16777216 > ${directory}/memory.max`);
    expect(seriesOf(await exporter.scrape())).toEqual(seriesOf(on));
  });

  test('has what newer kernels report', async () => {
    const of = { container: id.slice(0, 12) };
    await succeed(
      guest,
      `echo 1 > ${directory}/cgroup.freeze && echo 1 > ${directory}/memory.oom.group && echo 4096 > ${directory}/memory.swap.max
      until grep -q 'frozen 1' ${directory}/cgroup.events; do sleep 0.1; done`,
    );
    const samples = await exporter.scrape();
    const value = (name: string, labels = {}) => samples.value(`isolation_container_${name}`, { ...of, ...labels });
    expect(value('frozen')).toBe(1);
    expect(value('memory_oom_group')).toBe(1);
    expect(value('memory_swap_events_total', { event: 'max' })).toBe(0);
    expect(value('memory_refaults_total', { kind: 'file' })).toBeGreaterThanOrEqual(0);
    expect(value('cpu_nice_seconds_total')).toBe(0);
    expect(value('init_open_files')).toBe(
      Number(await succeed(guest, `ls /proc/$(head -n 1 ${directory}/cgroup.procs)/fd | wc -l`)),
    );
    await succeed(
      guest,
      `echo 0 > ${directory}/cgroup.freeze; until grep -q 'frozen 0' ${directory}/cgroup.events; do sleep 0.1; done`,
    );
    expect((await exporter.scrape()).value('isolation_container_frozen', of)).toBe(0);
  });
});
