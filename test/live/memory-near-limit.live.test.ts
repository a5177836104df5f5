import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { untilComplete, within } from './docker-containers.ts';

const LIMIT = 64 * 1024 * 1024;

/** The memory that fills each container up to its limit of 64 MiB, and whether the kernel could free it. */
const CONTAINERS: Readonly<Record<string, { readonly script: string; readonly freed: boolean }>> = {
  cache: {
    script: 'dd if=/dev/zero of=/file bs=1048576 count=58; while :; do cat /file >/dev/null; sleep 0.5; done',
    freed: true,
  },
  anonymous: { script: 'dd if=/dev/zero of=/dev/null bs=62914560', freed: false },
  tmpfs: { script: 'dd if=/dev/zero of=/dev/shm/file bs=1048576 count=60; sleep 1000000', freed: false },
  quiet: { script: 'sleep 1000000', freed: true },
};

describeLive('memory that the kernel cannot free, on this host', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;
  beforeAll(async () => {
    docker = await startDocker(host);
    for (const [name, { script }] of Object.entries(CONTAINERS)) {
      const flags = [
        '--memory',
        String(LIMIT),
        '--memory-swap',
        String(LIMIT),
        '--shm-size',
        '64m',
        '--network',
        'none',
      ];
      await docker.run('--name', name, ...flags, LAB_IMAGE, 'sh', '-c', script);
    }
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilComplete(host, exporter, Object.keys(CONTAINERS));
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  const share = async (container: string, metric: string): Promise<number> =>
    ((await exporter.scrape()).value(`isolation_container_memory_${metric}_bytes`, { container }) ?? NaN) / LIMIT;

  test.each(Object.entries(CONTAINERS))('%s', async (container, { freed }) => {
    if (freed) {
      if (container === 'cache') {
        await within(host, 'the cache is full', async () => (await share(container, 'working_set')) > 0.85);
      }
      expect(await share(container, 'unreclaimable')).toBeLessThan(0.1);
      return;
    }
    await within(host, 'memory is in use', async () => (await share(container, 'unreclaimable')) > 0.9);
    expect(await share(container, 'unreclaimable')).toBeLessThanOrEqual(1);
  });
});
