import { thresholds, values } from './colours.ts';
import { allFindingRows, BY_SEVERITY, SEVERITY_COLUMN } from './findings.ts';
import { type Row, sized } from './layout.ts';
import { LEVEL_NAMES } from './levels.ts';
import { ofContainer } from './queries.ts';
import { last, range, rows } from './query.ts';
import { stat } from './single-values.ts';
import { stateTimeline } from './state-timeline.ts';
import { CAPABILITY_NAMES, HOST_MOUNTS, MOUNT_COLUMNS, SECURITY_COLUMNS } from './posture-columns.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

/** How the container is isolated from its host. */
export const ISOLATION: Row = {
  title: 'Isolation',
  panels: [
    sized(
      12,
      9,
      table({
        title: 'Findings',
        what: 'Weaknesses in the isolation of this container, and below them those of which it is unknown whether it has them, and those that somebody has accepted.',
        from: 'isolation_container_finding, isolation_container_finding_unknown and isolation_container_finding_accepted, from namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'critical and high findings give access to the host, or nearly so: fix them first. docs/findings.md says how.',
        queries: [allFindingRows(ofContainer)],
        columns: [{ field: 'finding', header: 'Finding' }, SEVERITY_COLUMN],
        sortBy: BY_SEVERITY,
        noValue: 'No findings',
      }),
    ),
    sized(
      12,
      9,
      stateTimeline({
        title: 'Namespaces shared with the host',
        what: 'Which namespaces are those of the host. Engines share user, cgroup and time by default; the others are the container’s own unless somebody changed that.',
        from: '/proc/<pid>/ns of the init process, compared with the host.',
        red: 'the container sees the processes, network or files of the host. A few agents need this; remove it everywhere else.',
        queries: [
          range(ofContainer('isolation_container_host_namespace', 'ns=~"pid|net|mnt|ipc|uts"'), '{{ns}}'),
          range(
            ofContainer('isolation_container_host_namespace', 'ns=~"user|cgroup|time"'),
            '{{ns}} (shared by default)',
          ),
        ],
        unit: 'bool_yes_no',
        mappings: values({ 0: ['own', 'green'], 1: ['host', 'orange'] }),
        overrides: [
          {
            matcher: { id: 'byFrameRefID', options: 'B' },
            properties: [{ id: 'mappings', value: values({ 0: ['own', 'green'], 1: ['host', 'text'] }) }],
          },
        ],
      }),
    ),
    sized(
      12,
      6,
      stateTimeline({
        title: 'Isolation level over time',
        what: 'The isolation level, and whether it is certain. If not, it may be higher: what could not be read counts as the worst.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'isolation was lost at that time, for example by docker exec --privileged. The findings say what.',
        queries: [
          range(ofContainer('isolation_container_isolation_level'), 'level'),
          range(ofContainer('isolation_container_isolation_level_certain'), 'certain'),
        ],
        unit: 'none',
        mappings: LEVEL_NAMES,
        overrides: [
          {
            matcher: { id: 'byName', options: 'certain' },
            properties: [{ id: 'mappings', value: values({ 0: ['no', 'text'], 1: ['yes', 'green'] }) }],
          },
        ],
      }),
    ),
    sized(
      6,
      6,
      timeseries({
        title: 'Processes in host namespaces',
        what: 'Processes of this container in a namespace of the host although its init process is not: somebody entered the host from it, or escaped.',
        from: '/proc/<pid>/ns of every process in the cgroup.',
        red: 'investigate at once: list the processes of the cgroup with ps on the host.',
        queries: [range(ofContainer('isolation_container_escaped_processes'), 'processes')],
        unit: 'short',
        softMax: 1,
        thresholds: thresholds('transparent', [1, 'red']),
      }),
    ),
    sized(
      6,
      6,
      table({
        title: 'Namespaces shared with containers',
        what: 'Namespaces that containers outside this pod share with this one, and how many containers that are.',
        from: '/proc/<pid>/ns of the init processes of all containers.',
        queries: [rows(`${ofContainer('isolation_container_namespace_peers')} > 0`)],
        columns: [
          { field: 'ns', header: 'Namespace type' },
          { field: 'Value', header: 'Shared with', unit: 'short' },
        ],
        noValue: 'None',
      }),
    ),
    sized(
      12,
      5,
      table({
        title: 'Security context',
        what: 'Seccomp, AppArmor or SELinux, user and root file system of the init process.',
        from: 'Seccomp, Uid and NoNewPrivs of /proc/<pid>/status, /proc/<pid>/attr/current and mountinfo.',
        red: 'system calls or files are open that engines close by default. Restore the default profile.',
        queries: [rows(ofContainer('isolation_container_security_info'))],
        columns: SECURITY_COLUMNS,
        noValue: 'Unknown',
      }),
    ),
    sized(
      6,
      5,
      table({
        title: 'Added capabilities',
        what: 'Capabilities beyond the default set of Docker and containerd. In a user namespace of its own they only apply there.',
        from: 'CapBnd and CapPrm of /proc/<pid>/status.',
        red: 'a red one alone is enough to take over the host; SYS_PTRACE is together with the pid namespace of the host. Drop it.',
        queries: [rows(ofContainer('isolation_container_capability'))],
        columns: [{ field: 'capability', header: 'Capability', mappings: CAPABILITY_NAMES }],
        sortBy: [{ header: 'Capability', order: 'ascending' }],
        noValue: 'None',
      }),
    ),
    sized(
      6,
      5,
      stat({
        title: 'Privileged',
        what: 'Whether the container runs privileged, judged by what the kernel lets it do and not by how it was started.',
        from: 'CapBnd and Seccomp of /proc/<pid>/status, uid_map, mountinfo and devices (v1: devices.list).',
        red: 'root in it is root on the host. Grant only the capability or device that is needed.',
        queries: [last(`max(${ofContainer('isolation_container_privileged')})`, 'privileged')],
        unit: 'none',
        mappings: values({ 0: ['no', 'green'], 1: ['yes', 'red'] }),
        noValue: 'unknown',
      }),
    ),
    sized(
      24,
      6,
      table({
        ...HOST_MOUNTS,
        queries: [rows(ofContainer('isolation_container_host_mount_info'))],
        columns: MOUNT_COLUMNS,
        sortBy: [{ header: 'Kind', order: 'ascending' }],
        noValue: 'None',
      }),
    ),
  ],
};
