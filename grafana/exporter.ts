import { EXPORTER_RESTARTS } from './annotations.ts';
import { thresholds, values } from './colours.ts';
import type { Board } from './dashboard.ts';
import { PROCESS } from './exporter-process.ts';
import { type Row, sized } from './layout.ts';
import { UIDS } from './links.ts';
import { coloured } from './overrides.ts';
import { CLOCK, growth, ofTargets, onHosts } from './queries.ts';
import { events, range, rows } from './query.ts';
import { DETAIL_SOURCES, NEEDED_SOURCES } from './sources.ts';
import { stateTimeline } from './state-timeline.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';
import { HOST_VARIABLES } from './variables.ts';

const WORKS = values({ 0: ['no', 'red'], 1: ['yes', 'green'] });
/** How far the host's clock is ahead of Prometheus'; the alert fires at a minute. */
const SKEW = `${CLOCK} - timestamp(${CLOCK})`;
const SKEW_COLOURS = thresholds('red', [-60, 'green'], [60, 'red']);

const targets: Row = {
  title: 'Targets',
  panels: [
    sized(
      7,
      6,
      stateTimeline({
        title: 'Exporter up',
        what: 'Whether the last scrape of each exporter succeeded.',
        from: 'up, recorded by Prometheus at each scrape.',
        red: 'nothing is known about that host. See Status > Targets in Prometheus for the error.',
        queries: [range(ofTargets('up'), '{{instance}}')],
        unit: 'bool_yes_no',
        mappings: values({ 0: ['down', 'red'], 1: ['up', 'green'] }),
      }),
    ),
    sized(
      10,
      6,
      table({
        title: 'Versions',
        what: 'Version of each exporter and of Node.js, and clock skew against Prometheus.',
        from: 'isolation_exporter_build_info, and the exporter’s wall clock at the scrape.',
        red: 'the clock is off by more than a minute, and so are the times of OOM kills. Fix time synchronisation (NTP).',
        queries: [rows(onHosts('isolation_exporter_build_info')), rows(SKEW)],
        columns: [
          { field: 'instance', header: 'Host' },
          { field: 'version', header: 'Version' },
          { field: 'revision', header: 'Revision' },
          { field: 'nodeversion', header: 'Node.js' },
          { field: 'arch', header: 'Architecture' },
          { field: 'Value #B', header: 'Clock skew', unit: 's', decimals: 1, thresholds: SKEW_COLOURS },
        ],
        sortBy: [{ header: 'Host', order: 'ascending' }],
      }),
    ),
    sized(
      7,
      6,
      timeseries({
        title: 'Clock skew',
        what: 'Clock of each host minus the clock of Prometheus. The dashed lines are at one minute.',
        from: 'the exporter’s wall clock at the scrape, minus the time of the scrape.',
        red: 'the times of OOM kills are off by as much. Fix time synchronisation (NTP) on that host.',
        queries: [range(SKEW, '{{instance}}')],
        unit: 's',
        min: 'any',
        thresholds: thresholds('transparent', [-60, 'red'], [60, 'red']),
      }),
    ),
  ],
};

const sources: Row = {
  title: 'Sources and collectors',
  panels: [
    sized(
      12,
      11,
      stateTimeline({
        title: 'Source health',
        what: 'Whether each source of the exporter works: inotify on cgroupfs, the host namespaces, /dev/kmsg, /proc/vmstat, PSI, and the engines for names. Sources that do not apply to a host are not shown.',
        from: 'isolation_source_up.',
        red: 'data from this source is missing or late; orange sources only add detail. The exporter’s log says why.',
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
        title: 'Collector success',
        what: 'Whether each collector could read everything, of every container, in time.',
        from: 'isolation_scrape_collector_success.',
        red: 'its metrics are missing for some containers. The exporter’s log says which and why.',
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
        title: 'Host namespace references',
        what: 'How the exporter found the host namespace of each type: pid1 and kthreadd are certain, own and services are guesses.',
        from: '/proc/1/ns, or what stands in for it.',
        queries: [rows(onHosts('isolation_host_namespace_reference_info'))],
        columns: [
          { field: 'instance', header: 'Host' },
          { field: 'ns', header: 'Namespace type' },
          { field: 'source', header: 'Found by' },
        ],
        sortBy: [
          { header: 'Host', order: 'ascending' },
          { header: 'Namespace type', order: 'ascending' },
        ],
        noValue: 'Not found: namespaces cannot be judged',
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Container churn',
        what: 'Containers started and removed, including very short-lived ones.',
        from: 'mkdir and rmdir in /sys/fs/cgroup, by inotify and periodic walks.',
        queries: [
          events(
            `sum by (instance) (${growth(onHosts('isolation_containers_started_total'))})`,
            'started · {{instance}}',
          ),
          events(
            `sum by (instance) (${growth(onHosts('isolation_containers_removed_total'))})`,
            'removed · {{instance}}',
          ),
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
        title: 'OOM kill accounting',
        what: 'Processes killed by the OOM killer: counted by the hosts, those of containers, those attributed to no container; and kernel log records lost before they were read.',
        from: 'oom_kill of /proc/vmstat, memory.events (v1: memory.oom_control), and sequence numbers of /dev/kmsg.',
        red: 'with lost records the victim of a kill may be unknown. The kill is counted all the same.',
        queries: [
          events(`sum(${growth(onHosts('isolation_host_oom_kills_total'))})`, 'host'),
          events(`sum(${growth(onHosts('isolation_container_oom_kills_total'))})`, 'containers'),
          events(`sum(${growth(onHosts('isolation_oom_kills_unattributed_total'))})`, 'unattributed'),
          events(`sum(${growth(onHosts('isolation_kmsg_lost_records_total'))})`, 'lost kmsg records'),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
        overrides: [
          coloured('host', 'blue'),
          coloured('containers', 'green'),
          coloured('unattributed', 'yellow'),
          coloured('lost kmsg records', 'orange'),
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
        what: 'How long each scrape took. The dashed line is at half the usual scrape timeout of 10 s.',
        from: 'scrape_duration_seconds, recorded by Prometheus.',
        red: 'the next panel shows which collector is slow.',
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
        what: 'How long each collector took, on the slowest host.',
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
        title: 'Samples per scrape',
        what: 'Samples per scrape, and new series. New series that never stop mean churn, which costs memory in Prometheus.',
        from: 'scrape_samples_post_metric_relabeling and scrape_series_added, recorded by Prometheus.',
        queries: [
          range(ofTargets('scrape_samples_post_metric_relabeling'), 'samples · {{instance}}'),
          range(ofTargets('scrape_series_added'), 'new series · {{instance}}'),
        ],
        unit: 'short',
      }),
    ),
  ],
};

/** The exporters: whether their sources work, and what they cost. */
export const exporter: Board = {
  uid: UIDS.exporter,
  title: 'Isolation / Exporter',
  description: 'Health of the exporters: scrapes, sources, collectors and resource usage.',
  variables: HOST_VARIABLES,
  annotations: [{ ...EXPORTER_RESTARTS, enable: true }],
  rows: [targets, sources, scrapes, PROCESS],
};
