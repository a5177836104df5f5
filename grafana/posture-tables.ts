import { thresholds, values } from './colours.ts';
import { CONTAINER_COLUMNS } from './columns.ts';
import { type Row, sized } from './layout.ts';
import { APART_BY_DEFAULT } from './namespaces.ts';
import type { Panel } from './panel.ts';
import { CAPABILITY_NAMES, HOST_MOUNTS, MOUNT_COLUMNS, SECURITY_COLUMNS } from './posture-columns.ts';
import { IDENTITY, onHosts } from './queries.ts';
import { last, rows } from './query.ts';
import { bargauge } from './single-values.ts';
import { table } from './table.ts';

const HOST_NAMESPACE = 'isolation_container_host_namespace';
const BY_CONTAINER = [{ header: 'Container', order: 'ascending' }] as const;

/** Shared namespaces. */
export const NAMESPACES: Row = {
  title: 'Namespaces',
  panels: [
    sized(
      6,
      9,
      bargauge({
        title: 'Containers in host namespaces, by type',
        what: 'Containers in each type of host namespace. Engines share user, cgroup and time by default.',
        from: '/proc/<pid>/ns of the init processes, compared with the host.',
        queries: [last(`sum by (ns) (${onHosts(HOST_NAMESPACE)})`, '{{ns}}')],
        unit: 'short',
        min: 0,
      }),
    ),
    sized(
      10,
      9,
      table({
        title: 'Containers in host namespaces',
        what: 'Containers in the pid, net, mnt, ipc or uts namespace of the host, one row for each namespace.',
        from: '/proc/<pid>/ns of the init process, compared with the host.',
        red: 'pid: it sees and can signal processes of the host; net: it reaches host traffic and loopback services; mnt: it sees all files. A few agents need this; remove it everywhere else.',
        queries: [rows(`${onHosts(HOST_NAMESPACE, APART_BY_DEFAULT)} == 1`)],
        columns: [
          ...CONTAINER_COLUMNS,
          {
            field: 'ns',
            header: 'Host namespace',
            width: 140,
            mappings: values({
              pid: ['pid', 'orange'],
              net: ['net', 'orange'],
              mnt: ['mnt', 'red'],
              ipc: ['ipc', 'orange'],
              uts: ['uts', 'orange'],
            }),
          },
        ],
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
    sized(
      8,
      9,
      table({
        title: 'Namespaces shared between containers',
        what: 'Containers that share a namespace with containers outside their own pod, and with how many.',
        from: '/proc/<pid>/ns of the init processes of all containers.',
        queries: [rows(`${onHosts('isolation_container_namespace_peers')} > 0`)],
        columns: [
          ...CONTAINER_COLUMNS,
          { field: 'ns', header: 'Type', width: 70 },
          { field: 'Value', header: 'Shared with', unit: 'short', width: 110 },
        ],
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
  ],
};

/** Missing limits. */
export const LIMITS: Row = {
  title: 'Limits',
  panels: [
    sized(
      12,
      7,
      unlimited(
        'memory',
        'memory.max (v1: memory.limit_in_bytes)',
        'the container can use all memory of the host, and the OOM killer may then hit others. Set a limit.',
      ),
    ),
    sized(
      12,
      7,
      table({
        title: 'Memory limit only in a parent cgroup',
        what: 'Containers without a memory limit of their own that another cgroup limits: their pod, task or unit, or one that they share with strangers.',
        from: 'memory.max from the cgroup of the init process to the root (v1: memory.limit_in_bytes).',
        queries: [
          rows(
            `${onHosts('isolation_container_limiter_memory_limit_bytes')} unless on (${IDENTITY}) ${onHosts('isolation_container_memory_own_limit_bytes')}`,
          ),
        ],
        columns: [
          ...CONTAINER_COLUMNS,
          { field: 'scope', header: 'Whose', width: 90 },
          { field: 'cgroup', header: 'Cgroup' },
          { field: 'Value', header: 'Limit', unit: 'bytes', width: 120 },
        ],
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
    sized(
      12,
      7,
      unlimited(
        'CPU',
        'cpu.max (v1: cpu.cfs_quota_us)',
        'the container can use all CPU time that others leave. If that is intended, CPU weights are enough.',
      ),
    ),
    sized(
      12,
      7,
      unlimited(
        'PIDs',
        'pids.max',
        'a fork bomb can use up the PIDs of the host. A limit of a few hundred suits most containers.',
      ),
    ),
  ],
};

/** Privileges. */
export const PRIVILEGES: Row = {
  title: 'Privileges',
  panels: [
    sized(
      12,
      6,
      table({
        title: 'Privileged containers',
        what: 'Containers that run privileged, judged by what the kernel lets them do and not by how they were started.',
        from: 'CapBnd and Seccomp of /proc/<pid>/status, uid_map, mountinfo and devices (v1: devices.list).',
        red: 'root in such a container is root on the host. Grant only the capability or device that is needed.',
        queries: [rows(`${onHosts('isolation_container_privileged')} == 1`)],
        columns: CONTAINER_COLUMNS,
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
    sized(
      12,
      6,
      table({
        title: 'Processes in host namespaces',
        what: 'Containers with processes in a namespace of the host although their init process is not: somebody entered the host from there, or escaped.',
        from: '/proc/<pid>/ns of every process in the cgroup of each container.',
        red: 'investigate at once: list the processes of that cgroup with ps on the host.',
        queries: [rows(`${onHosts('isolation_container_escaped_processes')} > 0`)],
        columns: [
          ...CONTAINER_COLUMNS,
          { field: 'Value', header: 'Processes', unit: 'short', width: 90, thresholds: thresholds('text', [1, 'red']) },
        ],
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
    sized(
      14,
      10,
      table({
        title: 'Security context',
        what: 'Seccomp, AppArmor or SELinux, user and root filesystem of each container’s init process.',
        from: 'Seccomp, Uid and NoNewPrivs of /proc/<pid>/status, /proc/<pid>/attr/current and mountinfo.',
        red: 'system calls or files are open that engines close by default. Restore the default profile.',
        queries: [rows(onHosts('isolation_container_security_info'))],
        columns: [...CONTAINER_COLUMNS, ...SECURITY_COLUMNS],
        sortBy: BY_CONTAINER,
        noValue: 'Unknown',
      }),
    ),
    sized(
      10,
      10,
      table({
        title: 'Added capabilities',
        what: 'Capabilities beyond the default set of Docker and containerd. In a user namespace of its own they only apply there.',
        from: 'CapBnd and CapPrm of /proc/<pid>/status.',
        red: 'a red one alone is enough to take over the host; SYS_PTRACE is together with the pid namespace of the host. Drop it.',
        queries: [rows(onHosts('isolation_container_capability'))],
        columns: [...CONTAINER_COLUMNS, { field: 'capability', header: 'Capability', mappings: CAPABILITY_NAMES }],
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
    sized(
      24,
      8,
      table({
        ...HOST_MOUNTS,
        queries: [rows(onHosts('isolation_container_host_mount_info'))],
        columns: [...CONTAINER_COLUMNS, ...MOUNT_COLUMNS],
        sortBy: [{ header: 'Container', order: 'ascending' }],
        noValue: 'None',
      }),
    ),
  ],
};

/** A table of containers without a limit of one resource. */
function unlimited(what: 'memory' | 'CPU' | 'PIDs', files: string, red: string): Panel {
  const limited = onHosts(`isolation_container_${what.toLowerCase()}_limited`);
  return table({
    title: `No ${what} limit`,
    what: `Containers without a ${what} limit: neither they nor their pod, task or own unit has one. A limit that they share with strangers (kubepods, a slice) does not count.`,
    from: `${files} of the container, its pod, task or unit.`,
    red,
    queries: [rows(`${limited} == 0`)],
    columns: CONTAINER_COLUMNS,
    sortBy: BY_CONTAINER,
    noValue: 'None',
  });
}
