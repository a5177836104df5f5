import { rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { eventually, quote, succeed } from '../lab/machine.ts';
import {
  CONTAINERS,
  dockerUp,
  incomplete,
  runContainers,
  untilComplete,
  untilShown,
  within,
} from './docker-containers.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { removeCgroups } from '../lab/remains.ts';

describeLive('Docker that comes and goes', ['docker'], () => {
  let docker: Docker;
  let ids: readonly string[];

  beforeAll(async () => {
    docker = await startDocker(host);
    ids = Object.values(await runContainers(docker));
  });
  afterAll(() => docker?.[Symbol.asyncDispose]());

  test('containers outlive a killed dockerd with names and facts, and it is found again', async () => {
    await using exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilComplete(host, exporter);
    await docker.kill('SIGKILL');
    try {
      await within(host, 'Docker is down', async () => (await dockerUp(exporter)) === 0);
      expect(incomplete(await exporter.scrape())).toEqual([]);
    } finally {
      await docker.up();
    }
    await within(host, 'Docker is up', async () => (await dockerUp(exporter)) === 1, 60_000);
    expect(incomplete(await exporter.scrape())).toEqual([]);
  });

  test('an exporter that was there before dockerd gets the names once it is', async () => {
    await docker.kill('SIGKILL');
    // A killed daemon leaves its socket behind.
    await rm(docker.socket);
    await using exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    // New containers wait briefly for their names, and then appear under their ids.
    await untilShown(host, exporter, ids);
    const samples = await exporter.scrape();
    for (const id of ids) {
      const labels = samples.labels('isolation_container_info', { id });
      expect(labels?.get('container')).toBe(id.slice(0, 12));
    }
    expect(samples.value('isolation_source_up', { source: 'docker' })).toBe(0);
    await docker.up();
    await untilComplete(host, exporter);
    expect(await dockerUp(exporter)).toBe(1);
    // Each state is logged once, and recovery only after a while.
    const said = async () => (await exporter.log()).filter(({ source }) => source === 'docker');
    await within(host, 'good news', async () => (await said()).length > 1);
    expect((await said()).map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'engine does not answer; using the last known names'],
      ['info', 'connected to the engine'],
    ]);
    await docker.run('--name', 'late', '--network', 'none', LAB_IMAGE);
    await untilComplete(host, exporter, [...CONTAINERS, 'late']);
    await docker.remove('late');
  });
});

describeLive('Docker with containers that live for a moment', ['docker'], () => {
  // The containers have their own part of the cgroup tree, so that other engines on the host do not affect the counts.
  const parent = `isolation-exporter-${process.pid}`;
  let docker: Docker;

  beforeAll(async () => {
    docker = await startDocker(host, { flags: [`--cgroup-parent=/${parent}/docker`] });
    await succeed(host, `for at in $(findmnt -rno TARGET -t cgroup,cgroup2); do mkdir -p "$at/${parent}/docker"; done`);
  });
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
    await removeCgroups(host, parent);
  });

  test('20 of them are all counted, started and removed', async () => {
    const mounted = '/mnt/cgroup';
    const mountIt = `
      set -e
      hierarchies=$(findmnt -rno TARGET -t cgroup,cgroup2 | grep ^/sys/fs/cgroup)
      mount -t tmpfs none /mnt
      for at in $hierarchies; do
        mkdir -p "${mounted}\${at#/sys/fs/cgroup}"
        mount --bind "$at/${parent}" "${mounted}\${at#/sys/fs/cgroup}"
      done
      exec "$@"`;
    const script = (command: string) =>
      `exec unshare --mount --propagation private bash -c ${quote(mountIt)} - ${command}`;
    const flags = [`--docker.host=unix://${docker.socket}`, `--path.cgroupfs=${mounted}`];
    await using exporter = await startExporter(host, { flags, script });
    const counts = async () => {
      const samples = await exporter.scrape();
      const labels = { engine: 'docker' };
      return [
        samples.value('isolation_containers_started_total', labels) ?? 0,
        samples.value('isolation_containers_removed_total', labels) ?? 0,
        samples.value('isolation_containers', labels) ?? 0,
      ];
    };
    expect(await counts()).toEqual([0, 0, 0]);
    const run = `${docker.client} run --rm --network none ${LAB_IMAGE} true`;
    await succeed(host, `set -e; for round in $(seq 20); do ${run}; done`, { timeoutMs: 200_000 });
    await within(host, 'all are gone', async () => ((await counts())[1] ?? 0) >= 20);
    expect(await counts()).toEqual([20, 20, 0]);
  });
});

/** Text that could break a text format, a terminal or a limit. */
const HOSTILE = {
  quotes: String.raw`a"b\"c'd`,
  backslashes: String.raw`a\b\\c\n\\`,
  lines: 'a\nb\r\n# EOF\nisolation_container_info{container="forged"} 1\n',
  injection: 'a"} 1\nisolation_forged_total{container="x',
  controls: 'a\u0000b\u001b[31mc\u007f\u2028\u202ed',
  braces: 'a{b}=c,d',
} as const;

describeLive('hostile names', ['docker', 'prometheus'], () => {
  const socket = `/tmp/isolation-exporter-hostile-${process.pid}.sock`;
  let docker: Docker;
  let engine: Server;
  let exporter: Exporter;
  const ids = new Map<string, string>();

  beforeAll(async () => {
    docker = await startDocker(host);
    for (const kind of [...Object.keys(HOSTILE), 'invalid', 'long']) {
      ids.set(kind, await docker.run('--network', 'none', LAB_IMAGE));
    }
    engine = await startHostileEngine(socket, ids);
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${socket}`] });
    await within(host, 'names', async () => {
      const samples = await exporter.scrape();
      return [...ids.values()].every((id) =>
        samples.labels('isolation_container_info', { id })?.has('compose_project'),
      );
    });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    engine?.closeAllConnections();
    engine?.close();
    await docker?.[Symbol.asyncDispose]();
    await rm(socket, { force: true });
  });

  /** The labels from the engine. */
  const labelsOf = async (kind: string) => {
    const labels = (await exporter.scrape()).labels('isolation_container_info', { id: ids.get(kind) ?? '' });
    return ['container', 'image', 'compose_project', 'compose_service'].map((name) => labels?.get(name));
  };
  const fourTimes = (value: string) => [value, value, value, value];

  test('keep what can still be read, with one sample each', async () => {
    for (const kind of ['quotes', 'backslashes', 'lines', 'injection', 'braces'] as const) {
      const shown = HOSTILE[kind].replaceAll('\r', '\ufffd');
      expect(await labelsOf(kind), kind).toEqual(fourTimes(shown));
    }
    const { text } = await exporter.scrape();
    expect(text).not.toMatch(/^isolation_forged|^# EOF|container="forged"\} 1$/m);
  });

  test('lose what is no text and what is too much', async () => {
    expect(await labelsOf('controls')).toEqual(fourTimes('a\ufffdb\ufffd[31mc\ufffd\u2028\u202ed'));
    expect(await labelsOf('invalid')).toEqual(fourTimes('a\ufffd\ufffdb'));
    for (const label of await labelsOf('long')) {
      expect(Buffer.byteLength(label ?? '')).toBeLessThanOrEqual(256);
      expect(label).toMatch(/^x{100,}…$/);
    }
  });

  test('are nothing that promtool has to say anything of', async () => {
    const { text } = await exporter.scrape();
    // The text is too long for a command line.
    const file = `${socket}.prom`;
    await writeFile(file, text);
    const outcome = await host.run(`promtool check metrics 2>&1 < ${file}; code=$?; rm ${file}; exit $code`);
    expect(outcome).toEqual({ stdout: '', stderr: '', code: 0 });
  });

  test('are accepted by Prometheus as they are', async () => {
    await using prometheus = await startPrometheus(host, exporter.address);
    const info = await prometheus.labels('isolation_container_info');
    const samples = await exporter.scrape();
    for (const [kind, id] of ids) {
      const labels = info.find((found) => found['id'] === id);
      expect(labels, kind).toMatchObject(Object.fromEntries(samples.labels('isolation_container_info', { id }) ?? []));
    }
    expect(await prometheus.complaints()).toEqual([]);
  });
});

describeLive('Prometheus', ['docker', 'prometheus'], () => {
  let exporter: Exporter;
  let prometheus: Prometheus;
  beforeAll(async () => {
    exporter = await startExporter(host, { flags: ['--docker.host='] });
    prometheus = await startPrometheus(host, exporter.address);
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
  });

  test('takes all that it is given', async () => {
    const samples = await exporter.scrape();
    expect(await prometheus.value('up')).toBe(1);
    expect(await prometheus.value('scrape_samples_scraped')).toBeGreaterThan(0);
    expect(await prometheus.value('isolation_host_info')).toBe(1);
    expect(await prometheus.value('isolation_host_oom_kills_total')).toBe(
      samples.value('isolation_host_oom_kills_total'),
    );
  });

  test('reads it as OpenMetrics', async () => {
    // Only OpenMetrics has the type info, and names a counter's family without _total.
    expect(await prometheus.typeOf('isolation_host')).toBe('info');
    expect(await prometheus.typeOf('isolation_host_oom_kills')).toBe('counter');
    expect(await prometheus.typeOf('isolation_host_oom_kills_total')).toBeUndefined();
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    const { headers } = await fetch(`http://${exporter.address}/metrics`, { headers: { accept } });
    expect(headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  });

  test('has nothing to complain of', async () => {
    await within(host, 'three scrapes', async () => ((await prometheus.value('count_over_time(up[1h])')) ?? 0) >= 3);
    expect(await prometheus.value('min_over_time(up[1h])')).toBe(1);
    expect(await prometheus.complaints()).toEqual([]);
  });
});

/** An engine that reports real containers with text that a real engine would not accept. */
async function startHostileEngine(socket: string, ids: ReadonlyMap<string, string>): Promise<Server> {
  const kinds = new Map([...ids].map(([kind, id]) => [id, kind]));
  const engine = createServer((request, response) => {
    const [, id] = /\/containers\/([0-9a-f]{64})\/json/.exec(request.url ?? '') ?? [];
    const kind = id === undefined ? undefined : kinds.get(id);
    if (request.url?.includes('/events') === true) response.writeHead(200).flushHeaders();
    else if (request.url?.includes('/_ping') === true) response.end('OK');
    else if (id === undefined) response.end('[]');
    else if (kind === undefined) response.writeHead(404).end('{}');
    else response.end(hostileAnswer(id, kind));
  });
  engine.listen(socket);
  await eventually('the engine listens', () => engine.listening || undefined, { timeoutMs: 5_000 });
  return engine;
}

function hostileAnswer(id: string, kind: string): Buffer {
  const name =
    new Map<string, string>(Object.entries(HOSTILE)).get(kind) ?? (kind === 'long' ? 'x'.repeat(10_000) : '<>');
  const labels = { 'com.docker.compose.project': name, 'com.docker.compose.service': name };
  const answer = { Id: id, Name: `/${name}`, Config: { Image: name, Labels: labels }, HostConfig: { Runtime: 'runc' } };
  // Bytes that are not UTF-8 fit into no string.
  const bytes = Buffer.from(JSON.stringify(answer)).toString('latin1').replaceAll('<>', 'a\xff\xfeb');
  return Buffer.from(bytes, 'latin1');
}
