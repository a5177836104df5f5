import { EXPORTER_RESTARTS, oomKills } from './annotations.ts';
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
import { SHARES_WITH_HOST } from './namespaces.ts';
import { countOf, growth, IDENTITY, ofTargets, onHosts, rate, share } from './queries.ts';
import { events, last, range, rows } from './query.ts';
import { bargauge, stat } from './single-values.ts';
import { NEEDED_SOURCES } from './sources.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';
import { HOST_VARIABLES } from './variables.ts';

const LAST_KILL = `max by (${IDENTITY}) (max_over_time(${onHosts('isolation_container_last_oom_kill_timestamp_seconds')}[$__range]))`;
const HOST_KILLS_OF_A_DAY = `round(increase(${onHosts('isolation_host_oom_kills_total')}[24h]))`;
const USE_OF_MEMORY = `topk(10, ${share(
  onHosts('isolation_container_memory_working_set_bytes'),
  onHosts('isolation_container_memory_limit_bytes'),
)})`;
const BY_HOST = 'by (job, instance)';

const glance: Row = {
  title: 'At a glance',
  panels: [
    sized(
      3,
      4,
      stat({
        title: 'Hosts reached',
        what: 'How many exporters Prometheus reaches, and how many it does not.',
        from: 'up, which Prometheus makes itself at each scrape.',
        red: 'of the hosts that are down nothing on this board is known. Open the exporter board.',
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
        from: 'the cgroups in /sys/fs/cgroup, whatever engines say.',
        queries: [range(`sum(${onHosts('isolation_containers')})`, 'containers')],
        unit: 'short',
        graph: 'sparkline',
      }),
    ),
    sized(
      3,
      4,
      stat({
        title: 'OOM kills, 24 h',
        what: 'Processes that the kernel killed for want of memory in the last 24 hours, in containers or not.',
        from: 'oom_kill of /proc/vmstat.',
        red: 'the table below says which containers; raise their memory limit or find what grows.',
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
        what: 'Containers that may take all memory of their host: neither they nor any cgroup above has a limit.',
        from: 'memory.max (v1: memory.limit_in_bytes) from the container to the root.',
        red: 'the posture board lists them; give each a limit.',
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
        title: 'In a host namespace',
        what: 'Containers that share the pid, net, mnt, ipc or uts namespace of their host.',
        from: '/proc/<pid>/ns of the init process against that of the host.',
        red: 'the posture board says which and what; a few agents need it, the rest should not.',
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
        what: 'Containers that run privileged, by what the kernel lets them do and not by what was asked for.',
        from: 'CapEff and Seccomp of /proc/<pid>/status, the LSM label, mounts and devices.',
        red: 'whoever is in such a container has the host. Give it the one capability or device that it needs.',
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
        title: 'Host-like',
        what: 'Containers of the lowest isolation level: hardly anything keeps them from their host.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices of each container, put together.',
        red: 'the posture board says which; its findings say why and how to mend it.',
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
        title: 'Exporters in trouble',
        what: 'Collectors that failed and needed sources (such as an engine or inotify) that do not work, over all exporters. /dev/kmsg and PSI only add detail, and are on the exporter board.',
        from: 'isolation_scrape_collector_success and isolation_source_up of each exporter.',
        red: 'some numbers are missing. The exporter board says which, and its log what helps.',
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
        title: 'Last OOM kill of each container',
        what: 'Containers with an OOM kill in the time range, the newest first. Those that are gone are among them.',
        from: 'memory.events (v1: memory.oom_control) and /dev/kmsg.',
        red: 'killed within the last 15 minutes (orange: within a day). Open its board: did it grow, or is the limit too low?',
        queries: [rows(`time() - ${LAST_KILL}`)],
        columns: [
          ...CONTAINER_COLUMNS,
          {
            field: 'Value',
            header: 'Ago',
            unit: 's',
            decimals: 0,
            width: 110,
            thresholds: thresholds('red', [15 * 60, 'orange'], [24 * 60 * 60, 'text']),
          },
        ],
        sortBy: [{ header: 'Ago', order: 'ascending' }],
        noValue: 'No OOM kill in this time range',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'OOM kills by host',
        what: 'Processes killed for want of memory, in containers or not. Bars are one to two minutes wide.',
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
        title: 'Kills of nobody known',
        what: 'OOM kills that the host counted and that are no known container’s: of a process outside, or of a container that nobody saw.',
        from: 'oom_kill of /proc/vmstat less the kills of all containers.',
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
        title: 'Nearest to their memory limit',
        what: 'Working set as a part of the effective limit, the ten highest. Containers without a limit have no such part.',
        from: 'memory.current less inactive_file of memory.stat, over the lowest memory.max to the root (v1: usage_in_bytes, limit_in_bytes).',
        red: 'above 90 % an OOM kill is near. Raise the limit, or find what grows.',
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
        title: 'Memory used of the limit',
        what: 'The same over time, the ten highest at each moment. The dashed lines are at 80 and 90 %.',
        from: 'memory.current less inactive_file of memory.stat, over the lowest memory.max to the root.',
        red: 'a line that climbs steadily to its limit is a leak; one that stays near it is a limit that is too low.',
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
        title: 'Stalled for want of memory',
        what: 'The part of the time in which all tasks of a container waited for memory, the ten highest.',
        from: 'full of memory.pressure. Only with PSI, and not on cgroup v1 alone.',
        red: 'it is reclaiming instead of working: raise memory.high or the limit.',
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
        title: 'Throttled periods',
        what: 'The part of the enforcement periods (mostly 100 ms) in which a container used up its CPU quota and had to wait, the ten highest.',
        from: 'nr_throttled over nr_periods of cpu.stat.',
        red: 'above a quarter, requests take longer than they should. Raise the quota, or start fewer threads than it allows cores.',
        queries: [
          range(
            `topk(10, ${share(
              rate(onHosts('isolation_container_cpu_throttled_periods_total')),
              rate(onHosts('isolation_container_cpu_periods_total')),
            )})`,
            CONTAINER_LEGEND,
          ),
        ],
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
        title: 'CPU used',
        what: 'CPU time for one second, in cores, the ten highest.',
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
        what: 'How many containers reach each level, from host-like to a virtual machine of their own; unknown are those that the exporter may not look into.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices of each container, put together.',
        red: 'a host-like or weakened container lost something that engines give by default; the posture board says what.',
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
        what: 'Each host with its exporter, kernel and cgroup version, its containers, OOM kills of the last 24 hours, and containers without a memory limit.',
        from: 'up of Prometheus, /proc/sys/kernel/osrelease, /proc/self/mountinfo, /proc/vmstat and the cgroups.',
        red: 'of a host whose exporter is down nothing is known: open the exporter board. Else go to the posture board with this host.',
        queries: [
          rows(onHosts('isolation_host_info')),
          rows(`max ${BY_HOST} (${ofTargets('up')})`),
          rows(`sum ${BY_HOST} (${onHosts('isolation_containers')})`),
          rows(`sum ${BY_HOST} (${HOST_KILLS_OF_A_DAY})`),
          rows(`sum ${BY_HOST} (${onHosts('isolation_container_memory_limited')} == bool 0)`),
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
          { field: 'Value #C', header: 'Containers', unit: 'short', width: 100 },
          {
            field: 'Value #D',
            header: 'OOM kills, 24 h',
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

/** All hosts at once: what happened, and where to look. */
export const fleet: Board = {
  uid: UIDS.fleet,
  title: 'Isolation / Fleet',
  description: 'How isolated the containers of all hosts are, and whether their limits bit.',
  variables: HOST_VARIABLES,
  annotations: [oomKills((metric) => onHosts(metric)), EXPORTER_RESTARTS],
  rows: [glance, oom, memory, cpu, hosts],
};
