import { PRESSURE, thresholds } from './colours.ts';
import { type Row, sized } from './layout.ts';
import { asLimit, coloured } from './overrides.ts';
import { growth, ofContainer, ofContainerOrPod, rate, share } from './queries.ts';
import { events, last, type Query, range, rows } from './query.ts';
import { stat } from './single-values.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

/** Memory use compared with its limits. */
export const MEMORY: Row = {
  title: 'Memory',
  panels: [
    sized(
      12,
      9,
      timeseries({
        title: 'Memory usage and limits',
        what: 'Memory usage, the working set as in cAdvisor, what the kernel cannot free, and the limits. The effective limit is the lowest from the init process to the root; its own can be higher, or missing. Above memory.high the kernel throttles it.',
        from: 'memory.current, memory.stat, memory.peak, memory.high and memory.max (v1: usage_in_bytes, max_usage_in_bytes, limit_in_bytes).',
        red: 'when what cannot be freed reaches the red line, the container is OOM-killed. Raise the limit, or find what grows.',
        queries: [
          range(ofContainer('isolation_container_memory_usage_bytes'), 'usage'),
          range(ofContainer('isolation_container_memory_working_set_bytes'), 'working set'),
          range(ofContainer('isolation_container_memory_unreclaimable_bytes'), 'cannot be freed'),
          range(ofContainer('isolation_container_memory_peak_bytes'), 'peak'),
          range(ofContainer('isolation_container_memory_high_bytes'), 'memory.high'),
          range(ofContainer('isolation_container_memory_own_limit_bytes'), 'own limit'),
          range(ofContainer('isolation_container_memory_limit_bytes'), 'effective limit'),
        ],
        unit: 'bytes',
        overrides: [
          coloured('usage', 'blue'),
          coloured('working set', 'green'),
          coloured('cannot be freed', 'yellow'),
          asLimit('peak', 'text'),
          asLimit('memory.high', 'orange'),
          asLimit('own limit', 'purple'),
          asLimit('effective limit', 'red'),
        ],
      }),
    ),
    sized(
      12,
      9,
      timeseries({
        title: 'Memory breakdown',
        what: 'Anonymous memory, page cache and kernel memory. Shmem and tmpfs are part of the page cache and cannot be dropped.',
        from: 'anon, file, kernel and shmem of memory.stat (v1: total_rss, total_cache, kmem.usage_in_bytes, total_shmem).',
        queries: [
          range(ofContainer('isolation_container_memory_anon_bytes'), 'anonymous'),
          range(ofContainer('isolation_container_memory_file_bytes'), 'page cache'),
          range(ofContainer('isolation_container_memory_kernel_bytes'), 'kernel'),
          range(ofContainer('isolation_container_memory_shmem_bytes'), 'shmem (in page cache)'),
        ],
        unit: 'bytes',
        stacked: 'stacked',
        overrides: [
          coloured('anonymous', 'green'),
          coloured('page cache', 'blue'),
          coloured('kernel', 'purple'),
          asLimit('shmem (in page cache)', 'yellow'),
        ],
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Memory events',
        what: 'How often its own limits were met. max: the limit was hit and the kernel reclaimed memory. high: memory.high was exceeded. oom: an allocation failed at the limit. swap: swap was refused (max, fail) or slowed down (high). OOM kills: the OOM killer killed a process, or a group of them together.',
        from: 'memory.events.local (v1: memory.failcnt and memory.memsw.failcnt), memory.swap.events, and oom_kill, oom_group_kill and sock_throttled of memory.events (v1: oom_kill of memory.oom_control).',
        red: 'max on its own costs time; an OOM kill costs the process. Raise the limit, or find what grows.',
        queries: [
          events(growth(ofContainer('isolation_container_memory_events_total')), '{{event}}'),
          events(growth(ofContainer('isolation_container_memory_swap_events_total')), 'swap {{event}}'),
          events(growth(ofContainer('isolation_container_memory_throttled_sockets_total')), 'throttled sockets'),
          events(growth(ofContainer('isolation_container_oom_events_total')), 'OOM kills'),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
        overrides: [coloured('OOM kills', 'red')],
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Swap usage',
        what: 'Swap in use, and the limit.',
        from: 'memory.swap.current and memory.swap.max (v1: total_swap of memory.stat, memsw.limit_in_bytes).',
        queries: [
          range(ofContainer('isolation_container_memory_swap_usage_bytes'), 'swap'),
          range(ofContainer('isolation_container_memory_swap_limit_bytes'), 'effective limit'),
        ],
        unit: 'bytes',
        softMax: 2 ** 20,
        overrides: [asLimit('effective limit', 'red')],
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Major page faults and refaults',
        what: 'Page faults per second that had to read from disk, and pages that were needed again soon after they were reclaimed. Many of them with memory near the limit are thrashing: the container’s own code and data are evicted and read again.',
        from: 'pgmajfault, workingset_refault_anon and workingset_refault_file of memory.stat (v1: with total_ in front).',
        queries: [
          range(rate(ofContainer('isolation_container_memory_major_faults_total')), 'major faults'),
          range(rate(ofContainer('isolation_container_memory_refaults_total')), 'refaults {{kind}}'),
        ],
        unit: 'cps',
        softMax: 1,
      }),
    ),
  ],
};

/** Use of CPU and processes compared with their limits. */
export const CPU_AND_PROCESSES: Row = {
  title: 'CPU and processes',
  panels: [
    sized(
      8,
      9,
      timeseries({
        title: 'CPU usage and limit',
        what: 'CPU usage in cores, in total and in user and system mode. The effective limit is the lowest from the init process to the root.',
        from: 'usage_usec, user_usec and system_usec of cpu.stat, and cpu.max (v1: cpuacct.usage, cpu.cfs_quota_us).',
        red: 'at the red line the container is throttled: see the next two panels.',
        queries: [
          range(rate(ofContainer('isolation_container_cpu_usage_seconds_total')), 'usage'),
          range(rate(ofContainer('isolation_container_cpu_user_seconds_total')), 'user'),
          range(rate(ofContainer('isolation_container_cpu_system_seconds_total')), 'system'),
          range(ofContainer('isolation_container_cpu_limit_cores'), 'effective limit'),
        ],
        unit: 'short',
        axis: 'cores',
        overrides: [
          coloured('usage', 'blue'),
          coloured('user', 'green'),
          coloured('system', 'purple'),
          asLimit('effective limit', 'red'),
        ],
      }),
    ),
    sized(
      6,
      9,
      timeseries({
        title: 'CPU throttled periods',
        what: 'Share of CFS periods (usually 100 ms) in which its own CPU quota was used up. The dashed line is at 25 %.',
        from: 'nr_throttled over nr_periods of its cpu.stat.',
        red: 'above 25 % expect higher latency. Raise the CPU limit, or run fewer threads.',
        queries: [
          range(
            share(
              rate(ofContainer('isolation_container_cpu_throttled_periods_total')),
              rate(ofContainer('isolation_container_cpu_periods_total')),
            ),
            'throttled',
          ),
        ],
        unit: 'percentunit',
        softMax: 1,
        thresholds: thresholds('green', [0.25, 'orange']),
      }),
    ),
    sized(
      6,
      9,
      timeseries({
        title: 'CPU throttled time',
        what: 'Seconds throttled per second by its own quota, summed over CPUs, so it can exceed 1.',
        from: 'throttled_usec of cpu.stat (v1: throttled_time).',
        queries: [range(rate(ofContainer('isolation_container_cpu_throttled_seconds_total')), 'throttled')],
        unit: 's',
      }),
    ),
    sized(
      4,
      9,
      stat({
        title: 'CPU weight and cpuset',
        what: 'CPU weight relative to sibling cgroups when CPU is short (default 100), and the number of CPUs the container may run on.',
        from: 'cpu.weight and cpuset.cpus.effective (v1: cpu.shares, cpuset.effective_cpus).',
        queries: [
          last(`max(${ofContainer('isolation_container_cpu_weight')})`, 'weight'),
          last(`max(${ofContainer('isolation_container_cpuset_cpus')})`, 'CPUs'),
        ],
        unit: 'short',
        decimals: 0,
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'PIDs usage and limit',
        what: 'Processes and threads, and the effective limit.',
        from: 'pids.current, and the lowest pids.max from the init process to the root.',
        red: 'at the red line every fork fails. Raise the limit, or find the thread leak.',
        queries: [
          range(ofContainer('isolation_container_pids'), 'processes and threads'),
          range(ofContainer('isolation_container_pids_limit'), 'effective limit'),
        ],
        unit: 'short',
        overrides: [coloured('processes and threads', 'blue'), asLimit('effective limit', 'red')],
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'PIDs limit hits',
        what: 'Processes and threads that could not be started because its own PIDs limit was reached.',
        from: 'max of pids.events.local (v1, and before Linux 6.11: pids.events).',
        red: 'programs see EAGAIN and often fail. Raise the limit, or find the thread leak.',
        queries: [events(growth(ofContainer('isolation_container_pids_limit_hits_total')), 'limit hits')],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
        overrides: [coloured('limit hits', 'red')],
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Open files of the init process',
        what: 'File descriptors that the init process has open, and how many it may have. Other processes of the container are not counted.',
        from: 'size of /proc/<pid>/fd (Linux 6.2), and Max open files of /proc/<pid>/limits.',
        red: 'at the red line open, accept and socket fail: Too many open files. Raise the limit (ulimit), or find the leak.',
        queries: [
          range(ofContainer('isolation_container_init_open_files'), 'open files'),
          range(ofContainer('isolation_container_init_open_files_limit'), 'soft limit'),
        ],
        unit: 'short',
        overrides: [coloured('open files', 'blue'), asLimit('soft limit', 'red')],
      }),
    ),
    sized(
      4,
      8,
      timeseries({
        title: 'Frozen',
        what: 'Whether the container is frozen (1), as docker pause does, and the share of time in which it was. A frozen container does nothing, and does not answer.',
        from: 'frozen of cgroup.events (v1: freezer.state), and frozen_usec of cgroup.stat.local (Linux 6.18).',
        queries: [
          range(ofContainer('isolation_container_frozen'), 'frozen'),
          range(rate(ofContainer('isolation_container_frozen_seconds_total')), 'share of time'),
        ],
        unit: 'short',
        softMax: 1,
      }),
    ),
  ],
};

function pressure(resource: 'cpu' | 'memory' | 'io'): readonly Query[] {
  const matcher = `resource="${resource}"`;
  return [
    range(rate(ofContainer('isolation_container_pressure_waiting_seconds_total', matcher)), 'some'),
    range(rate(ofContainer('isolation_container_pressure_stalled_seconds_total', matcher)), 'full'),
  ];
}

const PRESSURE_COLOURS = [coloured('some', 'blue'), coloured('full', 'purple')];

/** What the container waits for. */
export const PRESSURE_OF_IT: Row = {
  title: 'Pressure (PSI)',
  panels: [
    sized(
      8,
      8,
      timeseries({
        title: 'Memory pressure',
        what: 'Share of time in which some (at least one) or all tasks (full) were stalled on memory. The dashed lines are at 10 % and 40 %.',
        from: 'some and full of memory.pressure. Needs PSI and cgroup v2.',
        red: 'the container reclaims memory instead of working. Raise its limit or memory.high.',
        queries: pressure('memory'),
        overrides: PRESSURE_COLOURS,
        unit: 'percentunit',
        softMax: 0.1,
        thresholds: PRESSURE,
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'CPU pressure',
        what: 'Share of time in which some (at least one) or all tasks (full) were stalled on CPU. Throttling by its own CPU limit counts too.',
        from: 'some and full of cpu.pressure. Needs PSI and cgroup v2.',
        queries: pressure('cpu'),
        overrides: PRESSURE_COLOURS,
        unit: 'percentunit',
        softMax: 0.1,
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'I/O pressure',
        what: 'Share of time in which some (at least one) or all tasks (full) were stalled on I/O. The dashed lines are at 10 % and 40 %.',
        from: 'some and full of io.pressure. Needs PSI and cgroup v2.',
        red: 'the disk is too slow or too busy, or a tight memory limit evicts the page cache.',
        queries: pressure('io'),
        overrides: PRESSURE_COLOURS,
        unit: 'percentunit',
        softMax: 0.1,
        thresholds: PRESSURE,
      }),
    ),
  ],
};

function network(metric: string, grow: (counter: string) => string): string {
  return ofContainerOrPod(`isolation_container_network_${metric}_total`, grow);
}

/** Disk and network traffic. */
export const DEVICES_AND_NETWORK: Row = {
  title: 'I/O and network',
  panels: [
    sized(
      8,
      8,
      timeseries({
        title: 'Block I/O',
        what: 'Bytes read and written per second, by device.',
        from: 'rbytes and wbytes of io.stat (v1: blkio.throttle.io_service_bytes_recursive, which recent kernels only count on a device that some cgroup had a throttle rule for).',
        queries: [
          range(rate(ofContainer('isolation_container_io_read_bytes_total')), 'read {{device}}'),
          range(rate(ofContainer('isolation_container_io_write_bytes_total')), 'write {{device}}'),
        ],
        unit: 'binBps',
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Network traffic',
        what: 'Bytes received and transmitted per second. Containers of a pod share its network, so all of them are counted. Not available on the host network.',
        from: '/proc/<pid>/net/dev.',
        queries: [
          range(network('receive_bytes', rate), 'receive {{interface}}'),
          range(network('transmit_bytes', rate), 'transmit {{interface}}'),
        ],
        unit: 'binBps',
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Network errors and drops',
        what: 'Packets with errors, and packets dropped.',
        from: '/proc/<pid>/net/dev.',
        queries: [
          events(network('receive_errors', growth), 'receive errors {{interface}}'),
          events(network('transmit_errors', growth), 'transmit errors {{interface}}'),
          events(network('receive_dropped', growth), 'receive drops {{interface}}'),
          events(network('transmit_dropped', growth), 'transmit drops {{interface}}'),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
      }),
    ),
    sized(
      24,
      5,
      table({
        title: 'Huge pages',
        what: 'Huge pages in use, by page size. Not part of the memory usage above.',
        from: 'hugetlb.<size>.current (v1: hugetlb.<size>.usage_in_bytes).',
        queries: [rows(ofContainer('isolation_container_hugetlb_usage_bytes'))],
        columns: [
          { field: 'page_size', header: 'Page size' },
          { field: 'Value', header: 'In use', unit: 'bytes' },
        ],
        noValue: 'No huge pages on this host, or no hugetlb controller',
      }),
    ),
  ],
  state: 'folded',
};
