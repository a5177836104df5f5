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

/** Who shares what. */
export const NAMESPACES: Row = {
  title: 'Namespaces',
  panels: [
    sized(
      6,
      9,
      bargauge({
        title: 'Shared with the host, by kind',
        what: 'How many containers are in the host’s namespace of each kind. Sharing user, cgroup or time is what engines do by default.',
        from: '/proc/<pid>/ns of the init processes against those of the host.',
        queries: [last(`sum by (ns) (${onHosts(HOST_NAMESPACE)})`, '{{ns}}')],
        unit: 'short',
        min: 0,
      }),
    ),
    sized(
      10,
      9,
      table({
        title: 'In a namespace of the host',
        what: 'Containers that are in the host’s pid, net, mnt, ipc or uts namespace, one row for each.',
        from: '/proc/<pid>/ns of the init process against that of the host.',
        red: 'in pid it sees and can signal the host’s processes, in net its traffic and services on loopback, in mnt its files. A few agents need it; take it away from all else.',
        queries: [rows(`${onHosts(HOST_NAMESPACE, APART_BY_DEFAULT)} == 1`)],
        columns: [
          ...CONTAINER_COLUMNS,
          {
            field: 'ns',
            header: 'Shares',
            width: 80,
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
        title: 'In a namespace with another container',
        what: 'Containers that share a namespace with containers outside of their own pod, and with how many.',
        from: '/proc/<pid>/ns of the init processes of all containers.',
        queries: [rows(`${onHosts('isolation_container_namespace_peers')} > 0`)],
        columns: [
          ...CONTAINER_COLUMNS,
          { field: 'ns', header: 'Kind', width: 70 },
          { field: 'Value', header: 'Others', unit: 'short', width: 70 },
        ],
        sortBy: BY_CONTAINER,
        noValue: 'None',
      }),
    ),
  ],
};

/** Who has no limit. */
export const LIMITS: Row = {
  title: 'Limits',
  panels: [
    sized(
      12,
      7,
      unlimited(
        'memory',
        'memory.max (v1: memory.limit_in_bytes)',
        'it can take all memory of its host, and then the kernel may kill others. Give it a limit.',
      ),
    ),
    sized(
      12,
      7,
      table({
        title: 'Limited only from above',
        what: 'Containers without a memory limit of their own that a cgroup above them limits, and that limit: they share it with others.',
        from: 'memory.max of the container, and of the cgroups from it to the root (v1: memory.limit_in_bytes).',
        queries: [
          rows(
            `${onHosts('isolation_container_memory_limit_bytes')} unless on (${IDENTITY}) ${onHosts('isolation_container_memory_own_limit_bytes')}`,
          ),
        ],
        columns: [...CONTAINER_COLUMNS, { field: 'Value', header: 'Shared limit', unit: 'bytes', width: 110 }],
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
        'it can take all CPU time that siblings leave. That is often wanted: then a weight is enough.',
      ),
    ),
    sized(
      12,
      7,
      unlimited(
        'pids',
        'pids.max',
        'a fork bomb in it takes the process table of the host. A few hundred are plenty for most.',
      ),
    ),
  ],
};

/** Who may do what. */
export const PRIVILEGES: Row = {
  title: 'Privileges',
  panels: [
    sized(
      12,
      6,
      table({
        title: 'Privileged containers',
        what: 'Containers that run privileged, by what the kernel lets them do and not by what was asked for.',
        from: 'CapEff and Seccomp of /proc/<pid>/status, the LSM label, mounts and devices.',
        red: 'whoever is in such a container has the host. Give it the one capability or device that it needs.',
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
        title: 'Processes that left',
        what: 'Containers with processes in a namespace of the host in which their init process is not: somebody entered the host from there, or escaped.',
        from: '/proc/<pid>/ns of every process in the cgroup of each container.',
        red: 'find out who that is at once: ps on the host shows the processes of that cgroup.',
        queries: [rows(`${onHosts('isolation_container_processes_left')} > 0`)],
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
        title: 'How containers are confined',
        what: 'Seccomp, LSM profile, user and root file system of each container’s init process.',
        from: 'Seccomp, Uid and NoNewPrivs of /proc/<pid>/status, /proc/<pid>/attr/current and mountinfo.',
        red: 'system calls or files are open to it that engines close by default.',
        queries: [rows(onHosts('isolation_container_security_info'))],
        columns: [...CONTAINER_COLUMNS, ...SECURITY_COLUMNS],
        sortBy: BY_CONTAINER,
        noValue: 'Could not be read of any',
      }),
    ),
    sized(
      10,
      10,
      table({
        title: 'Capabilities beyond the default',
        what: 'Capabilities that containers have and that engines do not give by default.',
        from: 'CapEff of /proc/<pid>/status.',
        red: 'each of these alone is enough to take over the host. Drop it.',
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
        noValue: 'Nothing',
      }),
    ),
  ],
};

/** Containers that nothing limits in one respect. */
function unlimited(what: 'memory' | 'CPU' | 'pids', files: string, red: string): Panel {
  const limited = onHosts(`isolation_container_${what.toLowerCase()}_limited`);
  return table({
    title: `No ${what} limit`,
    what: `Containers without a ${what} limit: neither they nor any cgroup above has one.`,
    from: `${files} from the container to the root.`,
    red,
    queries: [rows(`${limited} == 0`)],
    columns: CONTAINER_COLUMNS,
    sortBy: BY_CONTAINER,
    noValue: 'All have one',
  });
}
