import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { composeService } from '../lab/compose.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { samplesOf, type Samples } from '../lab/exporter.ts';
import { describeLong, sharedGuest } from '../lab/live.ts';
import { type Machine, succeed } from '../lab/machine.ts';
import { type ContainerName, runContainers, untilShown, words } from './docker-containers.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const { options } = composeService('isolation-exporter');

/** Needs cgroup v2 with cgroup namespaces, and AppArmor. */
describeLong('a container with the options of deploy/kubernetes', ['guest-systemd', 'docker'], () => {
  let guest: Machine;
  let docker: Docker;
  let ids: Readonly<Record<ContainerName, string>>;

  beforeAll(async () => {
    guest = await sharedGuest('systemd');
    docker = await startDocker(guest, { cgroupDriver: 'systemd' });
    ids = await runContainers(docker);
  }, 1_200_000);
  afterAll(() => docker?.[Symbol.asyncDispose]());

  /** The exporter's samples with these options, once it exports all containers. */
  const scrapeWith = async (options: readonly string[]): Promise<Samples> => {
    // Copying an image to the guest would take minutes, and a test on the host covers the image. This uses Node with
    // the libraries that it is linked to.
    const volumes = ['/usr', '/lib', '/lib64', process.execPath, REPOSITORY].map(
      (path) => `--volume=${path}:${path}:ro`,
    );
    const program = [LAB_IMAGE, process.execPath, `${REPOSITORY}/dist/cli.js`];
    // The guest's kernel cannot create networks between containers.
    const id = await docker.run('--network=none', ...options, ...volumes, ...program);
    try {
      const enter = `nsenter --net --target ${await docker.pidOf(id)}`;
      const scrape = async () =>
        samplesOf(`${await succeed(guest, `${enter} curl -sS --fail -m 300 http://127.0.0.1:10061/metrics`)}\n`);
      await untilShown(guest, { scrape }, [...Object.values(ids), id]);
      return await scrape();
    } finally {
      await docker.remove(id);
    }
  };
  const failing = (samples: Samples) =>
    samples.all
      .filter(({ name, value }) => name === 'isolation_scrape_collector_success' && value !== 1)
      .map(({ labels }) => labels['collector']);
  const shared = (samples: Samples, id: string) =>
    ['pid', 'net', 'mnt', 'cgroup'].map((ns) =>
      samples.value('isolation_container_host_namespace', { container: id.slice(0, 12), ns }),
    );
  const expectAll = (samples: Samples) => {
    expect(failing(samples)).toEqual([]);
    expect(shared(samples, ids.exposed)).toEqual([1, 1, 0, 0]);
    expect(shared(samples, ids.limited)).toEqual([0, 0, 0, 0]);
    for (const source of ['cgroup_watch', 'host_namespaces', 'psi', 'vmstat']) {
      expect(samples.value('isolation_source_up', { source }), source).toBe(1);
    }
  };

  test('every collector succeeds with the options of the compose file', async () => {
    expectAll(await scrapeWith(options));
  });

  test('every collector succeeds with what the DaemonSet asks for', async () => {
    expectAll(await scrapeWith(optionsOfDaemonSet()));
  });

  test("under AppArmor's profile does not know the host, nor who has another profile", async () => {
    const rest = options.filter((option) => option !== '--security-opt=apparmor=unconfined');
    expect(rest).toHaveLength(options.length - 1);
    const other = await docker.run(...words('--network none --security-opt apparmor=unconfined'), LAB_IMAGE);
    try {
      const samples = await scrapeWith(rest);
      expect(failing(samples)).toEqual(expect.arrayContaining(['namespaces', 'network']));
      expect(samples.value('isolation_source_up', { source: 'host_namespaces' })).toBe(0);
      // Namespaces with fixed numbers are known. The others are unknown, not "not shared".
      expect(shared(samples, ids.exposed)).toEqual([1, undefined, undefined, 0]);
      expect(shared(samples, other)).toEqual([undefined, undefined, undefined, undefined]);
    } finally {
      await docker.remove(other);
    }
  });
});

/** The options that make Docker start a container like the kubelet, such as its own cgroup namespace. */
function optionsOfDaemonSet(): readonly string[] {
  const file = new URL('../../deploy/kubernetes/base/daemonset.yaml', import.meta.url);
  const { spec } = (parse(readFileSync(file, 'utf8')) as DaemonSet).spec.template;
  const [{ env, securityContext, volumeMounts }] = spec.containers;
  const { capabilities, runAsUser, readOnlyRootFilesystem, allowPrivilegeEscalation, appArmorProfile } =
    securityContext;
  const pathOf = (name: string) => spec.volumes.find((volume) => volume.name === name)?.hostPath.path;
  return [
    ...(spec.hostPID ? ['--pid=host'] : []),
    '--cgroupns=private',
    ...env.map(({ name, value }) => `--env=${name}=${value}`),
    `--user=${runAsUser}`,
    `--read-only=${readOnlyRootFilesystem}`,
    ...capabilities.drop.map((name) => `--cap-drop=${name}`),
    ...capabilities.add.map((name) => `--cap-add=${name}`),
    ...(allowPrivilegeEscalation ? [] : ['--security-opt=no-new-privileges']),
    `--security-opt=apparmor=${appArmorProfile.type.toLowerCase()}`,
    ...volumeMounts.map(
      ({ name, mountPath, readOnly }) => `--volume=${pathOf(name)}:${mountPath}${readOnly === true ? ':ro' : ''}`,
    ),
  ];
}

interface DaemonSet {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

interface PodSpec {
  readonly hostPID: boolean;
  readonly volumes: readonly { readonly name: string; readonly hostPath: { readonly path: string } }[];
  readonly containers: readonly [
    {
      readonly env: readonly { readonly name: string; readonly value: string }[];
      readonly securityContext: {
        readonly capabilities: { readonly drop: readonly string[]; readonly add: readonly string[] };
        readonly runAsUser: number;
        readonly readOnlyRootFilesystem: boolean;
        readonly allowPrivilegeEscalation: boolean;
        readonly appArmorProfile: { readonly type: string };
      };
      readonly volumeMounts: readonly {
        readonly name: string;
        readonly mountPath: string;
        readonly readOnly?: boolean;
      }[];
    },
  ];
}
