import { type Row, sized } from './layout.ts';
import { ofExporters, onHosts, rate } from './queries.ts';
import { range } from './query.ts';
import { asLimit } from './overrides.ts';
import { timeseries } from './timeseries.ts';

/** What an exporter costs its host. */
export const PROCESS: Row = {
  title: 'What it costs',
  panels: [
    sized(
      6,
      8,
      timeseries({
        title: 'CPU',
        what: 'CPU time of the exporter for one second: 1 % is a hundredth of a core.',
        from: 'process_cpu_seconds_total, by getrusage.',
        queries: [range(ofExporters(rate(onHosts('process_cpu_seconds_total'))), '{{instance}}')],
        unit: 'percentunit',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Memory',
        what: 'Resident memory of the exporter.',
        from: 'VmRSS of /proc/self/status.',
        queries: [range(ofExporters(onHosts('process_resident_memory_bytes')), '{{instance}}')],
        unit: 'bytes',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Delay of the event loop',
        what: 'By how much the slowest hundredth of its timers was late.',
        from: 'the 99th percentile less the minimum that Node measures, which is its interval of sampling.',
        queries: [
          range(
            ofExporters(
              `${onHosts('nodejs_eventloop_lag_p99_seconds')} - ${onHosts('nodejs_eventloop_lag_min_seconds')}`,
            ),
            '{{instance}}',
          ),
        ],
        unit: 's',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Open files',
        what: 'Open descriptors, and how many there may be. It keeps the cgroup files of all containers open; past the limit it opens them for each read.',
        from: '/proc/self/fd and /proc/self/limits.',
        queries: [
          range(ofExporters(onHosts('process_open_fds')), 'open · {{instance}}'),
          range(`min(${ofExporters(onHosts('process_max_fds'))})`, 'limit'),
        ],
        unit: 'short',
        overrides: [asLimit('limit', 'red')],
      }),
    ),
  ],
};
