import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, samplesOf, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { within, words } from './docker-containers.ts';

/** A health check that runs often, and fails at once. */
const CHECKED = '--health-interval 500ms --health-timeout 5s --health-retries 1';

/** The containers of the suite: the arguments of `docker run`, and the command. */
const CONTAINERS = {
  well: [`${CHECKED} --health-cmd true`, ['sleep', '100000']],
  ill: [`${CHECKED} --health-cmd /nothing`, ['sleep', '100000']],
  unchecked: ['--label isolation-exporter.should-run=true', ['sleep', '100000']],
  killed: ['--memory 16m --memory-swap 16m', ['tail', '/dev/zero']],
  looping: ['--restart always', ['sh', '-c', 'exit 3']],
  done: ['--label isolation-exporter.should-run=true', ['true']],
} as const;
type Name = keyof typeof CONTAINERS;

describeLive('the lives of containers, as Docker tells them', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;

  const scrape = async (path = '/metrics'): Promise<Samples> =>
    samplesOf(`${await succeed(host, `curl -sS --fail -m 5 http://${exporter.address}${path}`)}\n`);
  const healthOf = (samples: Samples, container: Name) =>
    samples.labels('isolation_container_health_status', { container })?.get('status');
  const page = () => succeed(host, `curl -sS --fail -m 5 http://${exporter.address}/`);

  beforeAll(async () => {
    docker = await startDocker(host);
    // Ended before the exporter starts.
    await run('killed');
    await within(host, 'the kill', async () => (await docker.cli('ps', '-aq', '--filter', 'status=exited')) !== '');
    exporter = await startExporter(host, {
      flags: [`--docker.host=unix://${docker.socket}`, '--web.cadvisor-path=/metrics/cadvisor'],
    });
    for (const name of ['well', 'ill', 'unchecked', 'looping', 'done'] as const) await run(name);
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  async function run(name: Name): Promise<void> {
    const [flags, command] = CONTAINERS[name];
    await docker.run('--name', name, '--network', 'none', ...words(flags), LAB_IMAGE, ...command);
  }

  test('results of health checks are there for containers that have one', async () => {
    await within(host, 'the results', async () => {
      const samples = await scrape();
      return healthOf(samples, 'well') === 'healthy' && healthOf(samples, 'ill') === 'unhealthy';
    });
    expect(healthOf(await scrape(), 'unchecked')).toBeUndefined();
    const cadvisor = await scrape('/metrics/cadvisor');
    const states = ['well', 'ill', 'unchecked'].map((name) => cadvisor.value('container_health_state', { name }));
    expect(states).toEqual([1, 0, undefined]);
    expect(await page()).toContain('>unhealthy<');
  });

  test('one that was OOM-killed before the exporter started has its end, as Docker keeps it', async () => {
    const [code, oomKilled, at] = (
      await docker.cli('inspect', '-f', '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}', 'killed')
    ).split(' ');
    expect([code, oomKilled]).toEqual(['137', 'true']);
    await within(
      host,
      'the end',
      async () => (await scrape()).value('isolation_container_exit_oom_killed', { container: 'killed' }) === 1,
    );
    const samples = await scrape();
    expect(samples.value('isolation_container_exit_code', { container: 'killed' })).toBe(137);
    expect(samples.value('isolation_container_exit_timestamp_seconds', { container: 'killed' })).toBe(
      Date.parse(at ?? '') / 1000,
    );
    expect(samples.value('isolation_container_ended', { container: 'killed' })).toBe(1);
    expect(samples.value('isolation_container_exit_code', { container: 'well' })).toBeUndefined();
    expect(await page()).toMatch(/>killed<.*exit code 137 \(SIGKILL\), OOM-killed/s);
  });

  test('a restart loop has its exit code and its restarts', async () => {
    await within(host, 'two restarts', async () => {
      const samples = await scrape();
      const restarts = samples.value('isolation_container_restarts_total', { container: 'looping' }) ?? 0;
      return restarts >= 2 && samples.value('isolation_container_exit_code', { container: 'looping' }) === 3;
    });
  });

  test('one that should run has a label for it, also when it has ended', async () => {
    await within(
      host,
      'the end',
      async () => (await scrape()).value('isolation_container_exit_code', { container: 'done' }) === 0,
    );
    const samples = await scrape();
    const should = (name: string) =>
      ['unchecked', 'done', 'killed'].map((container) => samples.value(name, { container }));
    expect(should('isolation_container_expected_up')).toEqual([1, 0, undefined]);
    expect(should('isolation_container_ended')).toEqual([undefined, 1, 1]);
  });

  test('one that should run and cannot be started does not run', async () => {
    const label = ['--label', 'isolation-exporter.should-run=true', '--network', 'none'];
    await docker.cli('create', '--name', 'unstarted', ...label, LAB_IMAGE, '/nothing');
    const expected = async () => (await scrape()).value('isolation_container_expected_up', { container: 'unstarted' });
    await within(host, 'the container', async () => (await expected()) === 0);
    await expect(docker.cli('start', 'unstarted')).rejects.toThrow();
    expect(await expected()).toBe(0);
    await docker.remove('unstarted');
    await within(host, 'the removal', async () => (await expected()) === undefined);
  });

  test('one that has ended has its new name once it is renamed, and the old one is free', async () => {
    await docker.cli('rename', 'killed', 'killed-old');
    await within(
      host,
      'the new name',
      async () => (await scrape()).value('isolation_container_exit_code', { container: 'killed-old' }) === 137,
    );
    expect((await scrape()).value('isolation_container_exit_code', { container: 'killed' })).toBeUndefined();
    await docker.cli('rename', 'killed-old', 'killed');
    await within(
      host,
      'the first name',
      async () => (await scrape()).value('isolation_container_exit_code', { container: 'killed' }) === 137,
    );
  });

  test('a dockerd that hangs holds up no scrape: the end of a container stays, the result of a health check does not', async () => {
    await docker.kill('SIGSTOP');
    try {
      await within(host, 'the hang', async () => {
        const samples = await scrape();
        return samples.value('isolation_source_up', { source: 'docker' }) === 0;
      });
      const samples = await scrape();
      expect(healthOf(samples, 'ill')).toBeUndefined();
      expect(samples.value('isolation_container_exit_code', { container: 'killed' })).toBe(137);
      expect(samples.value('isolation_containers_ended', { source: 'docker' })).toBeUndefined();
      expect(await page()).not.toContain('>unhealthy<');
    } finally {
      await docker.kill('SIGCONT');
    }
    await within(host, 'the results', async () => healthOf(await scrape(), 'ill') === 'unhealthy');
  });

  test('what is removed is gone', async () => {
    await docker.remove('killed');
    await within(
      host,
      'the removal',
      async () => (await scrape()).value('isolation_container_exit_code', { container: 'killed' }) === undefined,
    );
    expect((await scrape()).value('isolation_containers_ended', { source: 'docker' })).toBeGreaterThan(0);
  });
});
