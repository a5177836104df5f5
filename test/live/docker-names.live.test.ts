import { rmdirSync } from 'node:fs';
import { createPathCheck } from '../../src/probes/path-check.ts';
import { PathProbes } from '../../src/probes/path-probes.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identifyCgroup } from '../../src/identify/cgroup-path.ts';
import { EngineSource } from '../../src/engines/engine-source.ts';
import { DOCKER } from '../../src/engines/name-sources.ts';
import { findInit } from '../../src/identify/init-process.ts';
import type { NameSource } from '../../src/engines/name-source.ts';
import { settle } from '../../src/identify/settle.ts';
import { findCgroupLayout } from '../../src/kernel/cgroup-layout.ts';
import { absentAsUndefined } from '../../src/kernel/errno.ts';
import { KernelFiles } from '../../src/kernel/kernel-files.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { eventually } from '../lab/machine.ts';

const probes = new PathProbes({ info() {}, warn() {} });
afterAll(() => probes[Symbol.dispose]());

const PARENT = `/isolation-exporter-${process.pid}`;

describeLive('names and init processes from a real Docker', ['docker'], () => {
  const kernel = new KernelFiles({
    procRoot: '/proc',
    layout: findCgroupLayout('/proc', '/sys/fs/cgroup'),
    descriptorBudget: 100,
  });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  let docker: Docker;
  let source: NameSource;

  const named = (id: string, what: (names: ReturnType<NameSource['namesOf']>) => boolean) =>
    eventually('the name', () => (what(source.namesOf(id)) ? source.namesOf(id) : undefined), { timeoutMs: 10_000 });
  const isUp = (up: boolean) =>
    eventually(`up: ${up}`, () => (source.up === up ? true : undefined), { timeoutMs: 30_000 });

  function initOf(cgroup: string): number | undefined {
    const init = findInit(kernel, kernel.cgroup(cgroup));
    init?.files.close();
    return init?.pid;
  }

  async function run(...words: readonly string[]): Promise<string> {
    return docker.run('--network', 'none', ...words);
  }

  beforeAll(async () => {
    docker = await startDocker(host);
    source = new EngineSource({
      checkPath: createPathCheck(probes),
      ...DOCKER,
      places: [DOCKER.placeOf({ kind: 'unix', path: docker.socket, text: docker.socket })],
      isDefault: false,
      log: silent,
      timings: { heartbeat: 1_000 },
    });
    await isUp(true);
  });

  afterAll(async () => {
    await source?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
    // Docker does not remove the parents that it created.
    for (const { root } of kernel.layout.hierarchies) absentAsUndefined(() => rmdirSync(root + PARENT));
    expect(kernel.open).toBe(0);
  });

  test('a container is named as soon as it is asked for, and again when it is renamed', async () => {
    const id = await run('--name', 'web', '--label', 'com.docker.compose.project=shop', LAB_IMAGE);
    source.want(id);
    await named(id, (names) => names?.runtime !== undefined);
    expect(source.namesOf(id)).toEqual({ name: 'web', image: LAB_IMAGE, runtime: 'runc', composeProject: 'shop' });
    await docker.cli('rename', 'web', 'shop');
    await named(id, (names) => names?.name === 'shop');
    await docker.remove(id);
  });

  test('a container that lived for a moment, and was never asked for, has a name', async () => {
    const id = await run('--rm', '--name', 'flash', LAB_IMAGE, 'true');
    await named(id, (names) => names?.name === 'flash');
  });

  test('its init process is the one that Docker says, whatever it shares and runs', async () => {
    const script = 'sleep 1000 & sleep 1000 & wait';
    const options = [[], ['--pid', 'host'], ['--init'], ['--cgroupns', 'host']];
    for (const option of options) {
      const id = await run(...option, LAB_IMAGE, 'sh', '-c', script);
      await docker.cli('exec', '-d', id, 'sleep', '1000');
      expect(initOf(docker.cgroupOf(id)), option.join(' ')).toBe(await docker.pidOf(id));
      await docker.remove(id);
    }
    const first = await run('--name', 'first', LAB_IMAGE);
    const second = await run('--pid', 'container:first', LAB_IMAGE);
    expect(initOf(docker.cgroupOf(second))).toBe(await docker.pidOf(second));
    await docker.remove(first, second);
  });

  test('where the path does not say whose a container is, its shim does', async () => {
    const id = await run('--cgroup-parent', PARENT, LAB_IMAGE);
    const guess = identifyCgroup(`${PARENT}/${id}`);
    expect(guess).toMatchObject({ engine: 'containerd', id, engineGuessed: true });
    expect(guess && settle(kernel, guess)).toEqual({
      engine: 'docker',
      id,
      cgroup: `${PARENT}/${id}`,
      infra: false,
    });
    await docker.remove(id);
  });
});
