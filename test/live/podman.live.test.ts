import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Background, eventually, succeed } from '../lab/machine.ts';
import { untilShown, within } from './docker-containers.ts';
import { type PodmanOfAUser, startPodmanOfAUser } from './podman-of-a-user.ts';
import { removeCgroups, removeDirectory } from '../lab/remains.ts';

/** The infra container of a pod has no flags for its limits: without them, Podman tries to raise its own. */
const LIMITS = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]`;

// The suite needs Docker for its busybox.
describeLive('Podman', ['podman', 'docker'], () => {
  const name = `isolation-exporter-${process.pid}`;
  let directory: string;
  let podman: string | undefined;
  let service: Background | undefined;
  let id = '';
  const pods: string[] = [];
  let user: PodmanOfAUser | undefined;
  let userExporter: Exporter | undefined;
  const withoutCgroup = async () =>
    (await userExporter?.scrape())?.value('isolation_containers_without_cgroup', { source: 'podman' });

  beforeAll(async () => {
    directory = await succeed(host, 'mktemp -d /tmp/isolation-exporter-podman-XXXXXX');
    // It uses cgroupfs and runc: other drivers need systemd, and crun does not support hybrid hosts.
    await succeed(host, `cat > ${directory}/containers.conf <<'EOF'\n${LIMITS}\nEOF`);
    podman = `CONTAINERS_CONF=${directory}/containers.conf podman --runtime runc --root ${directory}/root --runroot ${directory}/run --tmpdir ${directory}/tmp --cgroup-manager cgroupfs --storage-driver overlay`;
    await succeed(
      host,
      `set -e -o pipefail
      mkdir -p ${directory}/image/bin
      cp /bin/busybox ${directory}/image/bin/
      for applet in sleep tail; do ln -s busybox ${directory}/image/bin/$applet; done
      tar -C ${directory}/image -c . | ${podman} import -q - lab:1`,
    );
    id = await succeed(
      host,
      `${podman} run -d --name ${name} --label team=core --network none --memory 64m lab:1 /bin/sleep 1000000`,
    );
    user = await startPodmanOfAUser(directory, `${name}-user`);
    userExporter = await startExporter(host, { flags: ['--docker.host=', `--podman.host=unix://${user.socket}`] });
    await within(host, 'the engine', async () => (await withoutCgroup()) === 0);
  });
  afterAll(async () => {
    await userExporter?.[Symbol.asyncDispose]();
    await user?.[Symbol.asyncDispose]();
    await service?.stop();
    if (podman !== undefined) {
      await host.run(`${podman} pod rm --force --all --time 0; ${podman} rm --force --all --time 0`);
    }
    if (id !== '') await removeCgroups(host, `libpod-${id}`);
    for (const pod of pods) await removeCgroups(host, pod);
    if (directory !== undefined) await removeDirectory(host, directory);
  });

  test('a container is found and named without its API', async () => {
    await using exporter = await startExporter(host, { flags: ['--docker.host=', '--podman.host='] });
    await untilShown(host, exporter, [id]);
    const samples = await exporter.scrape();
    const labels = { engine: 'podman', container: name };
    expect(samples.labels('isolation_container_info', labels)?.get('id')).toBe(id);
    expect(samples.labels('isolation_container_info', labels)?.get('runtime')).toBe('runc');
    expect(samples.value('isolation_source_up', { source: 'conmon' })).toBe(1);
    expect(samples.value('isolation_container_memory_own_limit_bytes', labels)).toBe(67_108_864);
    expect(samples.value('isolation_container_host_namespace', { ...labels, ns: 'pid' })).toBe(0);
  });

  test('and is named by it', async () => {
    const socket = `${directory}/podman.sock`;
    service = await host.start(`exec env ${podman} system service --time 0 unix://${socket}`);
    const ping = `curl -sS --fail --unix-socket ${socket} http://podman/_ping`;
    await eventually('the API answers', () => succeed(host, ping), { timeoutMs: 30_000 });
    const flags = ['--docker.host=', `--podman.host=unix://${socket}`, '--container.labels=team'];
    await using exporter = await startExporter(host, { flags });
    const info = async () => (await exporter.scrape()).labels('isolation_container_info', { id });
    await within(host, 'the name', async () => (await info())?.get('container') === name);
    expect((await info())?.get('engine')).toBe('podman');
    expect((await info())?.get('image')).toBe('localhost/lab:1');
    const labels = { engine: 'podman', container: name };
    expect((await exporter.scrape()).labels('isolation_container_labels_info', labels)?.get('label_team')).toBe('core');
    expect((await exporter.scrape()).value('isolation_source_up', { source: 'podman' })).toBe(1);
    for (const [from, to] of [
      [name, `${name}-renamed`],
      [`${name}-renamed`, name],
    ] as const) {
      await succeed(host, `${podman} rename ${from} ${to}`);
      await within(host, 'the new name', async () => (await info())?.get('container') === to, 5_000);
    }
  });

  test('a container that was killed and removed while no exporter ran has its name', async () => {
    const container = `${name}-brief`;
    const flags = '--rm --network none --memory 8m --memory-swap 8m';
    // After more than ten kills in five seconds, even by other suites, the kernel reports the next kills without their
    // cgroup.
    await succeed(host, 'sleep 6');
    // conmon leaves an empty file named `oom` in the working directory.
    await succeed(host, `cd ${directory} && ! ${podman} run --name ${container} ${flags} lab:1 /bin/tail /dev/zero`);
    const socket = `unix://${directory}/podman.sock`;
    await using exporter = await startExporter(host, { flags: ['--docker.host=', `--podman.host=${socket}`] });
    const kills = async () =>
      (await exporter.scrape()).value('isolation_container_oom_kills_total', { engine: 'podman', container });
    await within(host, 'the kill under its name', async () => (await kills()) === 1);
    const logged = (await exporter.log()).filter(({ msg }) => msg === 'OOM kill').map((line) => line['container']);
    expect(logged).toContain(container);
  });

  describe('a pod', () => {
    const pod = `${name}-shop`;
    const inPod = { engine: 'podman', container: `${name}-app` };
    let app = '';
    let infra = '';
    const make = async (of: string, ...flags: readonly string[]): Promise<readonly [app: string, infra: string]> => {
      const infraFlags = "--infra-image lab:1 --infra-command '/bin/sleep 1000000'";
      const created = await succeed(
        host,
        `${podman} pod create --name ${of} --network none ${infraFlags} ${flags.join(' ')}`,
      );
      pods.push(created);
      const flagsOfApp = `--pod ${of} --memory 64m`;
      const made = await succeed(
        host,
        `${podman} run -d --name ${of.replace(/-[a-z]+$/, '-app')} ${flagsOfApp} lab:1 /bin/sleep 1000000`,
      );
      return [made, await succeed(host, `${podman} pod inspect --format '{{.InfraContainerID}}' ${created}`)];
    };
    const remove = () => host.run(`${podman} pod rm --force --time 0 ${pod}`);
    const shown = async (flag: string): Promise<readonly Samples[]> => {
      await using exporter = await startExporter(host, { flags: ['--docker.host=', flag] });
      await untilShown(host, exporter, [id, app]);
      // A new container waits up to 2 s for its name.
      await new Promise((resolve) => void setTimeout(resolve, 2_500));
      return [await exporter.scrape()];
    };

    beforeAll(async () => {
      [app, infra] = await make(pod);
    });
    afterAll(remove);

    test('shows its containers without the infra container, without the API', async () => {
      const side = `${name}-side`;
      await succeed(host, `${podman} run -d --pod ${pod} --name ${side} lab:1 /bin/sleep 1000000`);
      const [samples] = await shown('--podman.host=');
      expect(samples?.labels('isolation_container_info', { container: side })).toBeDefined();
      expect(samples?.labels('isolation_container_info', { id: infra })).toBeUndefined();
      expect(samples?.text).not.toContain('-infra"');
      expect(samples?.labels('isolation_container_info', inPod)?.get('pod_uid')).toBe(pods.at(-1));
      // They share the network with the infra container and one another, which are no strangers.
      expect(samples?.value('isolation_container_host_namespace', { ...inPod, ns: 'net' })).toBe(0);
      expect(samples?.value('isolation_container_namespace_peers', { ...inPod, ns: 'net' })).toBeUndefined();
    });

    test('names them and itself with it, whatever its infra container is called', async () => {
      const flag = `--podman.host=unix://${directory}/podman.sock`;
      for (const flags of [[], ['--infra-name', `${name}-pause`, '--share-parent=false']]) {
        await remove();
        [app, infra] = await make(pod, ...flags);
        const [samples] = await shown(flag);
        expect(samples?.labels('isolation_container_info', { id: infra }), flags.join(' ')).toBeUndefined();
        const info = samples?.labels('isolation_container_info', { ...inPod, pod });
        expect(info?.get('id')).toBe(app);
        expect(info?.get('runtime')).toBe('runc');
        expect(info?.get('image')).toBe('localhost/lab:1');
      }
    });

    test('counts the starts of its containers and not of the infra container', async () => {
      const flag = `--podman.host=unix://${directory}/podman.sock`;
      await using exporter = await startExporter(host, { flags: ['--docker.host=', flag] });
      await untilShown(host, exporter, [id, app]);
      await remove();
      [app, infra] = await make(pod);
      await within(host, 'the start', async () => {
        const samples = await exporter.scrape();
        return samples.value('isolation_container_starts_total', { ...inPod, pod }) === 1;
      });
      const { text } = await exporter.scrape();
      expect(text).not.toContain('-infra"');
      expect(text).not.toContain(infra);
    });
  });

  // Begun before all others, so that the minute is over by now.
  test('a container without a cgroup is counted after a minute, until it ends', async () => {
    await within(host, 'the container', async () => (await withoutCgroup()) === 1, 90_000);
    await user?.remove();
    await within(host, 'its end', async () => (await withoutCgroup()) === 0);
  });
});
