import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { composeService } from '../lab/compose.ts';
import { type Docker, startDocker } from '../lab/docker.ts';
import { samplesOf, type Samples } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { buildImage } from '../lab/image.ts';
import { describeLive } from '../lab/live.ts';
import { eventually, quote, succeed } from '../lab/machine.ts';
import { type ContainerName, runContainers, untilComplete, untilShown, words } from './docker-containers.ts';
import { startConfiguredPrometheus } from './prometheus.ts';

const SERVICE = composeService('isolation-exporter');
const PROXY = 'docker-socket-proxy';
const [PROXY_NETWORK = 'none'] = composeService(PROXY).networks;
/** The full name of a network of the compose file: that of the project comes first. */
const nameOf = (network: string) => `isolation_${network}`;

describeLive('the image, run as in the compose file', ['docker', 'prometheus'], () => {
  let docker: Docker;
  let ids: Readonly<Record<ContainerName, string>>;
  let id: string;

  beforeAll(async () => {
    docker = await startDocker(host);
    await buildImage(docker, SERVICE.image);
    ids = await runContainers(docker);
    for (const network of SERVICE.networks) await docker.createNetwork(nameOf(network));
    await runProxy(PROXY);
    const { name = '', options, image, command, networks } = SERVICE;
    const [first = 'none', ...others] = networks;
    const label = `com.docker.compose.service=${name}`;
    const network = nameOf(first);
    id = await docker.cli(
      'create',
      '--name',
      name,
      '--label',
      label,
      '--network',
      network,
      ...options,
      image,
      ...command,
    );
    for (const other of others) await docker.cli('network', 'connect', nameOf(other), id);
    await docker.cli('start', id);
  });
  afterAll(() => docker?.[Symbol.asyncDispose]());

  /** The proxy's own image is not available here. This replacement passes the same requests. Returns its id. */
  const runProxy = async (name: string, more: readonly string[] = []): Promise<string> => {
    const environment = composeService(PROXY).options.filter((option) => option.startsWith('--env='));
    return docker.run(
      ...words(`--name ${name} --network ${nameOf(PROXY_NETWORK)} --volume ${docker.socket}:/var/run/docker.sock`),
      ...environment,
      ...more,
      ...words(`--entrypoint node ${SERVICE.image} -e`),
      PASS_ON,
    );
  };

  /** Scrapes from the exporter's own network namespace: the compose file decides which ports are published, and to whom. */
  const scrape = async (of = id): Promise<Samples> => {
    const enter = `nsenter --net --target ${await docker.pidOf(of)}`;
    return samplesOf(`${await succeed(host, `${enter} curl -sS --fail -m 20 http://127.0.0.1:10061/metrics`)}\n`);
  };
  const logs = async () => (await host.run(`${docker.client} logs ${id} 2>&1`)).stdout;

  test('every collector succeeds and exports samples', async () => {
    try {
      await untilComplete(host, { scrape: () => scrape() });
    } catch (error) {
      const info = (await scrape()).text.match(/^isolation_(?:container_info|source_up).*$/gm)?.join('\n');
      throw new Error(`${await logs()}\n${info}`, { cause: error });
    }
    const samples = await scrape();
    const failing = samples.all.filter(
      ({ name, value }) => name === 'isolation_scrape_collector_success' && value !== 1,
    );
    expect(failing).toEqual([]);
    for (const source of ['cgroup_watch', 'docker', 'host_namespaces', 'vmstat']) {
      expect(samples.value('isolation_source_up', { source }), source).toBe(1);
    }
    const shared = (container: string, ns: string) =>
      samples.value('isolation_container_host_namespace', { container, ns });
    expect(['pid', 'net', 'mnt'].map((ns) => shared('exposed', ns))).toEqual([1, 1, 0]);
    expect(['pid', 'net', 'mnt'].map((ns) => shared('limited', ns))).toEqual([0, 0, 0]);
    expect(samples.value('isolation_container_memory_limit_bytes', { container: 'limited' })).toBe(67_108_864);
    expect(samples.labels('isolation_container_info', { id: ids.limited })?.get('container')).toBe('limited');
    const exporters = samples.all.filter(({ name }) => name === 'isolation_container_runs_exporter');
    expect(exporters.map(({ labels, value }) => [labels['container'] ?? labels, value])).toEqual([
      ['isolation-exporter', 1],
    ]);
    // The exporter's own container has its own network namespace, with an interface in each of the two networks.
    expect(['pid', 'net', 'cgroup'].map((ns) => shared('isolation-exporter', ns))).toEqual([1, 0, 1]);
    const received = (container: string) =>
      samples.value('isolation_container_network_receive_bytes_total', { container, interface: 'eth1' });
    expect(received('isolation-exporter')).toBeGreaterThanOrEqual(0);
    expect(await logs()).not.toMatch(/level=(?:warn|error)/);
  });

  // As deploy/prometheus/scrape/docker-sd.yml says.
  test.each([
    ['not with the proxy as in the compose file', [], 0],
    ['with NETWORKS=1', ['--env=NETWORKS=1'], 1],
  ] as const)('is discovered by Prometheus: %s', async (_, more, targets) => {
    const proxy = await runProxy(`proxy-${targets}`, more);
    const address = await docker.cli(
      'inspect',
      '--format',
      `{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}`,
      proxy,
    );
    const { scrape_configs } = parse(readFileSync('deploy/prometheus/scrape/docker-sd.yml', 'utf8')) as ScrapeFile;
    const [job] = scrape_configs;
    const [discovery] = job.docker_sd_configs;
    expect(discovery).toEqual({ host: `tcp://${PROXY}:2375` });
    const discoveries = [{ host: `tcp://${address}:2375`, refresh_interval: '1s' }];
    // The second job shows that Prometheus scrapes at all.
    const own = { job_name: 'own', static_configs: [{ targets: ['127.0.0.1:1'] }] };
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ ...job, docker_sd_configs: discoveries }, own],
    };
    await using prometheus = await startConfiguredPrometheus(host, { 'prometheus.yml': stringify(config) });
    const found = () => prometheus.labels('up{job="isolation-exporter"} == 1');
    const expected = { __name__: 'up', job: 'isolation-exporter', instance: 'docker-host' };
    if (targets === 0) {
      await eventually(
        'Prometheus may not list networks',
        async () =>
          (await prometheus.complaints()).some((line) => /refresh target groups.*[Ff]orbidden/.test(line)) || undefined,
        { timeoutMs: 30_000 },
      );
      expect(await found()).toEqual([]);
    } else {
      await eventually('the exporter is scraped', async () => (await found())[0], { timeoutMs: 30_000 });
      expect(await found()).toEqual([expected]);
    }
    await docker.remove(proxy);
  });

  test('has two capabilities, no way to more, and nothing to write to', async () => {
    const status = await succeed(host, `cat /proc/${await docker.pidOf(id)}/status`);
    // CAP_SYS_PTRACE is 19, CAP_SYSLOG 34.
    const two = (2n ** 19n + 2n ** 34n).toString(16).padStart(16, '0');
    for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(status).toContain(`${set}:\t${two}\n`);
    expect(status).toContain('NoNewPrivs:\t1\n');
    const write = (path: string) => docker.cli('exec', id, 'node', '-e', `fs.writeFileSync('${path}', '')`);
    await expect(write('/app/it')).rejects.toThrow('read-only file system');
    await expect(write('/host/sys/fs/cgroup/it')).rejects.toThrow('read-only file system');
  });

  test('is blind without SYS_PTRACE', async () => {
    const options = SERVICE.options.filter((option) => option !== '--cap-add=SYS_PTRACE');
    expect(options).toHaveLength(SERVICE.options.length - 1);
    const blind = await docker.run('--network', 'none', ...options, SERVICE.image, ...SERVICE.command);
    await untilShown(host, { scrape: () => scrape(blind) }, Object.values(ids));
    const samples = await scrape(blind);
    const collector = (name: string) => samples.value('isolation_scrape_collector_success', { collector: name });
    expect(['namespaces', 'network', 'limits', 'memory'].map(collector)).toEqual([0, 0, 1, 1]);
    // These facts are unknown, not "not shared".
    const container = ids.exposed.slice(0, 12);
    expect(samples.value('isolation_container_host_namespace', { container, ns: 'pid' })).toBeUndefined();
    await docker.remove(blind);
  });

  test('can read everything, and diagnose confirms it', async () => {
    expect(await docker.cli('exec', id, 'node', 'dist/cli.js', 'diagnose')).toMatch(/All \d+ checks passed/);
  });

  test('may read the log of the kernel, and not write to it', async () => {
    expect((await scrape()).value('isolation_source_up', { source: 'kmsg' })).toBe(1);
    await expect(docker.cli('exec', id, 'node', '-e', `fs.openSync('/dev/kmsg', 'w')`)).rejects.toThrow('EPERM');
  });

  test('is found healthy only while it is', async () => {
    const [form, ...check] = JSON.parse(
      await docker.cli('image', 'inspect', '--format', '{{json .Config.Healthcheck.Test}}', SERVICE.image),
    ) as readonly string[];
    expect(form).toBe('CMD');
    await docker.cli('exec', id, ...check);
    await docker.cli('exec', id, 'node', '-e', `process.kill(${await docker.pidOf(id)}, 'SIGSTOP')`);
    const checked = host.run(`timeout 5 ${docker.client} exec ${id} ${quote(...check)}`);
    expect((await checked).code).not.toBe(0);
    await docker.cli('exec', id, 'node', '-e', `process.kill(${await docker.pidOf(id)}, 'SIGCONT')`);
  });

  test('tells which build it is, and has no more than it needs', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
    const info = (await scrape()).labels('isolation_exporter_build_info', {});
    expect([info?.get('version'), info?.get('revision')]).toEqual([version, 'of-the-lab']);
    const labels = JSON.parse(
      await docker.cli('image', 'inspect', '--format', '{{json .Config.Labels}}', SERVICE.image),
    ) as Readonly<Record<string, string>>;
    expect(labels).toMatchObject({
      'org.opencontainers.image.title': 'isolation-exporter',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': 'of-the-lab',
    });
    const files = await docker.cli('exec', id, 'node', '-e', `console.log(fs.readdirSync('/app').join(' '))`);
    expect(files.split(' ').toSorted()).toEqual(['dist', 'node_modules', 'package.json']);
    await expect(docker.cli('exec', id, 'node', '-e', `fs.statSync('/app/node_modules/vitest')`)).rejects.toThrow(
      'ENOENT',
    );
    expect(
      await docker.cli('exec', id, 'node', '-e', `console.log(fs.readdirSync('/app/dist').join(' '))`),
    ).not.toContain('.test.');
  });

  test('adds little to the image of Node', async () => {
    const size = async (image: string) => Number(await docker.cli('image', 'inspect', '--format', '{{.Size}}', image));
    const [, base = ''] = /^FROM (\S+)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const labels = await docker.cli('image', 'inspect', '--format', '{{json .Config.Labels}}', SERVICE.image);
    expect(JSON.parse(labels)).toHaveProperty(['org.opencontainers.image.base.name'], `docker.io/library/${base}`);
    // docs/deploy.md says so.
    expect((await size(SERVICE.image)) - (await size(base))).toBeLessThan(25e6);
  });

  test('needs no more than Node and the tarball to scan', async () => {
    const tarball = await succeed(host, `npm pack --silent --ignore-scripts --pack-destination ${docker.directory}`);
    const [, base = ''] = /^FROM (\S+)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const { stdout, stderr, code } = await host.run(
      `${docker.client} run --rm --network host --pid host --cgroupns host --volume /sys/fs/cgroup:/sys/fs/cgroup:ro \
        --volume ${docker.directory}/${tarball}:/it.tgz:ro --security-opt apparmor=unconfined --cap-add SYS_PTRACE \
        ${base} npx --yes --package=/it.tgz -- isolation-exporter scan --output json`,
      { timeoutMs: 120_000 },
    );
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    const { containers } = JSON.parse(stdout) as { readonly containers: readonly { readonly id: string }[] };
    const seen = containers.map((container) => container.id);
    expect(seen).toEqual(expect.arrayContaining(Object.values(ids)));
  });

  test('stops at once on request, and saves its state', async () => {
    await docker.cli('stop', '--time', '10', id);
    const code = await docker.cli('inspect', '--format', '{{.State.ExitCode}}', id);
    // 137 would mean that it was killed.
    expect(code).toBe('0');
    const state = `${docker.directory}/state`;
    await docker.cli('cp', `${id}:/var/lib/isolation-exporter/oom.json`, state);
    expect(JSON.parse(readFileSync(state, 'utf8'))).toBeTypeOf('object');
    await eventually('it said so', async () => (await logs()).includes('msg=stopping') || undefined, {
      timeoutMs: 5_000,
    });
  });
});

interface ScrapeFile {
  readonly scrape_configs: readonly [{ readonly docker_sd_configs: readonly [object] }];
}

/** A proxy that passes GET requests on to Docker's socket, for what its variables allow. */
const PASS_ON = `
  const http = require('node:http');
  const allowed = { PING: '1', VERSION: '1', EVENTS: '1', ...process.env };
  http.createServer((request, response) => {
    const [, part = ''] = /^(?:\\/v[\\d.]+)?\\/_?(\\w+)/.exec(request.url) ?? [];
    if (!['GET', 'HEAD'].includes(request.method) || allowed[part.toUpperCase()] !== '1') {
      return response.writeHead(403).end();
    }
    const { url: path, method, headers } = request;
    const onward = http.request({ socketPath: '/var/run/docker.sock', path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    response.on('close', () => onward.destroy());
    onward.on('error', () => response.destroy());
    onward.end();
  }).listen(2375);`;
