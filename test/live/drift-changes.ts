import type { Docker } from '../lab/docker.ts';
import type { Samples } from '../lab/exporter.ts';
import { type Machine, succeed } from '../lab/machine.ts';

/** So long a container counts as starting; its start time is known to a hundredth of a second. */
export const STARTING_MS = 30_100;

/** What got worse about a container, as `finding count`, sorted. */
export function driftsOf(samples: Samples, container: string): readonly string[] {
  return samples.all
    .filter(({ name, labels }) => name === 'isolation_container_drift_total' && labels['container'] === container)
    .map(({ labels, value }) => `${labels['finding']} ${value}`)
    .toSorted();
}

/** When a finding of a container got worse, in seconds since the epoch. */
export function driftTime(samples: Samples, container: string, finding: string): number {
  return samples.value('isolation_container_last_drift_timestamp_seconds', { container, finding }) ?? NaN;
}

/** A script that moves its shell into the cgroup of a container, in each hierarchy. */
const INTO_CGROUP = (cgroup: string) => `
  for procs in /sys/fs/cgroup/*${cgroup}/cgroup.procs /sys/fs/cgroup${cgroup}/cgroup.procs; do
    if [ -e "$procs" ]; then echo $$ > "$procs"; fi
  done`;

/**
 * Starts a process in a container as `docker exec --privileged` does, which not every host can: it has all capabilities of the host, and
 * no seccomp filter. It ends with the container.
 */
export async function execPrivileged(machine: Machine, docker: Docker, id: string): Promise<void> {
  const pid = await docker.pidOf(id);
  await succeed(
    machine,
    `sh -c '${INTO_CGROUP(docker.cgroupOf(id))}
      exec nsenter -t ${pid} -m -i -u -n -p /bin/sh -c "sleep 1003 &"' > /dev/null 2>&1`,
  );
}

/** Starts a process of the host in the cgroup of a container. Returns a command that ends it. */
export async function escape(machine: Machine, docker: Docker, id: string): Promise<string> {
  const pid = await succeed(
    machine,
    `sh -c '${INTO_CGROUP(docker.cgroupOf(id))}
      exec sleep 1004' > /dev/null 2>&1 & echo $!`,
  );
  return `kill -KILL ${pid}`;
}

/** Mounts the devices of the host in a running container. */
export async function mountDevices(machine: Machine, docker: Docker, id: string): Promise<void> {
  const mount = '/bin/busybox mkdir -p /mnt && /bin/busybox mount -t devtmpfs devtmpfs /mnt';
  await succeed(machine, `nsenter -t ${await docker.pidOf(id)} -m /bin/sh -c '${mount}'`);
}
