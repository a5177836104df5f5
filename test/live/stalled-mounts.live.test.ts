import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { StoppableMount } from '../lab/stoppable-mount.ts';
import { within } from './docker-containers.ts';
import { labelOf, POSITIONS, StalledContainers } from './stalled-containers.ts';

/** In seconds. A scrape takes much less, but a test machine can be slow. */
const AT_ONCE = 5;

describeLive('a FUSE server that stops', ['docker', 'fuse'], () => {
  let docker: Docker;
  let mounts: readonly StoppableMount[] = [];
  let containers: StalledContainers;
  /** This exporter started while the server answered. */
  let early: Exporter;
  let late: Exporter | undefined;
  /** The metrics of the container without the mount. */
  let ofNeighbour: readonly string[];

  const start = (): Promise<Exporter> => startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
  const certain = (samples: Samples, name: string): number | undefined =>
    samples.value('isolation_container_isolation_level_certain', { container: labelOf(name) });

  beforeAll(async () => {
    docker = await startDocker(host);
    const [mount, hidden] = [await StoppableMount.start(), await StoppableMount.start()];
    mounts = [mount, hidden];
    containers = new StalledContainers(docker, { mount, hidden });
    await containers.start();
    early = await start();
    await within(host, 'all containers are shown with their levels', async () => {
      const samples = await early.scrape();
      return ['neighbour', ...POSITIONS].every((name) => certain(samples, name) !== undefined);
    });
    ofNeighbour = metricsOf(await early.scrape(), 'neighbour');
    for (const each of mounts) each.stop();
  });
  afterAll(async () => {
    for (const mount of mounts) mount.resume();
    await late?.[Symbol.asyncDispose]();
    await early?.[Symbol.asyncDispose]();
    await containers?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
    for (const mount of mounts) await mount[Symbol.asyncDispose]();
  });

  test('stops nobody: an exporter that is running answers, and one can be started', async () => {
    late = await start();
    for (const exporter of [early, late]) {
      for (let round = 0; round < 3; round += 1) {
        await succeed(host, `curl -sS --fail -m ${AT_ONCE} http://${exporter.address}/-/healthy`);
        await succeed(host, `curl -sS --fail -m ${AT_ONCE} -o /dev/null http://${exporter.address}/metrics`);
      }
    }
  });

  test('takes nothing from a container that has nothing to do with it', async () => {
    for (const exporter of [early, late]) {
      const samples = await exporter?.scrape();
      expect(samples && metricsOf(samples, 'neighbour')).toEqual(ofNeighbour);
      expect(samples && certain(samples, 'neighbour')).toBe(1);
      expect(samples?.value('isolation_scrape_collector_success', { collector: 'posture' })).toBe(1);
    }
  });

  test('makes unknown what would take a look at the mount, and nothing better than it is', async () => {
    await within(host, 'those are shown that no engine knows', async () => {
      const samples = await late?.scrape();
      return samples !== undefined && POSITIONS.every((name) => certain(samples, name) !== undefined);
    });
    const samples = await late?.scrape();
    const levels = POSITIONS.map((name) => [
      name,
      samples?.value('isolation_container_isolation_level', { container: labelOf(name) }),
      samples && certain(samples, name),
    ]);
    expect(levels).toEqual([
      // It may be a virtual machine, or only have the name of one.
      ['program', 0, 0],
      ['program-detached', 0, 0],
      ['directory', expect.any(Number), 1],
      ['working-directory', expect.any(Number), 1],
      ['socket', expect.any(Number), expect.any(Number)],
      ['socket-directory', expect.any(Number), expect.any(Number)],
      ['root', expect.any(Number), 1],
      ['overlay', expect.any(Number), 1],
    ]);
  });

  test('does not stop discovery', async () => {
    await docker.run('--name', 'newcomer', '--network', 'none', LAB_IMAGE);
    for (const exporter of [early, late]) {
      await within(host, 'the new container is shown', async () => {
        const samples = await exporter?.scrape();
        return samples !== undefined && certain(samples, 'newcomer') === 1;
      });
    }
  });

  test('is reported once for each container, and that it answers again is, too', async () => {
    await within(host, 'the look-up that does not return is reported', async () => (await stuck(late)) === 1);
    for (const mount of mounts) mount.resume();
    await within(host, 'nothing is stuck any more', async () => {
      const samples = await late?.scrape();
      return samples?.value('isolation_exporter_stuck_lookups') === 0;
    });
    const lines = ((await late?.log()) ?? []).filter(({ msg }) => String(msg).includes('path look-up'));
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    await within(host, 'what runs the container is known again', async () => {
      const samples = await late?.scrape();
      return samples !== undefined && certain(samples, 'program-detached') === 1;
    });
  });

  test('keeps names of an engine away whose socket is there, and nothing else', async () => {
    const [mount] = mounts;
    const socket = `unix://${mount?.path}/docker.sock`;
    // The exporter avoids the path even while the server answers, because the next access may hang.
    for (const change of ['stop', 'resume'] as const) {
      mount?.[change]();
      const exporter = await startExporter(host, { flags: [`--docker.host=${socket}`] });
      try {
        await succeed(host, `curl -sS --fail -m ${AT_ONCE} http://${exporter.address}/-/healthy`);
        const samples = await exporter.scrape();
        expect(samples.value('isolation_source_up', { source: 'docker' })).toBe(0);
        expect(samples.value('isolation_source_up', { source: 'cgroup_watch' })).toBe(1);
      } finally {
        await exporter[Symbol.asyncDispose]();
      }
    }
  });

  test('behind a path of the configuration ends the exporter with a line that says so', async () => {
    const [mount] = mounts;
    mount?.stop();
    for (const option of ['procfs', 'cgroupfs', 'kmsg']) {
      const flags = `--path.${option}=${mount?.path}/x --docker.host= --podman.host= --cri.endpoint=`;
      const { code, stderr } = await host.run(
        `${process.execPath} dist/cli.js --web.listen-address=127.0.0.1:0 ${flags}`,
        {
          timeoutMs: 30_000,
        },
      );
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(`--path.${option}: A look at "[^"]*" does not return\n$`),
      ]);
    }
  });

  test('does not keep an exporter from ending', async () => {
    for (const mount of mounts) mount.stop();
    const third = await start();
    await third.scrape();
    const began = performance.now();
    await third[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

async function stuck(exporter: Exporter | undefined): Promise<number | undefined> {
  return (await exporter?.scrape())?.value('isolation_exporter_stuck_lookups');
}

/** The distinct names of a container's metrics. */
function metricsOf(samples: Samples, container: string): readonly string[] {
  const own = samples.all.filter(({ labels }) => new Map(Object.entries(labels)).get('container') === container);
  return [...new Set(own.map(({ name }) => name))].toSorted();
}
