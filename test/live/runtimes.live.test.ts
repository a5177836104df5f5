import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Background, succeed } from '../lab/machine.ts';
import { MAKE_BUNDLE } from './bundle.ts';
import { within } from './docker-containers.ts';

const DETACHED = `detached-${process.pid}`;
const FOREGROUND = `foreground-${process.pid}`;

describeLive('containers of runc without an engine', ['docker'], () => {
  let bundle = '';
  let foreground: Background;
  let exporter: Exporter;

  const seen = async (container: string) => {
    const samples = await exporter.scrape();
    const whose = { engine: 'runc', container };
    return {
      infos: samples.all.filter(
        ({ name, labels }) => name === 'isolation_container_info' && labels['container'] === container,
      ).length,
      memoryLimit: samples.value('isolation_container_memory_limit_bytes', whose),
    };
  };

  beforeAll(async () => {
    bundle = (await succeed(host, `set -e\n${MAKE_BUNDLE}`)).trim();
    exporter = await startExporter(host, { flags: ['--docker.host=', '--path.kmsg='] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await foreground?.[Symbol.asyncDispose]();
    for (const id of [DETACHED, FOREGROUND]) await host.run(`runc delete --force ${id}`, {});
    if (bundle !== '') await succeed(host, `rm -r ${bundle}`);
  });

  test('one that runc waits for is found, and is gone when it ends', async () => {
    foreground = await host.start(`cd ${bundle}\nexec runc run ${FOREGROUND} < /dev/null`);
    // runc sets the limit after it has made the cgroup.
    await within(host, FOREGROUND, async () => (await seen(FOREGROUND)).memoryLimit !== undefined);
    expect(await seen(FOREGROUND)).toEqual({ infos: 1, memoryLimit: 67_108_864 });
    await succeed(host, `runc kill ${FOREGROUND} KILL`);
    await within(host, 'its end', async () => (await seen(FOREGROUND)).infos === 0);
  });

  test('one that runc has detached is found by what runc keeps of it', async () => {
    await succeed(host, `cd ${bundle}\nrunc run --detach ${DETACHED} < /dev/null > /dev/null 2>&1`);
    // runc sets the limit after it has made the cgroup.
    await within(host, DETACHED, async () => (await seen(DETACHED)).memoryLimit !== undefined);
    expect(await seen(DETACHED)).toEqual({ infos: 1, memoryLimit: 67_108_864 });
    await succeed(host, `runc delete --force ${DETACHED}`);
    await within(host, 'its end', async () => (await seen(DETACHED)).infos === 0);
  });
});
