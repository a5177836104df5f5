import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, type Samples, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote } from '../lab/machine.ts';
import {
  CONTAINERS,
  type ContainerName,
  runContainers,
  untilComplete,
  untilShown,
  words,
} from './docker-containers.ts';
import { inContainer } from './in-container.ts';

/** Metrics that need a privilege for containers of other users. */
const OF_NAMESPACES =
  /^isolation_container_(?:host_namespace|namespace_peers|network_)|"finding":"host_(?:network|ipc|uts|cgroup)_namespace"/;

/** Metrics that change if fewer facts are known. */
const LEVEL = /^isolation_container_isolation_level/;

/** Metrics that stay the same between two scrapes. */
const CONSTANT =
  /_(?:info|limited|limit|limit_bytes|limit_cores|weight|cpus|start_time_seconds|host_namespace|peers|finding|level|certain|privileged|capability|left)$/;

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

describeLive('the exporter anywhere but on the host as root', ['docker'], () => {
  let docker: Docker;
  let outside: Exporter;
  let ids: Readonly<Record<ContainerName, string>>;
  let dockerFlag: string;

  beforeAll(async () => {
    docker = await startDocker(host);
    ids = await runContainers(docker);
    dockerFlag = `--docker.host=unix://${docker.socket}`;
    outside = await startExporter(host, { flags: [dockerFlag] });
    await untilComplete(host, outside);
  });
  afterAll(async () => {
    await outside?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  /** The series of one container, without its name and without values that change. */
  const factsOf = (samples: Samples, name: ContainerName): readonly string[] => {
    const own = samples.labels('isolation_container_info', { id: ids[name] })?.get('container');
    expect(own, name).toBeDefined();
    return samples.all
      .filter(({ labels }) => labels['container'] === own)
      .map(({ name: series, labels, value }) => {
        const { container: _, ...rest } = labels;
        return `${series} ${JSON.stringify(rest)} ${CONSTANT.test(series) ? value : 'varies'}`;
      });
  };

  const expectTheSameAsOutside = async (exporter: Exporter) => {
    await untilComplete(host, exporter);
    const [inside, reference] = [await exporter.scrape(), await outside.scrape()];
    for (const name of CONTAINERS) expect(factsOf(inside, name), name).toEqual(factsOf(reference, name));
    const kinds = (samples: Samples) =>
      samples.all.flatMap(({ name, labels }) =>
        name === 'isolation_host_namespace_reference_info' ? (labels['ns'] ?? []) : [],
      );
    expect(kinds(inside)).toEqual(kinds(reference));
    expect(inside.labels('isolation_host_info', {})).toEqual(reference.labels('isolation_host_info', {}));
    const problems = (await exporter.log()).filter(({ level }) => level !== 'info');
    expect(problems).toEqual([]);
  };

  test('with the trees of the host elsewhere, and namespaces of its own, says the same', async () => {
    const pidFile = `${docker.directory}/exporter-pid`;
    const mountThem = `
      set -e
      mount -t tmpfs none /mnt
      mkdir -p /mnt/host/proc /mnt/host/sys/fs/cgroup
      mount --rbind /proc /mnt/host/proc
      mount --rbind /sys/fs/cgroup /mnt/host/sys/fs/cgroup
      # Where they usually are they would be found without a flag.
      mount -t tmpfs none /sys/fs/cgroup
      ip link set lo up
      exec "$@"`;
    const script = (command: string) => `
      echo $$ > ${pidFile}
      exec unshare --mount --uts --ipc --net --propagation private bash -c ${quote(mountThem)} - ${command}`;
    await using exporter = await startExporter(host, {
      flags: [dockerFlag, '--path.procfs=/mnt/host/proc', '--path.cgroupfs=/mnt/host/sys/fs/cgroup'],
      script,
      reachBy: async () => `nsenter --net --target "$(cat ${pidFile})"`,
    });
    await expectTheSameAsOutside(exporter);
  });

  test('in a container of Docker says the same', async () => {
    const flags =
      '--name exporter --pid host --network host --cap-add SYS_PTRACE --cap-add SYSLOG --device /dev/kmsg ' +
      '--security-opt apparmor=unconfined ' +
      '-v /proc:/host/proc:ro -v /sys/fs/cgroup:/host/sys/fs/cgroup:ro';
    const script = (command: string) => inContainer(docker, { flags, command });
    await using exporter = await startExporter(host, {
      flags: [dockerFlag, '--path.procfs=/host/proc', '--path.cgroupfs=/host/sys/fs/cgroup'],
      script,
    });
    await expectTheSameAsOutside(exporter);
    // The exporter runs in a container itself.
    expect(
      (await exporter.scrape()).value('isolation_container_host_namespace', { container: 'exporter', ns: 'pid' }),
    ).toBe(1);
  });

  test('as a user without privileges says what it can, and what it would take to say more', async () => {
    const own = await docker.run(...words('--name own --network none --user 65534:65534 --cap-drop ALL'), LAB_IMAGE);
    try {
      // Every user may enter /mnt, but perhaps not the directories of Node and this repository.
      const becomeNobody = `
        set -e
        mount -t tmpfs none /mnt
        mkdir /mnt/repository
        touch /mnt/node
        mount --bind "$1" /mnt/repository
        mount --bind "$2" /mnt/node
        # The paths, and those of Node and the program in the command.
        shift 4
        exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all /mnt/node /mnt/repository/dist/cli.js "$@"`;
      const script = (command: string) =>
        `exec unshare --mount --propagation private bash -c ${quote(becomeNobody, '-', REPOSITORY, process.execPath)} ${command}`;
      await using exporter = await startExporter(host, { flags: [dockerFlag], script });
      await untilShown(host, exporter, [...Object.values(ids), own]);
      const [inside, reference] = [await exporter.scrape(), await outside.scrape()];

      const withoutPrivilege = (facts: readonly string[]) =>
        facts.filter(
          (fact) => !OF_NAMESPACES.test(fact) && !LEVEL.test(fact) && !fact.startsWith('isolation_container_info '),
        );
      for (const name of CONTAINERS) {
        expect(withoutPrivilege(factsOf(inside, name)), name).toEqual(withoutPrivilege(factsOf(reference, name)));
        const ofNamespaces = factsOf(inside, name).filter((fact) => OF_NAMESPACES.test(fact));
        const unknown = ofNamespaces.filter((fact) => fact.startsWith('isolation_container_finding_unknown '));
        expect(
          { known: ofNamespaces.filter((fact) => !unknown.includes(fact)), unknown: unknown.length },
          name,
        ).toEqual({
          known: [],
          unknown: 4,
        });
      }
      // Unknown facts count as the worst case: no level is higher than the real one, or than `weakened`.
      for (const container of CONTAINERS) {
        const own = inside.labels('isolation_container_info', { id: ids[container] })?.get('container') ?? '';
        const level = inside.value('isolation_container_isolation_level', { container: own });
        expect(level, container).toBeLessThanOrEqual(
          Math.min(1, reference.value('isolation_container_isolation_level', { container }) ?? NaN),
        );
        // The level is certain if a host namespace is visible without a privilege.
        const isCertain = inside.value('isolation_container_isolation_level_certain', { container: own });
        expect(isCertain, container).toBe(Number(container === 'exposed'));
        expect(reference.value('isolation_container_isolation_level_certain', { container }), container).toBe(1);
      }
      // The kernel allows a user to inspect processes of the same user.
      const shared = inside.value('isolation_container_host_namespace', { container: own.slice(0, 12), ns: 'pid' });
      expect(shared).toBe(0);

      const success = (samples: Samples) =>
        samples.all.filter(({ name, value }) => name === 'isolation_scrape_collector_success' && value !== 1);
      expect(success(reference)).toEqual([]);
      expect(
        success(inside)
          .map(({ labels }) => labels['collector'])
          .toSorted(),
      ).toEqual(['namespaces', 'network', 'posture']);
      expect(inside.value('isolation_source_up', { source: 'docker' })).toBe(0);

      await exporter.scrape();
      const remedies = (await exporter.log()).filter(({ collector }) => collector !== undefined);
      expect(remedies.map(({ level, collector }) => [level, collector]).toSorted()).toEqual([
        ['warn', 'namespaces'],
        ['warn', 'network'],
        ['warn', 'posture'],
      ]);
      for (const { remedy } of remedies) expect(remedy).toContain('CAP_SYS_PTRACE');
    } finally {
      await docker.remove(own);
    }
  });
});
