import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, samplesOf, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { eventually, succeed } from '../lab/machine.ts';
import { DOCKER_QUERIES, PANELS_OF_CONTAINERS, untilAllFind } from './cadvisor-queries.ts';
import { within, words } from './docker-containers.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

const PATH = '/metrics/cadvisor';

/** The containers of the suite, and the arguments of `docker run` for each. */
const CONTAINERS = {
  limited: [
    '--network none --memory 64m --memory-swap 96m --memory-reservation 32m --cpus 0.3 --cpu-shares 512 --pids-limit 100 --label com.docker.compose.project=shop --label com.docker.compose.service=web',
    ['sh', '-c', 'while :; do :; done'],
  ],
  unlimited: ['--network none', ['sleep', '100000']],
  exposed: ['--network host', ['sleep', '100000']],
  joined: ['--network container:limited', ['sleep', '100000']],
} as const;
type Name = keyof typeof CONTAINERS;
/** A stack of ten, in a network of its own. */
const STACK = ['api', 'cache', 'cron', 'db', 'mail', 'proxy', 'queue', 'search', 'web', 'worker'] as const;
const NAMES = ['limited', 'unlimited', 'exposed', 'joined'] as const;

describeLive("cAdvisor's names for containers of Docker", ['docker', 'prometheus'], () => {
  const ids = new Map<Name, string>();
  let docker: Docker;
  let exporter: Exporter;
  let traffic: AsyncDisposable;
  let prometheus: Prometheus;

  const scrape = async (): Promise<Samples> =>
    samplesOf(`${await succeed(host, `curl -sS --fail -m 20 http://${exporter.address}${PATH}`)}\n`);

  /** The content of a file of a container's cgroup, on either version. */
  const kernelFile = (name: Name, file: string): Promise<string> => {
    const below = docker.cgroupOf(ids.get(name) ?? '');
    return succeed(
      host,
      `for at in /sys/fs/cgroup${below}/${file} /sys/fs/cgroup/*${below}/${file}; do
        if [ -e $at ]; then exec cat $at; fi
      done`,
    );
  };

  beforeAll(async () => {
    docker = await startDocker(host);
    for (const name of NAMES) {
      const [flags, command] = CONTAINERS[name];
      ids.set(name, await docker.run('--name', name, ...words(flags), LAB_IMAGE, ...command));
    }
    await docker.createNetwork('stack');
    const ofStack = '--network stack --memory 64m --label com.docker.compose.project=stack';
    await Promise.all(
      STACK.map((name) =>
        docker.run('--name', name, ...words(`${ofStack} --label com.docker.compose.service=${name}`), LAB_IMAGE),
      ),
    );
    traffic = await host.start(TALK(await docker.pidOf('limited'), await docker.pidOf('unlimited')));
    exporter = await startExporter(host, {
      flags: [
        `--docker.host=unix://${docker.socket}`,
        `--web.cadvisor-path=${PATH}`,
        '--container.labels=com.docker.compose.project,com.docker.compose.service',
      ],
    });
    await within(host, 'names', async () => {
      const samples = await scrape();
      return NAMES.every((name) => samples.labels('container_last_seen', { name })?.has('image'));
    });
    const config = `{ global: { scrape_interval: 2s, scrape_timeout: 2s }, scrape_configs: [{ job_name: cadvisor, metrics_path: ${PATH}, static_configs: [{ targets: ['${exporter.address}'] }] }] }`;
    prometheus = await startConfiguredPrometheus(host, { 'prometheus.yml': config });
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await traffic?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test("the labels are cAdvisor's", async () => {
    const samples = await scrape();
    expect(Object.fromEntries(samples.labels('container_memory_rss', { name: 'limited' }) ?? [])).toEqual({
      id: docker.cgroupOf(ids.get('limited') ?? ''),
      name: 'limited',
      image: LAB_IMAGE,
      container_label_com_docker_compose_project: 'shop',
      container_label_com_docker_compose_service: 'web',
    });
    expect(samples.value('container_scrape_error')).toBe(0);
  });

  test('limits are the ones that were set, and 0 where there is none', async () => {
    const samples = await scrape();
    const isV1 = (await host.run('test -d /sys/fs/cgroup/memory')).code === 0;
    const specOf = (name: Name) =>
      ['memory_limit_bytes', 'memory_swap_limit_bytes', 'memory_reservation_limit_bytes', 'cpu_quota', 'cpu_period']
        .map((what) => samples.value(`container_spec_${what}`, { name }))
        .concat(samples.value('container_threads_max', { name }));
    const mb = 1_048_576;
    const [swap, reservation] = isV1 ? [96 * mb, 32 * mb] : [32 * mb, 0];
    expect(specOf('limited')).toEqual([64 * mb, swap, reservation, 30_000, 100_000, 100]);
    expect(specOf('unlimited')).toEqual([0, 0, 0, undefined, 100_000, 0]);
    if (isV1) expect(samples.value('container_spec_cpu_shares', { name: 'limited' })).toBe(512);
  });

  describe('values are those of the kernel', () => {
    const v1 = { stat: /^total_rss (\d+)/m, cache: /^total_cache (\d+)/m, faults: /^total_pgfault (\d+)/m };
    const v2 = { stat: /^anon (\d+)/m, cache: /^file (\d+)/m, faults: /^pgfault (\d+)/m };
    const inStat = (key: keyof typeof v1) => (text: string) => Number((v1[key].exec(text) ?? v2[key].exec(text))?.[1]);

    test.each<[family: string, Name, labels: Readonly<Record<string, string>>, file: string, (text: string) => number]>(
      [
        ['container_memory_usage_bytes', 'unlimited', {}, 'memory.{usage_in_bytes,current}', Number],
        ['container_memory_rss', 'unlimited', {}, 'memory.stat', inStat('stat')],
        ['container_memory_cache', 'unlimited', {}, 'memory.stat', inStat('cache')],
        [
          'container_memory_failures_total',
          'unlimited',
          { failure_type: 'pgfault', scope: 'container' },
          'memory.stat',
          inStat('faults'),
        ],
        ['container_threads', 'unlimited', {}, 'pids.current', Number],
        ['container_processes', 'unlimited', {}, 'cgroup.procs', (text) => text.split('\n').length],
        [
          'container_cpu_usage_seconds_total',
          'limited',
          { cpu: 'total' },
          '{cpuacct.usage,cpu.stat}',
          (text) => (/^\d+$/.test(text) ? Number(text) / 1e9 : Number(/usage_usec (\d+)/.exec(text)?.[1]) / 1e6),
        ],
        [
          'container_cpu_cfs_periods_total',
          'limited',
          {},
          'cpu.stat',
          (text) => Number(/^nr_periods (\d+)/m.exec(text)?.[1]),
        ],
        [
          'container_cpu_cfs_throttled_periods_total',
          'limited',
          {},
          'cpu.stat',
          (text) => Number(/^nr_throttled (\d+)/m.exec(text)?.[1]),
        ],
      ],
    )('%s of %s', async (family, name, labels, file, valueIn) => {
      const before = valueIn(await kernelFile(name, file));
      // A scrape that joins one of Prometheus has its deadline, and a busy machine may not keep it.
      const value = await eventually(family, async () => (await scrape()).value(family, { name, ...labels }), {
        timeoutMs: 20_000,
      });
      const after = valueIn(await kernelFile(name, file));
      expect(value).toBeGreaterThanOrEqual(Math.min(before, after));
      expect(value).toBeLessThanOrEqual(Math.max(before, after));
      expect(Number.isFinite(before)).toBe(true);
    });
  });

  test('a network is counted once, and the network of the host for nobody', async () => {
    const family = 'container_network_receive_bytes_total';
    const shown = (await scrape()).all.filter(({ name }) => name === family);
    const names = shown.map(({ labels }) => `${labels['name']} ${labels['interface']}`).toSorted();
    expect(names.filter((text) => NAMES.some((name) => text.startsWith(`${name} `)))).toEqual([
      'limited eth0',
      'unlimited eth0',
    ]);
    expect(names.filter((text) => text.endsWith(' eth0'))).toHaveLength(2 + STACK.length);
  });

  test('each query of boards and rules for cAdvisor finds something', async () => {
    await untilAllFind(prometheus, DOCKER_QUERIES);
  });

  test('every panel that lists containers shows all ten of a stack', async () => {
    await within(host, 'the stack', async () => {
      const found = await Promise.all(
        PANELS_OF_CONTAINERS.map(async ({ from, query }) => {
          const shown = new Set((await prometheus.labels(query)).map(({ name }) => name));
          return STACK.filter((name) => !shown.has(name)).map((name) => `${from}: ${query} lacks ${name}`);
        }),
      );
      const missing = found.flat();
      if (missing.length > 0) throw new Error(missing.join('\n'));
      return true;
    });
  });

  test('a container that is gone is seen no more, so that an alert can say so', async () => {
    const seen = (name: Name) => `time() - container_last_seen{name="${name}"} > 6`;
    expect(await prometheus.labels(seen('exposed'))).toEqual([]);
    await docker.remove('exposed');
    await within(host, 'the alert', async () => (await prometheus.labels(seen('exposed'))).length === 1);
    expect(await prometheus.labels(seen('unlimited'))).toEqual([]);
    expect((await scrape()).value('container_memory_rss', { name: 'exposed' })).toBeUndefined();
  });
});

/** Traffic between the network namespaces of two processes. */
const TALK = (sender: number, receiver: number) => `
  nsenter -t ${sender} -n ip link add eth0 type veth peer name eth0 netns ${receiver}
  nsenter -t ${sender} -n sh -c 'ip addr add 169.254.77.1/30 dev eth0; ip link set eth0 up'
  nsenter -t ${receiver} -n sh -c 'ip addr add 169.254.77.2/30 dev eth0; ip link set eth0 up'
  exec nsenter -t ${sender} -n bash -c 'while sleep 0.2; do echo hello > /dev/udp/169.254.77.2/9; done'`;
