import { drifts, EXPORTER_RESTARTS, oomKills } from './annotations.ts';
import { coloured } from './overrides.ts';
import {
  NONE_IS_GOOD_FEW_ARE_BAD,
  NONE_IS_GOOD_FEW_ARE_NOT,
  PRESSURE,
  thresholds,
  USE_OF_LIMIT,
  values,
} from './colours.ts';
import { CONTAINER_COLUMNS, CONTAINER_LEGEND } from './columns.ts';
import type { Board } from './dashboard.ts';
import type { Row } from './layout.ts';
import { sized } from './layout.ts';
import { CONTAINERS_BY_LEVEL, LEVELS } from './levels.ts';
import { boardLink, ROW_TO_EXPORTER, SERIES_TO_CONTAINER, UIDS } from './links.ts';
import { LIVES } from './lives.ts';
import { SHARES_WITH_HOST } from './namespaces.ts';
import { ageOf, countOf, eventsIn, growth, IDENTITY, ofTargets, onHosts, rate, share } from './queries.ts';
import { events, last, range, rows } from './query.ts';
import { bargauge, stat } from './single-values.ts';
import { NEEDED_SOURCES } from './sources.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';
import { HOST_VARIABLES } from './variables.ts';

const LAST_KILL = `max by (${IDENTITY}) (max_over_time(${onHosts('isolation_container_last_oom_kill_timestamp_seconds')}[$__range]))`;
const HOST_KILLS_OF_A_DAY = eventsIn('24h', onHosts('isolation_host_oom_kills_total'));
/** Of its own limit, or of the limit of another cgroup: whichever is nearer. */
const USE_OF_MEMORY = `topk(10, max by (${IDENTITY}) (${share(
  onHosts('isolation_container_memory_unreclaimable_bytes'),
  onHosts('isolation_container_memory_own_limit_bytes'),
)} or ${share(
  onHosts('isolation_container_limiter_memory_unreclaimable_bytes'),
  onHosts('isolation_container_limiter_memory_limit_bytes'),
)}))`;
const THROTTLED_PERIODS = `topk(10, max by (${IDENTITY}) (${share(
  rate(onHosts('isolation_container_cpu_throttled_periods_total')),
  rate(onHosts('isolation_container_cpu_periods_total')),
)} or ${share(
  rate(onHosts('isolation_container_limiter_cpu_throttled_periods_total')),
  rate(onHosts('isolation_container_limiter_cpu_periods_total')),
)}))`;
const BY_HOST = 'by (job, instance)';

const glance: Row = {
  title: 'At a glance',
  panels: [
    sized(
      3,
      4,
      stat({
        title: 'Exporters up',
        what: 'Exporters that Prometheus can scrape, and those that it cannot.',
        from: 'up, recorded by Prometheus at each scrape.',
        red: 'nothing is known about the hosts that are down. Open the exporter dashboard.',
        queries: [last(`sum(${ofTargets('up')})`, 'up'), last(countOf(ofTargets('up'), 0), 'down')],
        unit: 'short',
        overrides: [
          {
            matcher: { id: 'byName', options: 'down' },
            properties: [{ id: 'thresholds', value: NONE_IS_GOOD_FEW_ARE_BAD }],
          },
        ],
        links: [boardLink('Exporters', 'exporter')],
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'Containers',
        what: 'Running containers of all engines.',
        from: 'the cgroups in /sys/fs/cgroup, whatever the engines say.',
        queries: [range(`sum(${onHosts('isolation_containers')})`, 'containers')],
        unit: 'short',
        graph: 'sparkline',
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'OOM kills (24h)',
        what: 'Processes killed by the OOM killer in the last 24 hours, in containers or not.',
        from: 'oom_kill of /proc/vmstat.',
        red: 'the table below lists the containers. Raise their memory limits, or find what grows.',
        queries: [last(`sum(${HOST_KILLS_OF_A_DAY})`, 'kills')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_BAD,
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'No memory limit',
        what: 'Containers without a memory limit: neither they nor their pod, task or own unit has one. A limit that they share with strangers (kubepods, a slice) does not count.',
        from: 'memory.max (v1: memory.limit_in_bytes) of the container, its pod, task or unit.',
        red: 'the posture dashboard lists them. Set a limit on each.',
        queries: [last(countOf(onHosts('isolation_container_memory_limited'), 0), 'containers')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_NOT,
        links: [boardLink('Posture', 'posture')],
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'Using host namespaces',
        what: 'Containers in the pid, net, mnt, ipc or uts namespace of their host.',
        from: '/proc/<pid>/ns of the init process, compared with the host.',
        red: 'the posture dashboard lists them. A few agents need this; nothing else should have it.',
        queries: [last(`sum(${SHARES_WITH_HOST})`, 'containers')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_NOT,
        links: [boardLink('Posture', 'posture')],
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'Privileged',
        what: 'Containers that run privileged, judged by what the kernel lets them do and not by how they were started.',
        from: 'CapBnd and Seccomp of /proc/<pid>/status, uid_map, mountinfo and devices (v1: devices.list).',
        red: 'root in such a container is root on the host. Grant only the capability or device that is needed.',
        queries: [last(countOf(onHosts('isolation_container_privileged'), 1), 'containers')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_BAD,
        links: [boardLink('Posture', 'posture')],
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'Host-like isolation',
        what: 'Containers at the lowest isolation level: next to nothing separates them from the host.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'the posture dashboard lists them, with the findings and how to fix them.',
        queries: [last(countOf(onHosts('isolation_container_isolation_level'), 0), 'containers')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_BAD,
        links: [boardLink('Posture', 'posture')],
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'Exporter errors',
        what: 'Failing collectors, and needed sources (such as an engine or inotify) that are down, over all exporters. /dev/kmsg and PSI are optional and not counted.',
        from: 'isolation_scrape_collector_success and isolation_source_up.',
        red: 'some metrics are missing. The exporter dashboard shows which; the exporter’s log says why.',
        queries: [
          last(countOf(onHosts('isolation_scrape_collector_success'), 0), 'collectors'),
          last(countOf(onHosts('isolation_source_up', NEEDED_SOURCES), 0), 'sources'),
        ],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_NOT,
        links: [boardLink('Exporters', 'exporter')],
      }),
    ),
  ],
};

const oom: Row = {
  title: 'OOM kills',
  panels: [
    sized(
      12,
      8,
      table({
        title: 'Last OOM kill by container',
        what: 'Time since the last known OOM kill of each container, newest first, including containers that are gone.',
        from: 'memory.events (v1: memory.oom_control) and /dev/kmsg.',
        red: 'red is within the last 15 minutes, orange within a day. Open the container: does its memory grow, or is the limit too low?',
        queries: [rows(ageOf(LAST_KILL))],
        columns: [
          ...CONTAINER_COLUMNS,
          {
            field: 'Value',
            header: 'Age',
            unit: 's',
            decimals: 0,
            width: 110,
            thresholds: thresholds('red', [15 * 60, 'orange'], [24 * 60 * 60, 'text']),
          },
        ],
        sortBy: [{ header: 'Age', order: 'ascending' }],
        noValue: 'No OOM kills',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'OOM kills by host',
        what: 'Processes killed by the OOM killer on each host, in containers or not. Each bar covers one to two minutes.',
        from: 'oom_kill of /proc/vmstat.',
        queries: [events(`sum by (instance) (${growth(onHosts('isolation_host_oom_kills_total'))})`, '{{instance}}')],
        unit: 'short',
        draw: 'bars',
        stacked: 'stacked',
        softMax: 1,
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Unattributed OOM kills',
        what: 'OOM kills that belong to no known container: of a host process, or of a container that was gone before it was seen.',
        from: 'oom_kill of /proc/vmstat minus the kills of all containers.',
        queries: [
          events(`sum by (instance) (${growth(onHosts('isolation_oom_kills_unattributed_total'))})`, '{{instance}}'),
        ],
        unit: 'short',
        draw: 'bars',
        stacked: 'stacked',
        softMax: 1,
      }),
    ),
  ],
};

const memory: Row = {
  title: 'Memory',
  panels: [
    sized(
      8,
      9,
      bargauge({
        title: 'Closest to memory limit (top 10)',
        what: 'Working set as a share of the memory limit, of the container or of another cgroup that limits it (its pod, a slice), whichever is nearer. Containers without a limit are not shown.',
        from: 'memory.current minus inactive_file of memory.stat, over memory.max, of the cgroup that has the limit (v1: usage_in_bytes, limit_in_bytes).',
        red: 'above 90 % an OOM kill is close. Raise the limit, or find what grows.',
        queries: [last(USE_OF_MEMORY, CONTAINER_LEGEND)],
        unit: 'percentunit',
        decimals: 0,
        min: 0,
        max: 1,
        thresholds: USE_OF_LIMIT,
        links: [SERIES_TO_CONTAINER],
      }),
    ),
    sized(
      8,
      9,
      timeseries({
        title: 'Memory usage, % of limit (top 10)',
        what: 'Working set as a share of the nearest memory limit: the ten highest at each point in time. The dashed lines are at 80 % and 90 %.',
        from: 'memory.current minus inactive_file of memory.stat, over memory.max, of the cgroup that has the limit (v1: usage_in_bytes, limit_in_bytes).',
        red: 'a line that climbs steadily is a leak; one that stays near the limit means that the limit is too low.',
        queries: [range(USE_OF_MEMORY, CONTAINER_LEGEND)],
        unit: 'percentunit',
        softMax: 1,
        thresholds: USE_OF_LIMIT,
        links: [SERIES_TO_CONTAINER],
      }),
    ),
    sized(
      8,
      9,
      timeseries({
        title: 'Memory pressure, full (top 10)',
        what: 'Share of time in which all tasks of a container were stalled on memory. The dashed line is at 10 %.',
        from: 'full of memory.pressure. Needs PSI and cgroup v2.',
        red: 'the container reclaims memory instead of working. Raise its limit or memory.high.',
        queries: [
          range(
            `topk(10, ${rate(onHosts('isolation_container_pressure_stalled_seconds_total', 'resource="memory"'))})`,
            CONTAINER_LEGEND,
          ),
        ],
        unit: 'percentunit',
        softMax: 0.1,
        thresholds: PRESSURE,
        links: [SERIES_TO_CONTAINER],
      }),
    ),
  ],
};

const cpu: Row = {
  title: 'CPU',
  panels: [
    sized(
      12,
      9,
      timeseries({
        title: 'CPU throttled periods (top 10)',
        what: 'Share of CFS periods (usually 100 ms) in which a container was throttled by its CPU quota, or by that of its pod, slice or another cgroup, whichever did so more often. The dashed line is at 25 %.',
        from: 'nr_throttled over nr_periods of cpu.stat of the cgroup that has the quota.',
        red: 'above 25 % expect higher latency. Raise the CPU limit, or run fewer threads.',
        queries: [range(THROTTLED_PERIODS, CONTAINER_LEGEND)],
        unit: 'percentunit',
        softMax: 1,
        thresholds: thresholds('green', [0.25, 'orange']),
        links: [SERIES_TO_CONTAINER],
      }),
    ),
    sized(
      12,
      9,
      timeseries({
        title: 'CPU usage (top 10)',
        what: 'CPU usage in cores.',
        from: 'usage_usec of cpu.stat (v1: cpuacct.usage).',
        queries: [range(`topk(10, ${rate(onHosts('isolation_container_cpu_usage_seconds_total'))})`, CONTAINER_LEGEND)],
        unit: 'short',
        axis: 'cores',
        links: [SERIES_TO_CONTAINER],
      }),
    ),
  ],
};

const hosts: Row = {
  title: 'Isolation and hosts',
  panels: [
    sized(
      8,
      8,
      bargauge({
        title: 'Containers by isolation level',
        what: 'Containers at each isolation level, from host-like to microVM. Unknown: the exporter is not allowed to inspect them.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'host-like and weakened containers lack protection that engines give by default. The posture dashboard shows what.',
        queries: CONTAINERS_BY_LEVEL,
        unit: 'short',
        min: 0,
        overrides: [...LEVELS.map(({ name, colour }) => coloured(name, colour)), coloured('unknown', 'text')],
        links: [boardLink('Posture', 'posture')],
      }),
    ),
    sized(
      16,
      8,
      table({
        title: 'Hosts',
        what: 'Each host with its exporter, kernel, cgroup version, CPUs, memory, containers, OOM kills in the last 24 hours and containers without a memory limit.',
        from: 'up of Prometheus, /proc/sys/kernel/osrelease, /proc/self/mountinfo, /proc/vmstat and the cgroups.',
        red: 'if the exporter is down, nothing is known about that host: open the exporter dashboard. Otherwise open the posture dashboard for that host.',
        queries: [
          rows(onHosts('isolation_host_info')),
          rows(`max ${BY_HOST} (${ofTargets('up')})`),
          rows(`sum ${BY_HOST} (${onHosts('isolation_containers')})`),
          rows(`sum ${BY_HOST} (${HOST_KILLS_OF_A_DAY})`),
          rows(`sum ${BY_HOST} (${onHosts('isolation_container_memory_limited')} == bool 0)`),
          rows(`max ${BY_HOST} (${onHosts('isolation_host_cpu_cores')})`),
          rows(`max ${BY_HOST} (${onHosts('isolation_host_memory_bytes')})`),
        ],
        columns: [
          { field: 'instance', header: 'Host', links: [ROW_TO_EXPORTER] },
          { field: 'kernel', header: 'Kernel' },
          { field: 'cgroup', header: 'Cgroup', width: 90 },
          {
            field: 'Value #B',
            header: 'Exporter',
            width: 90,
            mappings: values({ 0: ['down', 'red'], 1: ['up', 'green'] }),
          },
          { field: 'Value #F', header: 'CPUs', unit: 'short', width: 70 },
          { field: 'Value #G', header: 'Memory', unit: 'bytes', width: 90 },
          { field: 'Value #C', header: 'Containers', unit: 'short', width: 100 },
          {
            field: 'Value #D',
            header: 'OOM kills (24h)',
            unit: 'short',
            width: 130,
            thresholds: thresholds('text', [1, 'red']),
          },
          {
            field: 'Value #E',
            header: 'No memory limit',
            unit: 'short',
            width: 130,
            thresholds: thresholds('text', [1, 'orange']),
          },
        ],
        sortBy: [{ header: 'Host', order: 'ascending' }],
      }),
    ),
  ],
};

/** All hosts: what happened, and where to look. */
export const fleet: Board = {
  uid: UIDS.fleet,
  title: 'Isolation / Fleet',
  description: 'All hosts: OOM kills, containers near their limits, throttling, and how isolated containers are.',
  variables: HOST_VARIABLES,
  annotations: [oomKills((metric) => onHosts(metric)), drifts((metric) => onHosts(metric)), EXPORTER_RESTARTS],
  rows: [glance, oom, memory, cpu, hosts, LIVES],
};
