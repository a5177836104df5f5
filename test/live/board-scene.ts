import { writeFileSync } from 'node:fs';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { succeed } from '../lab/machine.ts';
import { countDiskIo } from './disk-io.ts';
import { untilComplete, words } from './docker-containers.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { removeCgroups } from '../lab/remains.ts';

/** Containers in all states that the dashboards show, an exporter, and a Prometheus that scrapes it. */
export interface Scene extends AsyncDisposable {
  readonly docker: Docker;
  readonly exporter: Exporter;
  readonly prometheus: Prometheus;
}

/** The containers of a scene, by their names. */
export const SCENE = [
  'api',
  'worker',
  'cache',
  'batch',
  'node-agent',
  'proxy',
  'hardened',
  'pool',
  'tenant',
  'flaky',
] as const;

const sh = (script: string) => ['sh', '-c', script];

/** The arguments of `docker run` for each, besides the name. */
const CONTAINERS: Readonly<Record<(typeof SCENE)[number], readonly [flags: string, command: readonly string[]]>> = {
  // The container wants a whole core and gets a third of one.
  api: ['--network none --memory 128m --pids-limit 200 --cpus 0.3', sh('while :; do :; done')],
  // OOM-killed repeatedly; its shell survives, so that Docker never notices.
  worker: [
    '--network none --memory 16m --memory-swap 16m --pids-limit 100 --cpus 0.5',
    sh('while :; do sleep 15; tail /dev/zero; done'),
  ],
  // The container is near its limit: the kernel cannot drop the content of /dev/shm.
  cache: [
    '--network none --memory 32m --memory-swap 32m --pids-limit 100 --cpus 1',
    sh('dd if=/dev/zero of=/dev/shm/kept bs=1048576 count=28; sleep 100000'),
  ],
  // Writes to its disk, and reads past the cache.
  batch: [
    '--network none',
    sh(
      'while :; do dd if=/dev/zero of=/kept bs=65536 count=64 conv=fsync; dd if=/kept of=/dev/null bs=65536 iflag=direct; sleep 1; done 2>/dev/null',
    ),
  ],
  'node-agent': [
    '-v /etc:/host/etc:ro --network host --pid host --ipc host --uts host --cap-add SYS_PTRACE',
    sh('sleep 100000'),
  ],
  proxy: ['--network container:api --memory 64m --pids-limit 100', sh('sleep 100000')],
  hardened: [
    '--network none --read-only --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 --memory 64m --pids-limit 50 --cpus 0.5',
    sh('while :; do sleep 1; done'),
  ],
  // The container starts more processes than its limit allows.
  pool: [
    '--network none --memory 64m --pids-limit 8 --cpus 0.5',
    sh('while :; do (for i in 1 2 3 4 5 6 7 8 9 10; do sleep 4 & done; wait) 2>/dev/null; sleep 5; done'),
  ],
  // The container works a little, because its parent's quota only counts periods with work.
  tenant: ['--network none --pids-limit 100', sh('while :; do sleep 0.2; done')],
  // Docker restarts it if it ends, and finds it unhealthy.
  flaky: [
    '--restart unless-stopped --health-cmd /nothing --health-interval 1s --health-timeout 5s --health-retries 1 --network none --memory 32m --pids-limit 50 --cap-add SYS_ADMIN --security-opt seccomp=unconfined',
    sh('sleep 100000'),
  ],
};

/** Containers that do not keep running. */
const ENDING: Readonly<Record<string, readonly [flags: string, command: readonly string[]]>> = {
  migration: ['--network none --label isolation-exporter.should-run=true', sh('exit 1')],
  crashing: ['--network none --restart always', sh('sleep 1; exit 3')],
};

/** Limits of the parent, which the container's own files do not show: bytes, cores and processes. */
const PARENT_LIMITS = { memory: 256 * 1024 * 1024, cores: 0.5, pids: 50 };

const ACCEPTED = `accept:
  - match: { container: node-agent }
    findings: [host_pid_namespace]
    reason: It reads /proc of all processes.
`;

/** Starts the scene, with recurring events. The caller restarts containers. */
export async function startScene(): Promise<Scene> {
  const parent = `isolation-exporter-tenant-${process.pid}`;
  const parts: AsyncDisposable[] = [{ [Symbol.asyncDispose]: () => removeCgroups(host, parent) }];
  const dispose = async () => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
  };
  try {
    await succeed(host, MAKE_PARENT(parent));
    const docker = await startDocker(host);
    parts.push(docker);
    const ids = new Map<string, string>();
    for (const name of SCENE) {
      const [flags, command] = CONTAINERS[name];
      const more = name === 'tenant' ? ['--cgroup-parent', `/${parent}`] : [];
      ids.set(name, await docker.run('--name', name, ...more, ...words(flags), LAB_IMAGE, ...command));
    }
    for (const [name, [flags, command]] of Object.entries(ENDING)) {
      await docker.run('--name', name, ...words(flags), LAB_IMAGE, ...command);
    }
    await countDiskIo(docker.directory, docker.cgroupOf(ids.get('batch') ?? ''));
    parts.push(await host.start(LEAVE(ids.get('pool') ?? '')));
    const [sender, receiver] = [await docker.pidOf('api'), await docker.pidOf('batch')];
    parts.push(await host.start(TALK(sender, receiver)));
    const accepted = `${docker.directory}/accepted.yml`;
    writeFileSync(accepted, ACCEPTED);
    const exporter = await startExporter(host, {
      // Ignore earlier events on this machine.
      flags: [`--docker.host=unix://${docker.socket}`, '--oom.retention=2m', `--findings.accept-file=${accepted}`],
    });
    parts.push(exporter);
    await untilComplete(host, exporter, SCENE);
    const prometheus = await startPrometheus(host, exporter.address);
    parts.push(prometheus);
    return { docker, exporter, prometheus, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const MAKE_PARENT = (parent: string) => `
  for at in $(findmnt -rno TARGET -t cgroup,cgroup2); do mkdir -p "$at/${parent}"; done
  limit() { for file in /sys/fs/cgroup/"$1"/${parent}/"$2"; do [ ! -e "$file" ] || echo "$3" > "$file"; done; }
  limit memory memory.limit_in_bytes ${PARENT_LIMITS.memory}
  limit cpu cpu.cfs_quota_us ${PARENT_LIMITS.cores * 100_000}
  limit pids pids.max ${PARENT_LIMITS.pids}
  limit . memory.max ${PARENT_LIMITS.memory}
  limit . cpu.max ${PARENT_LIMITS.cores * 100_000}
  limit . pids.max ${PARENT_LIMITS.pids}`;

/** A process of the host in a container's cgroups, like one that escaped. */
const LEAVE = (id: string) => `
  for procs in $(find /sys/fs/cgroup -path '*/docker/${id}/cgroup.procs'); do echo $$ > "$procs"; done
  exec sleep 100000`;

/** Traffic between the network namespaces of two processes, which belong to no other container. */
const TALK = (sender: number, receiver: number) => `
  nsenter -t ${sender} -n ip link add eth0 type veth peer name eth0 netns ${receiver}
  nsenter -t ${sender} -n sh -c 'ip addr add 169.254.77.1/30 dev eth0; ip link set eth0 up'
  nsenter -t ${receiver} -n sh -c 'ip addr add 169.254.77.2/30 dev eth0; ip link set eth0 up'
  exec nsenter -t ${sender} -n bash -c 'while sleep 0.2; do echo hello > /dev/udp/169.254.77.2/9; done'`;
