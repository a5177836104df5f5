import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { within } from './docker-containers.ts';

/** Neither asks a registry for the image. */
const SERVICE = ['--detach', '--no-resolve-image', '--network', 'host', '--restart-delay', '1s'];

const STACK = `version: "3.8"
services:
  db:
    image: ${LAB_IMAGE}
    networks: [outside]
networks:
  outside: { external: true, name: host }`;

describeLive('Docker Swarm', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;

  beforeAll(async () => {
    docker = await startDocker(host, { flags: ['--live-restore=false'] });
    await docker.cli('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:12377');
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    // A failure here would leave the daemon running.
    if (docker !== undefined) await host.run(`${docker.client} swarm leave --force`);
    await docker?.[Symbol.asyncDispose]();
  });

  const info = async (container: string) => (await exporter.scrape()).labels('isolation_container_info', { container });
  const service = (name: string, ...more: readonly string[]) =>
    docker.cli('service', 'create', ...SERVICE, '--name', name, ...more);
  const idOf = async (container: string) => (await info(container))?.get('id');

  test('the next task of a service continues the series of the last', async () => {
    await service('web', LAB_IMAGE);
    await within(host, 'its container', async () => (await idOf('web.1')) !== undefined);
    const before = await idOf('web.1');
    expect((await info('web.1'))?.get('swarm_service')).toBe('web');
    expect(await docker.cli('inspect', '--format', '{{.Name}}', before ?? '')).toBe(
      `/web.1.${(await info('web.1'))?.get('swarm_task')}`,
    );
    await docker.cli('service', 'update', '--detach', '--no-resolve-image', '--force', 'web');
    await within(host, 'the next task', async () => ![before, undefined].includes(await idOf('web.1')));
    await within(host, 'the start', async () => {
      const starts = (await exporter.scrape()).value('isolation_container_starts_total', { container: 'web.1' });
      return starts === 2;
    });
  });

  test('OOM kills of one task after the other are one counter', async () => {
    const eater = ['sh', '-c', 'sleep 1; exec tail /dev/zero'];
    await service('eater', '--limit-memory', '16m', LAB_IMAGE, ...eater);
    const kills = async () =>
      (await exporter.scrape()).all.filter(
        ({ name, labels }) =>
          name === 'isolation_container_oom_kills_total' && JSON.stringify(labels).includes('eater'),
      );
    await within(host, 'three kills', async () => ((await kills())[0]?.value ?? 0) >= 3, 60_000);
    expect((await kills()).map(({ labels }) => labels)).toEqual([{ engine: 'docker', container: 'eater.1' }]);
    await docker.cli('service', 'rm', 'eater');
  });

  test('containers of a global service and of a stack have its name', async () => {
    await service('agent', '--mode', 'global', LAB_IMAGE);
    const file = `${docker.directory}/stack.yaml`;
    await succeed(host, `cat > ${file} <<'EOF'\n${STACK}\nEOF`);
    await docker.cli('stack', 'deploy', '--resolve-image', 'never', '--compose-file', file, 'shop');
    await within(
      host,
      'both',
      async () => (await idOf('agent')) !== undefined && (await idOf('shop_db.1')) !== undefined,
    );
    expect((await info('shop_db.1'))?.get('swarm_stack')).toBe('shop');
    expect((await info('shop_db.1'))?.get('swarm_service')).toBe('shop_db');
  });
});
