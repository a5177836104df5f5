import { thresholds, values } from './colours.ts';
import { BY_SEVERITY, findingRows, SEVERITY_COLUMN } from './findings.ts';
import { type Row, sized } from './layout.ts';
import { LEVEL_NAMES } from './levels.ts';
import { ofContainer } from './queries.ts';
import { last, range, rows } from './query.ts';
import { stat } from './single-values.ts';
import { stateTimeline } from './state-timeline.ts';
import { CAPABILITY_NAMES, HOST_MOUNTS, MOUNT_COLUMNS, SECURITY_COLUMNS } from './posture-columns.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

/** What keeps it apart from its host. */
export const ISOLATION: Row = {
  title: 'Isolation',
  panels: [
    sized(
      12,
      9,
      table({
        title: 'What is wrong with its isolation',
        what: 'Its findings now; docs/findings.md says of each why it matters and how to mend it.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts, devices and limits of its processes.',
        red: 'critical and high let whoever is inside reach the host. Mend those first.',
        queries: [findingRows(ofContainer, 'info')],
        columns: [{ field: 'finding', header: 'Finding' }, SEVERITY_COLUMN],
        sortBy: BY_SEVERITY,
        noValue: 'Nothing found',
      }),
    ),
    sized(
      12,
      9,
      stateTimeline({
        title: 'Namespaces shared with the host',
        what: 'Which of its namespaces are the host’s. Engines share user, cgroup and time with the host by default; the other kinds are its own unless somebody said otherwise.',
        from: '/proc/<pid>/ns of the init process against that of the host.',
        red: 'it sees the processes, network or files of the host. A few agents need it; take it away from all else.',
        queries: [
          range(ofContainer('isolation_container_host_namespace', 'ns=~"pid|net|mnt|ipc|uts"'), '{{ns}}'),
          range(ofContainer('isolation_container_host_namespace', 'ns=~"user|cgroup|time"'), '{{ns}} (often shared)'),
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
        what: 'Its level over time, and whether that is certain (yes) or could be higher (no): what could not be read is taken for the worst.',
        from: 'its namespaces, capabilities, seccomp, LSM, mounts and devices, put together.',
        red: 'something took isolation away at that time, such as a docker exec --privileged; the findings say what.',
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
        title: 'Processes that left',
        what: 'Processes of it that are in a namespace of the host though its init process is not: somebody entered the host from it, or escaped.',
        from: '/proc/<pid>/ns of every process in its cgroup.',
        red: 'find out who that is at once: ps on the host shows the processes of its cgroup.',
        queries: [range(ofContainer('isolation_container_processes_left'), 'left')],
        unit: 'short',
        softMax: 1,
        thresholds: thresholds('transparent', [1, 'red']),
      }),
    ),
    sized(
      6,
      6,
      table({
        title: 'Shares with other containers',
        what: 'How many containers outside of its own pod are in the same namespace, which is not the host’s.',
        from: '/proc/<pid>/ns of the init processes of all containers.',
        queries: [rows(`${ofContainer('isolation_container_namespace_peers')} > 0`)],
        columns: [
          { field: 'ns', header: 'Namespace of kind' },
          { field: 'Value', header: 'Others in it', unit: 'short' },
        ],
        noValue: 'None',
      }),
    ),
    sized(
      12,
      5,
      table({
        title: 'How it is confined',
        what: 'Seccomp, LSM profile, user and root file system of its init process.',
        from: 'Seccomp, Uid and NoNewPrivs of /proc/<pid>/status, /proc/<pid>/attr/current and mountinfo.',
        red: 'system calls or files are open to it that engines close by default.',
        queries: [rows(ofContainer('isolation_container_security_info'))],
        columns: SECURITY_COLUMNS,
        noValue: 'Could not be read',
      }),
    ),
    sized(
      6,
      5,
      table({
        title: 'Capabilities beyond the default',
        what: 'Capabilities that it has and that engines do not give by default.',
        from: 'CapEff of /proc/<pid>/status.',
        red: 'each of these alone is enough to take over the host. Drop it.',
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
        what: 'Whether it runs privileged, by what the kernel lets it do and not by how it was started.',
        from: 'CapBnd and Seccomp of /proc/<pid>/status, uid_map, mountinfo and devices.',
        red: 'whoever is root in it is root on the host. Give it only the capability or device that it needs.',
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
        noValue: 'Nothing',
      }),
    ),
  ],
};
