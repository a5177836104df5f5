import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, samplesOf, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { within, words } from './docker-containers.ts';

const MB = 1024 * 1024;
const BYTES = 'isolation_container_writable_layer_bytes';

/** What each container does before it sleeps. */
const CONTAINERS = {
  idle: 'true',
  writer:
    'dd if=/dev/urandom of=/file bs=1M count=20 && busybox ln /file /link && busybox truncate -s 1099511627776 /sparse && busybox mkdir -p /a/b && echo x > /a/b/c',
  // Links out of its layer and in circles.
  linker:
    'busybox ln -s . /circle && busybox ln -s / /root && busybox ln -s ../../../.. /up && busybox ln -s /proc /procs',
  deep: 'for i in $(busybox seq 300); do busybox mkdir d && cd -P d; done',
} as const;
/** Mounts an overlay of its own, in the manner of Docker, which becomes its root. */
const LIAR =
  'busybox mount -t tmpfs tmpfs /lie && busybox mkdir /lie/diff /lie/work /lie/merged && ' +
  'busybox mount -t overlay -o lowerdir=/,upperdir=/lie/diff,workdir=/lie/work overlay /lie/merged';

describeLive('what containers have written, by real Docker', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;
  const scrape = async (path = '/metrics'): Promise<Samples> =>
    samplesOf(`${await succeed(host, `curl -sS --fail -m 5 http://${exporter.address}${path}`)}\n`);
  const upperOf = (name: string) => docker.cli('inspect', '--format', '{{.GraphDriver.Data.UpperDir}}', name);
  const du = async (name: string): Promise<number> =>
    Number.parseInt(await succeed(host, `du -s --block-size=1 ${await upperOf(name)}`), 10);
  const unknown = (samples: Samples, container: string) =>
    samples.labels('isolation_container_writable_layer_unknown', { container })?.get('reason');

  beforeAll(async () => {
    docker = await startDocker(host);
    for (const [name, script] of Object.entries(CONTAINERS)) await run(name, '', `${script} && exec sleep 100000`);
    const lie = `mkdir /lie && ${LIAR} && exec busybox chroot /lie/merged /bin/sleep 100000`;
    await run('liar', '--cap-add SYS_ADMIN --security-opt seccomp=unconfined', lie);
    for (const name of [...Object.keys(CONTAINERS), 'liar']) {
      await within(host, `${name} sleeps`, async () => (await docker.cli('top', name)).includes('sleep 100000'));
    }
    exporter = await startExporter(host, {
      flags: [
        `--docker.host=unix://${docker.socket}`,
        '--collector.layers',
        '--layers.interval=10s',
        '--web.cadvisor-path=/metrics/cadvisor',
      ],
    });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  async function run(name: string, flags: string, script: string): Promise<void> {
    const options = flags === '' ? [] : words(flags);
    await docker.run('--name', name, '--network', 'none', ...options, LAB_IMAGE, 'sh', '-c', script);
  }

  test('is what du counts, with the file system that holds it', async () => {
    await within(host, 'all are measured', async () => {
      const samples = await scrape();
      return (
        ['idle', 'writer', 'linker'].every((container) => samples.value(BYTES, { container }) !== undefined) &&
        ['deep', 'liar'].every((container) => unknown(samples, container) !== undefined)
      );
    });
    const samples = await scrape();
    for (const container of ['idle', 'writer', 'linker']) {
      expect([container, samples.value(BYTES, { container })]).toEqual([container, await du(container)]);
    }
    const written = samples.value(BYTES, { container: 'writer' }) ?? 0;
    expect(written).toBeGreaterThan(20 * MB);
    expect(written).toBeLessThan(21 * MB);
    expect(samples.value(BYTES, { container: 'linker' })).toBeLessThan(MB);
    const df = await succeed(host, `df --block-size=1 --output=size ${await upperOf('writer')} | tail -n 1`);
    const size = samples.value('isolation_container_root_file_system_size_bytes', { container: 'writer' });
    expect(size).toBe(Number(df));
    expect(samples.value('isolation_scrape_collector_success', { collector: 'layers' })).toBe(1);
    const cadvisor = await scrape('/metrics/cadvisor');
    const source = await succeed(host, `df --output=source ${await upperOf('writer')} | tail -n 1`);
    const labels = { name: 'writer', device: source.trim() };
    expect(cadvisor.value('container_fs_usage_bytes', labels)).toBe(written);
    expect(cadvisor.value('container_fs_limit_bytes', labels)).toBe(size);
  });

  test('is unknown, with the reason, where a container makes its tree too deep or lies about its root', async () => {
    const pid = await docker.pidOf('liar');
    expect(await succeed(host, `cat /proc/${pid}/mountinfo`)).toMatch(
      / \/ \/ [^\n]* overlay overlay [^\n]*upperdir=\/lie\/diff,/,
    );
    const samples = await scrape();
    expect([unknown(samples, 'deep'), unknown(samples, 'liar')]).toEqual(['too_deep', 'no_layer']);
    expect(['deep', 'liar'].map((container) => samples.value(BYTES, { container }))).toEqual([undefined, undefined]);
  });

  test('is measured again when it is older than the interval', async () => {
    const at = 'isolation_container_writable_layer_timestamp_seconds';
    const before = (await scrape()).value(at, { container: 'writer' }) ?? 0;
    await docker.cli('exec', 'writer', 'sh', '-c', 'dd if=/dev/urandom of=/more bs=1M count=5');
    await within(host, 'the next size', async () => {
      const written = (await scrape()).value(BYTES, { container: 'writer' }) ?? 0;
      return written > 25 * MB;
    });
    const after = (await scrape()).value(at, { container: 'writer' }) ?? 0;
    expect(after - before).toBeGreaterThanOrEqual(10);
  });
});
