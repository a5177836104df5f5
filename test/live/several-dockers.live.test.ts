import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { within } from './docker-containers.ts';

const LABELS = ['team', 'a.b', 'a-b', 'app.kubernetes.io/name', 'absent'];

describeLive('several Dockers', ['docker'], () => {
  let first: Docker;
  let second: Docker;
  let exporter: Exporter;
  let ids: Readonly<Record<'web' | 'db', string>>;

  const run = (docker: Docker, name: string, ...flags: readonly string[]) =>
    docker.run('--name', `several-${name}`, '--network', 'none', ...flags, LAB_IMAGE);
  const nameOf = async (id: string) =>
    (await exporter.scrape()).labels('isolation_container_info', { id })?.get('container');

  beforeAll(async () => {
    [first, second] = [await startDocker(host), await startDocker(host)];
    ids = {
      web: await run(
        first,
        'web',
        '--label',
        'team=core',
        '--label',
        'other=x',
        '--label',
        'a.b=1',
        '--label',
        'a-b=2',
      ),
      db: await run(second, 'db', '--label', 'app.kubernetes.io/name=data "base"'),
    };
    const hosts = [first, second].map(({ socket }) => `--docker.host=unix://${socket}`);
    exporter = await startExporter(host, { flags: [...hosts, `--container.labels=${LABELS.join(',')}`] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
    await first?.[Symbol.asyncDispose]();
  });

  test('name their own containers', async () => {
    await within(host, 'both names', async () => {
      return (await nameOf(ids.web)) === 'several-web' && (await nameOf(ids.db)) === 'several-db';
    });
    const samples = await exporter.scrape();
    for (const { socket } of [first, second]) {
      expect(samples.value('isolation_source_up', { source: `docker:${socket}` })).toBe(1);
    }
  });

  test('and the labels that were asked for, and no others', async () => {
    const labelsOf = (container: string) => async () =>
      Object.fromEntries((await exporter.scrape()).labels('isolation_container_labels_info', { container }) ?? []);
    const web = { engine: 'docker', container: 'several-web' };
    await within(host, 'the labels', async () => (await labelsOf('several-web')())['label_team'] === 'core');
    expect(await labelsOf('several-web')()).toEqual({
      ...web,
      label_team: 'core',
      label_a_b_conflict1: '1',
      label_a_b_conflict2: '2',
    });
    expect(await labelsOf('several-db')()).toMatchObject({ label_app_kubernetes_io_name: 'data "base"' });
    await using plain = await startExporter(host, { flags: [`--docker.host=unix://${first.socket}`] });
    await within(host, 'the name', async () => (await plain.scrape()).text.includes('several-web'));
    expect((await plain.scrape()).text).not.toContain('label_team');
  });

  test('show a new name in the next scrape, with the kills and starts of the container', async () => {
    const id = await run(first, 'old', '--memory', '16m', '--memory-swap', '16m');
    await within(host, 'the first name', async () => (await nameOf(id)) === 'several-old');
    await host.run(`${first.client} exec ${id} tail /dev/zero`);
    const numbers = async () => {
      const samples = await exporter.scrape();
      return ['several-old', 'several-new'].map((container) => [
        samples.value('isolation_container_oom_kills_total', { container }),
        samples.value('isolation_container_starts_total', { container }),
      ]);
    };
    await within(host, 'the kill', async () => (await numbers())[0]?.[0] === 1);
    await succeed(host, `${first.client} rename several-old several-new`);
    await within(host, 'the new name', async () => (await nameOf(id)) === 'several-new', 5_000);
    expect(await numbers()).toEqual([
      [undefined, undefined],
      [1, 1],
    ]);
  });
});

describeLong('Docker that cannot be reached at first', ['docker'], () => {
  // Without the shims of the host in sight, the path alone suggests containerd until Docker answers.
  test('a container whose engine was guessed counts as started once, under its engine', async () => {
    await using docker = await startDocker(host);
    // Its path names the engine.
    await docker.run('--name', 'several-plain', '--network', 'none', LAB_IMAGE);
    const socket = `${docker.directory}/later.sock`;
    const parent = `/isolation-exporter-${process.pid}`;
    await using blind = await startExporter(host, {
      flags: [`--docker.host=unix://${socket}`, '--discovery.walk-interval=1s'],
      script: (command) => `exec unshare --pid --fork --kill-child --mount-proc ${command}`,
    });
    const id = await docker.run('--name', 'several-guessed', '--network', 'none', '--cgroup-parent', parent, LAB_IMAGE);
    try {
      const engine = async () => (await blind.scrape()).labels('isolation_container_info', { id })?.get('engine');
      // A cgroup whose processes are not visible looks empty, as if the runtime had not begun yet.
      await within(host, 'the guess', async () => (await engine()) === 'containerd', 90_000);
      const started = async (of: string) =>
        (await blind.scrape()).value('isolation_containers_started_total', { engine: of });
      const before = await started('docker');
      expect(before).toBe(0);
      await succeed(host, `ln -s ${docker.socket} ${socket}`);
      await within(host, 'the engine', async () => (await engine()) === 'docker');
      expect([await started('docker'), await started('containerd')]).toEqual([1, undefined]);
      const removed = (await blind.scrape()).value('isolation_containers_removed_total', { engine: 'containerd' });
      expect(removed).toBeUndefined();
      const starts = { container: 'several-guessed' };
      expect((await blind.scrape()).value('isolation_container_starts_total', { ...starts, engine: 'docker' })).toBe(1);
    } finally {
      await docker.cli('rm', '--force', id);
      await removeCgroups(host, parent.slice(1));
    }
  });
});
