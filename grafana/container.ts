import { drifts, oomKills } from './annotations.ts';
import { NONE_IS_GOOD_FEW_ARE_BAD, thresholds } from './colours.ts';
import { CPU_AND_PROCESSES, DEVICES_AND_NETWORK, MEMORY, PRESSURE_OF_IT } from './container-use.ts';
import { ISOLATION } from './container-isolation.ts';
import { LIMITERS } from './container-limiters.ts';
import type { Board } from './dashboard.ts';
import { LOOKED_AT, openFindings, SERIOUS } from './findings.ts';
import { type Row, sized } from './layout.ts';
import { LEVEL_NAMES } from './levels.ts';
import { LIFE } from './lives.ts';
import { UIDS } from './links.ts';
import { ageOf, eventsIn, killsInRange, ofContainer } from './queries.ts';
import { last, rows } from './query.ts';
import { stat } from './single-values.ts';
import { table } from './table.ts';
import { CONTAINER_VARIABLES } from './variables.ts';

const LAST_KILL = ofContainer('isolation_container_last_oom_kill_timestamp_seconds');

const identity: Row = {
  title: 'Overview',
  panels: [
    sized(
      24,
      4,
      table({
        title: 'Container info',
        what: 'Image, engine, runtime and place of the container. More than one row means that several containers have this name: choose an instance, namespace and pod above, or the graphs below mix them.',
        from: 'the cgroup path in /sys/fs/cgroup; image, runtime and Compose names from the engine.',
        queries: [rows(ofContainer('isolation_container_info'))],
        columns: [
          { field: 'container', header: 'Container' },
          { field: 'image', header: 'Image' },
          { field: 'engine', header: 'Engine', width: 90 },
          { field: 'runtime', header: 'Runtime', width: 90 },
          { field: 'sandbox', header: 'Sandbox', width: 90 },
          { field: 'namespace', header: 'Namespace' },
          { field: 'pod', header: 'Pod' },
          { field: 'compose_project', header: 'Compose project' },
          { field: 'compose_service', header: 'Compose service' },
          { field: 'owner_uid', header: 'Owner UID', width: 100 },
          { field: 'id', header: 'ID' },
          { field: 'cgroup', header: 'Cgroup' },
          { field: 'instance', header: 'Host' },
        ],
        noValue: 'Not running at the end of the time range',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Isolation level',
        what: 'From host-like (next to nothing separates it from the host) over standard (the default of engines) to a microVM of its own.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'the findings below say why, and docs/findings.md how to fix them.',
        queries: [last(`min(${ofContainer('isolation_container_isolation_level')})`, 'level')],
        unit: 'none',
        mappings: LEVEL_NAMES,
        noValue: 'unknown',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Critical and high findings',
        what: 'Findings of severity critical or high that nobody has accepted: holes that give access to the host, or nearly so.',
        from: 'isolation_container_finding, from namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'the table of findings below lists them.',
        queries: [last(`sum(${openFindings(ofContainer, SERIOUS)} or ${ofContainer(LOOKED_AT)} * 0)`, 'findings')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_BAD,
        noValue: 'unknown',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'OOM kills in range',
        what: 'How often the OOM killer killed in this container in the time range. A group of processes killed together counts once.',
        from: '/dev/kmsg, and oom_kill and oom_group_kill of memory.events (v1: oom_kill of memory.oom_control).',
        red: 'check below whether memory climbs to the limit (a leak) or stays close to it (a limit that is too low).',
        queries: [last(`sum(${killsInRange()})`, 'kills')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_BAD,
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Last OOM kill',
        what: 'When the OOM killer last killed a process of this container, as far as the time range shows.',
        from: 'memory.events (v1: memory.oom_control), and the time in /dev/kmsg.',
        queries: [last(`max(max_over_time(${LAST_KILL}[$__range])) * 1000`, 'last')],
        unit: 'dateTimeFromNow',
        noValue: 'none',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Uptime',
        what: 'Time since the first process of the container started.',
        from: 'field 22 of /proc/<pid>/stat of the init process.',
        queries: [last(`min(${ageOf(ofContainer('isolation_container_start_time_seconds'))})`, 'uptime')],
        unit: 's',
        noValue: 'not running',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Restarts in range',
        what: 'How often the container was started again in the time range, under the same name.',
        from: 'new cgroups under the name of the container, and new init processes in one.',
        red: 'check for OOM kills first, then the logs of the container.',
        queries: [last(`sum(${eventsIn('$__range', ofContainer('isolation_container_starts_total'))})`, 'restarts')],
        unit: 'short',
        thresholds: thresholds('green', [1, 'orange'], [5, 'red']),
      }),
    ),
  ],
};

/** Everything about one container. */
export const container: Board = {
  uid: UIDS.container,
  title: 'Isolation / Container',
  description: 'One container: usage against its limits, OOM kills, throttling, pressure and isolation.',
  variables: CONTAINER_VARIABLES,
  annotations: [oomKills((metric) => ofContainer(metric)), drifts((metric) => ofContainer(metric))],
  rows: [identity, MEMORY, CPU_AND_PROCESSES, LIMITERS, PRESSURE_OF_IT, DEVICES_AND_NETWORK, ISOLATION, LIFE],
};
