import { EXPORTER_RESTARTS } from './annotations.ts';
import { thresholds, values } from './colours.ts';
import type { Board } from './dashboard.ts';
import { PROCESS } from './exporter-process.ts';
import { type Row, sized } from './layout.ts';
import { UIDS } from './links.ts';
import { coloured } from './overrides.ts';
import { growth, ofTargets, onHosts } from './queries.ts';
import { events, range, rows } from './query.ts';
import { DETAIL_SOURCES, NEEDED_SOURCES } from './sources.ts';
import { stateTimeline } from './state-timeline.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';
import { HOST_VARIABLES } from './variables.ts';

const CLOCK = onHosts('isolation_exporter_clock_timestamp_seconds');
const WORKS = values({ 0: ['no', 'red'], 1: ['yes', 'green'] });
/** How far the clock of a host is before that of Prometheus; the alert is about a minute. */
const SKEW = `${CLOCK} - timestamp(${CLOCK})`;
const SKEW_COLOURS = thresholds('red', [-60, 'green'], [60, 'red']);

const targets: Row = {
  title: 'Targets',
  panels: [
    sized(
      7,
      6,
      stateTimeline({
        title: 'Reached by Prometheus',
        what: 'Whether the last scrape of each exporter succeeded.',
        from: 'up, which Prometheus makes itself at each scrape.',
        red: 'nothing is known of that host. See Status / Targets in Prometheus for the reason.',
        queries: [range(ofTargets('up'), '{{instance}}')],
        unit: 'bool_yes_no',
        mappings: WORKS,
      }),
    ),
    sized(
      10,
      6,
      table({
        title: 'Versions',
        what: 'The version of each exporter and of Node, and the clock of its host against that of Prometheus.',
        from: 'the exporter’s package and its wall clock at the scrape.',
        red: 'the clock is more than a minute away, and the times of OOM kills with it. Mend NTP.',
        queries: [rows(onHosts('isolation_exporter_build_info')), rows(SKEW)],
        columns: [
          { field: 'instance', header: 'Host' },
          { field: 'version', header: 'Version' },
          { field: 'revision', header: 'Revision' },
          { field: 'nodeversion', header: 'Node' },
          { field: 'arch', header: 'Architecture' },
          { field: 'Value #B', header: 'Clock', unit: 's', decimals: 1, thresholds: SKEW_COLOURS },
        ],
        sortBy: [{ header: 'Host', order: 'ascending' }],
      }),
    ),
    sized(
      7,
      6,
      timeseries({
        title: 'Clock skew',
        what: 'How far the clock of each host is ahead of (or, below 0, behind) that of Prometheus. The dashed lines are at one minute.',
        from: 'the exporter’s wall clock at the scrape, less the time of the scrape.',
        red: 'times of OOM kills are wrong by as much. Fix time synchronisation (NTP) on that host.',
        queries: [range(SKEW, '{{instance}}')],
        unit: 's',
        min: 'any',
        thresholds: thresholds('transparent', [-60, 'red'], [60, 'red']),
      }),
    ),
  ],
};

const sources: Row = {
  title: 'What it relies on',
  panels: [
    sized(
      12,
      11,
      stateTimeline({
        title: 'Sources',
        what: 'Whether each thing that the exporter relies on works: inotify on cgroupfs, the host’s namespaces, /dev/kmsg, vmstat, PSI, and the engines that give names. What does not apply to a host is not shown.',
        from: 'isolation_source_up.',
        red: 'what comes from there is absent or late until it works again. The exporter’s log says why, and which privilege helps.',
        queries: [
          range(onHosts('isolation_source_up', NEEDED_SOURCES), '{{source}} · {{instance}}'),
          range(onHosts('isolation_source_up', DETAIL_SOURCES), '{{source}} · {{instance}}'),
        ],
        unit: 'bool_yes_no',
        mappings: WORKS,
        overrides: [
          {
            matcher: { id: 'byFrameRefID', options: 'B' },
            properties: [{ id: 'mappings', value: values({ 0: ['no', 'orange'], 1: ['yes', 'green'] }) }],
          },
        ],
      }),
    ),
    sized(
      12,
      11,
      stateTimeline({
        title: 'Collectors',
        what: 'Whether each collector could read all that it should, of every container, in time.',
        from: 'isolation_scrape_collector_success.',
        red: 'its metrics are absent for some containers. The exporter’s log says of which, and what helps.',
        queries: [
          range(
            `min by (instance, collector) (${onHosts('isolation_scrape_collector_success')})`,
            '{{collector}} · {{instance}}',
          ),
        ],
        unit: 'bool_yes_no',
        mappings: WORKS,
      }),
    ),
    sized(
      8,
      8,
      table({
        title: 'How the host’s namespaces were found',
        what: 'By what the exporter knows the host’s namespace of each kind: pid1 and kthreadd are certain, own and services are guesses.',
        from: '/proc/1/ns, or what stands in for it.',
        queries: [rows(onHosts('isolation_host_namespace_reference_info'))],
        columns: [
          { field: 'instance', header: 'Host' },
          { field: 'ns', header: 'Namespace' },
          { field: 'source', header: 'Found by' },
        ],
        sortBy: [
          { header: 'Host', order: 'ascending' },
          { header: 'Namespace', order: 'ascending' },
        ],
        noValue: 'Not found: no container’s namespaces can be judged',
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Containers that came and went',
        what: 'Containers that appeared in cgroupfs and that disappeared, also those that lived for a moment.',
        from: 'mkdir and rmdir in /sys/fs/cgroup, by inotify and by walks.',
        queries: [
          events(`sum by (instance) (${growth(onHosts('isolation_containers_started_total'))})`, 'came · {{instance}}'),
          events(`sum by (instance) (${growth(onHosts('isolation_containers_removed_total'))})`, 'went · {{instance}}'),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'OOM kills, counted and accounted for',
        what: 'OOM kills that the host counted, those of containers, those of nobody known, and records of the kernel’s log that were overwritten before they were read.',
        from: 'oom_kill of /proc/vmstat, memory.events, sequence numbers of /dev/kmsg.',
        red: 'with lost records, the victim of a kill may not be known. It is counted all the same.',
        queries: [
          events(`sum(${growth(onHosts('isolation_host_oom_kills_total'))})`, 'host'),
          events(`sum(${growth(onHosts('isolation_container_oom_kills_total'))})`, 'containers'),
          events(`sum(${growth(onHosts('isolation_oom_kills_unattributed_total'))})`, 'nobody known'),
          events(`sum(${growth(onHosts('isolation_kmsg_lost_records_total'))})`, 'lost records'),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
        overrides: [
          coloured('host', 'blue'),
          coloured('containers', 'green'),
          coloured('nobody known', 'yellow'),
          coloured('lost records', 'orange'),
        ],
      }),
    ),
  ],
};

const scrapes: Row = {
  title: 'Scrapes',
  panels: [
    sized(
      8,
      9,
      timeseries({
        title: 'Scrape duration',
        what: 'How long Prometheus waited for each exporter. The dashed line is half of the usual time-out of 10 s.',
        from: 'scrape_duration_seconds, which Prometheus makes itself.',
        red: 'the next panel says which collector takes long.',
        queries: [range(ofTargets('scrape_duration_seconds'), '{{instance}}')],
        unit: 's',
        thresholds: thresholds('transparent', [5, 'red']),
      }),
    ),
    sized(
      8,
      9,
      timeseries({
        title: 'Collector duration',
        what: 'How long each collector took; the slowest host of each.',
        from: 'isolation_scrape_collector_duration_seconds.',
        queries: [
          range(`max by (collector) (${onHosts('isolation_scrape_collector_duration_seconds')})`, '{{collector}}'),
        ],
        unit: 's',
        legend: 'right',
      }),
    ),
    sized(
      8,
      9,
      timeseries({
        title: 'Samples of a scrape',
        what: 'How many samples each exporter gives, and how many of its series were new: a line of new series that never goes down costs memory in Prometheus.',
        from: 'scrape_samples_post_metric_relabeling and scrape_series_added, which Prometheus makes itself.',
        queries: [
          range(ofTargets('scrape_samples_post_metric_relabeling'), 'samples · {{instance}}'),
          range(ofTargets('scrape_series_added'), 'new series · {{instance}}'),
        ],
        unit: 'short',
      }),
    ),
  ],
};

/** The exporters themselves: whether they see all that they should, and what they cost. */
export const exporter: Board = {
  uid: UIDS.exporter,
  title: 'Isolation / Exporter',
  description: 'Whether the exporters see all that they should, and what they cost.',
  variables: HOST_VARIABLES,
  annotations: [{ ...EXPORTER_RESTARTS, enable: true }],
  rows: [targets, sources, scrapes, PROCESS],
};
