import { oomKills } from './annotations.ts';
import { NONE_IS_GOOD_FEW_ARE_BAD, thresholds } from './colours.ts';
import { CPU_AND_PROCESSES, DEVICES_AND_NETWORK, MEMORY, PRESSURE_OF_IT } from './container-use.ts';
import { ISOLATION } from './container-isolation.ts';
import type { Board } from './dashboard.ts';
import { FINDING, SERIOUS } from './findings.ts';
import { type Row, sized } from './layout.ts';
import { LEVEL_NAMES } from './levels.ts';
import { UIDS } from './links.ts';
import { killsInRange, ofContainer } from './queries.ts';
import { last, rows } from './query.ts';
import { stat } from './single-values.ts';
import { table } from './table.ts';
import { CONTAINER_VARIABLES } from './variables.ts';

const LAST_KILL = ofContainer('isolation_container_last_oom_kill_timestamp_seconds');

const identity: Row = {
  title: 'Who it is and how it does',
  panels: [
    sized(
      24,
      4,
      table({
        title: 'Container',
        what: 'What it was started from, and where it is. What the engine did not tell is left out.',
        from: 'the path of its cgroup; image, runtime and compose names from the engine.',
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
          { field: 'owner_uid', header: 'Owner', width: 80 },
          { field: 'id', header: 'Id' },
          { field: 'cgroup', header: 'Cgroup' },
          { field: 'instance', header: 'Host' },
        ],
        noValue: 'Not running at the end of this time range',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Isolation level',
        what: 'From host-like (hardly anything keeps it from the host) over standard (what engines give by default) to a virtual machine of its own.',
        from: 'its namespaces, capabilities, seccomp, LSM, mounts and devices, put together.',
        red: 'the findings below say why and how to mend it.',
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
        title: 'Serious findings',
        what: 'Things that let whoever is inside reach the host, or nearly so: findings of severity critical or high.',
        from: 'isolation_container_finding; docs/findings.md says what each means.',
        red: 'the table of findings below names them.',
        queries: [last(`sum(${ofContainer(FINDING, SERIOUS)})`, 'findings')],
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
        what: 'Processes of it that the kernel killed for want of memory in the time range.',
        from: 'oom_kill of memory.events (v1: of memory.oom_control), and /dev/kmsg for those that were gone at once.',
        red: 'see whether its memory below climbs to the limit (a leak) or stays near it (a limit that is too low).',
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
        what: 'When the kernel last killed a process of it for want of memory, as far as the time range goes.',
        from: 'memory.events (v1: memory.oom_control) and the time in /dev/kmsg.',
        queries: [last(`max(max_over_time(${LAST_KILL}[$__range])) * 1000`, 'last')],
        unit: 'dateTimeFromNow',
        noValue: 'none',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Running for',
        what: 'Since when its first process runs.',
        from: 'field 22 of /proc/<pid>/stat of the init process.',
        queries: [last(`max(${ofContainer('isolation_container_start_time_seconds')}) * 1000`, 'start')],
        unit: 'dateTimeFromNow',
        noValue: 'not running',
      }),
    ),
    sized(
      4,
      4,
      stat({
        title: 'Restarts in range',
        what: 'How often it was started again in the time range.',
        from: 'changes of the start time, field 22 of /proc/<pid>/stat.',
        red: 'look for OOM kills first, then into its log.',
        queries: [last(`sum(changes(${ofContainer('isolation_container_start_time_seconds')}[$__range]))`, 'restarts')],
        unit: 'short',
        thresholds: thresholds('green', [1, 'orange'], [5, 'red']),
      }),
    ),
  ],
};

/** One container: all that is known of it. */
export const container: Board = {
  uid: UIDS.container,
  title: 'Isolation / Container',
  description: 'One container: whether its limits bite, and what keeps it apart from its host.',
  variables: CONTAINER_VARIABLES,
  annotations: [oomKills((metric) => ofContainer(metric))],
  rows: [identity, MEMORY, CPU_AND_PROCESSES, PRESSURE_OF_IT, DEVICES_AND_NETWORK, ISOLATION],
};
