import { type Row, sized } from './layout.ts';
import { ofExporters, onHosts, rate } from './queries.ts';
import { range } from './query.ts';
import { asLimit } from './overrides.ts';
import { timeseries } from './timeseries.ts';

/** Resource use of the exporter. */
export const PROCESS: Row = {
  title: 'Exporter process',
  panels: [
    sized(
      6,
      8,
      timeseries({
        title: 'CPU usage',
        what: 'CPU usage of the exporter, as a share of one core.',
        from: 'process_cpu_seconds_total, from getrusage.',
        queries: [range(ofExporters(rate(onHosts('process_cpu_seconds_total'))), '{{instance}}')],
        unit: 'percentunit',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Resident memory',
        what: 'Resident memory (RSS) of the exporter.',
        from: 'VmRSS of /proc/self/status.',
        queries: [range(ofExporters(onHosts('process_resident_memory_bytes')), '{{instance}}')],
        unit: 'bytes',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Event loop lag (p99)',
        what: 'The 99th percentile of the lag of the Node.js event loop, without the sampling interval.',
        from: 'nodejs_eventloop_lag_p99_seconds minus nodejs_eventloop_lag_min_seconds, measured by Node.js.',
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
        title: 'Open file descriptors',
        what: 'Open file descriptors, and the limit. The exporter keeps the cgroup files of all containers open; at the limit it opens them for each read.',
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
