import { PRESSURE, thresholds } from './colours.ts';
import { type Row, sized } from './layout.ts';
import { asLimit, coloured } from './overrides.ts';
import { growth, ofContainer, ofContainerOrPod, rate, share } from './queries.ts';
import { events, last, type Query, range, rows } from './query.ts';
import { stat } from './single-values.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

/** What it uses of memory, against its limits. */
export const MEMORY: Row = {
  title: 'Memory',
  panels: [
    sized(
      12,
      9,
      timeseries({
        title: 'Memory against its limits',
        what: 'What is charged to it, and what of that cannot easily be reclaimed. The limit that holds is the lowest from it to the root; its own can be higher, or none. Above high the kernel slows it down.',
        from: 'memory.current, memory.stat, memory.peak, memory.high, memory.max (v1: usage_in_bytes, max_usage_in_bytes, limit_in_bytes).',
        red: 'where the working set meets the red line, it is OOM-killed. Raise the limit or find what grows.',
        queries: [
          range(ofContainer('isolation_container_memory_usage_bytes'), 'usage'),
          range(ofContainer('isolation_container_memory_working_set_bytes'), 'working set'),
          range(ofContainer('isolation_container_memory_peak_bytes'), 'peak'),
          range(ofContainer('isolation_container_memory_high_bytes'), 'high'),
          range(ofContainer('isolation_container_memory_own_limit_bytes'), 'own limit'),
          range(ofContainer('isolation_container_memory_limit_bytes'), 'effective limit'),
        ],
        unit: 'bytes',
        overrides: [
          coloured('usage', 'blue'),
          coloured('working set', 'green'),
          asLimit('peak', 'text'),
          asLimit('high', 'orange'),
          asLimit('own limit', 'purple'),
          asLimit('effective limit', 'red'),
        ],
      }),
    ),
    sized(
      12,
      9,
      timeseries({
        title: 'What the memory is',
        what: 'Anonymous memory, page cache and memory of the kernel. Of the page cache, shared memory and tmpfs cannot be dropped.',
        from: 'anon, file, kernel and shmem of memory.stat (v1: total_rss, total_cache, kmem.usage_in_bytes, total_shmem).',
        queries: [
          range(ofContainer('isolation_container_memory_anon_bytes'), 'anonymous'),
          range(ofContainer('isolation_container_memory_file_bytes'), 'page cache'),
          range(ofContainer('isolation_container_memory_kernel_bytes'), 'kernel'),
          range(ofContainer('isolation_container_memory_shmem_bytes'), 'shared, in the page cache'),
        ],
        unit: 'bytes',
        stacked: 'stacked',
        overrides: [
          coloured('anonymous', 'green'),
          coloured('page cache', 'blue'),
          coloured('kernel', 'purple'),
          asLimit('shared, in the page cache', 'yellow'),
        ],
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Met its memory limits',
        what: 'How often it met a limit: max is the limit (the kernel reclaims), high the threshold of throttling, oom a want that could not be met; oom kills are processes killed.',
        from: 'memory.events (v1: memory.failcnt and memory.oom_control).',
        red: 'max alone costs time; oom kill costs the process.',
        queries: [
          events(growth(ofContainer('isolation_container_memory_events_total')), '{{event}}'),
          events(growth(ofContainer('isolation_container_oom_kills_total')), 'oom kills'),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
        overrides: [coloured('oom kills', 'red')],
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Swap',
        what: 'Swap in use, and its limit.',
        from: 'memory.swap.current, memory.swap.max (v1: total_swap of memory.stat, memsw.limit_in_bytes).',
        queries: [
          range(ofContainer('isolation_container_memory_swap_usage_bytes'), 'swap'),
          range(ofContainer('isolation_container_memory_swap_limit_bytes'), 'limit'),
        ],
        unit: 'bytes',
        softMax: 2 ** 20,
        overrides: [asLimit('limit', 'red')],
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Page faults that needed I/O',
        what: 'How often it waited for a page from disk, for one second. Many of them beside a full limit mean that its own code is evicted and read again.',
        from: 'pgmajfault of memory.stat.',
        queries: [range(rate(ofContainer('isolation_container_memory_major_faults_total')), 'major faults')],
        unit: 'cps',
        softMax: 1,
      }),
    ),
  ],
};

/** What it uses of CPU and processes, against its limits. */
export const CPU_AND_PROCESSES: Row = {
  title: 'CPU and processes',
  panels: [
    sized(
      8,
      9,
      timeseries({
        title: 'CPU against its limit',
        what: 'CPU time for one second, in cores; of it in user mode and in the kernel. The limit that holds is the lowest from it to the root.',
        from: 'usage_usec, user_usec, system_usec of cpu.stat, cpu.max (v1: cpuacct.usage, cpu.cfs_quota_us).',
        red: 'at the red line it is throttled: see the next panels.',
        queries: [
          range(rate(ofContainer('isolation_container_cpu_usage_seconds_total')), 'used'),
          range(rate(ofContainer('isolation_container_cpu_user_seconds_total')), 'user'),
          range(rate(ofContainer('isolation_container_cpu_system_seconds_total')), 'kernel'),
          range(ofContainer('isolation_container_cpu_limit_cores'), 'limit'),
        ],
        unit: 'short',
        axis: 'cores',
        overrides: [
          coloured('used', 'blue'),
          coloured('user', 'green'),
          coloured('kernel', 'purple'),
          asLimit('limit', 'red'),
        ],
      }),
    ),
    sized(
      6,
      9,
      timeseries({
        title: 'Throttled periods',
        what: 'The part of the enforcement periods (mostly 100 ms) in which its quota ran out. The dashed line is at a quarter.',
        from: 'nr_throttled over nr_periods of cpu.stat.',
        red: 'above a quarter of the periods, requests take longer than they should. Raise the quota, or start fewer threads.',
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
        title: 'Held back',
        what: 'How long it was held back by its quota for one second, summed over CPUs: with several, it can be more than a second.',
        from: 'throttled_usec of cpu.stat (v1: throttled_time).',
        queries: [range(rate(ofContainer('isolation_container_cpu_throttled_seconds_total')), 'held back')],
        unit: 's',
      }),
    ),
    sized(
      4,
      9,
      stat({
        title: 'Share of the CPU',
        what: 'Its weight among siblings when CPU is short (100 is the default), and the CPUs that it may run on.',
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
      12,
      8,
      timeseries({
        title: 'Processes against their limit',
        what: 'Processes and threads, and how many there may be.',
        from: 'pids.current and the lowest pids.max from it to the root.',
        red: 'at the red line every fork fails: raise the limit, or find what starts threads without end.',
        queries: [
          range(ofContainer('isolation_container_pids'), 'processes and threads'),
          range(ofContainer('isolation_container_pids_limit'), 'limit'),
        ],
        unit: 'short',
        overrides: [coloured('processes and threads', 'blue'), asLimit('limit', 'red')],
      }),
    ),
    sized(
      12,
      8,
      timeseries({
        title: 'Forks refused',
        what: 'Processes and threads that could not be started because of the limit.',
        from: 'max of pids.events.',
        red: 'the program has met an error that it may not expect: raise the limit, or find what starts threads without end.',
        queries: [events(growth(ofContainer('isolation_container_pids_limit_hits_total')), 'refused')],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
        overrides: [coloured('refused', 'red')],
      }),
    ),
  ],
};

function pressure(resource: 'cpu' | 'memory' | 'io'): readonly Query[] {
  const matcher = `resource="${resource}"`;
  return [
    range(rate(ofContainer('isolation_container_pressure_waiting_seconds_total', matcher)), 'some waited'),
    range(rate(ofContainer('isolation_container_pressure_stalled_seconds_total', matcher)), 'all waited'),
  ];
}

const PRESSURE_COLOURS = [coloured('some waited', 'blue'), coloured('all waited', 'purple')];

/** What it waits for. */
export const PRESSURE_OF_IT: Row = {
  title: 'Pressure',
  panels: [
    sized(
      8,
      8,
      timeseries({
        title: 'Waiting for memory',
        what: 'The part of the time in which at least one task, and in which all, waited for memory.',
        from: 'some and full of memory.pressure. Only with PSI, and not on cgroup v1 alone.',
        red: 'it is reclaiming instead of working: raise memory.high or the limit.',
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
        title: 'Waiting for CPU',
        what: 'The part of the time in which at least one task, and in which all, waited for CPU. Throttling by its own quota counts too.',
        from: 'some and full of cpu.pressure. Only with PSI, and not on cgroup v1 alone.',
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
        title: 'Waiting for I/O',
        what: 'The part of the time in which at least one task, and in which all, waited for I/O.',
        from: 'some and full of io.pressure. Only with PSI, and not on cgroup v1 alone.',
        red: 'its disk is too slow or too busy, or its page cache is evicted by a tight memory limit.',
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

/** What goes through its devices and interfaces. */
export const DEVICES_AND_NETWORK: Row = {
  title: 'I/O and network',
  panels: [
    sized(
      8,
      8,
      timeseries({
        title: 'Block I/O',
        what: 'Bytes read and written for one second, by device.',
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
        what: 'Bytes received and sent for one second. Of a pod it is all containers’ together; on the network of the host there is none of its own.',
        from: '/proc/<pid>/net/dev.',
        queries: [
          range(network('receive_bytes', rate), 'received {{interface}}'),
          range(network('transmit_bytes', rate), 'sent {{interface}}'),
        ],
        unit: 'binBps',
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Network errors',
        what: 'Packets that were damaged or dropped.',
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
        what: 'Memory in huge pages, by their size. It is not a part of the memory above.',
        from: 'hugetlb.<size>.current (v1: hugetlb.<size>.usage_in_bytes).',
        queries: [rows(ofContainer('isolation_container_hugetlb_usage_bytes'))],
        columns: [
          { field: 'page_size', header: 'Page size' },
          { field: 'Value', header: 'In use', unit: 'bytes' },
        ],
        noValue: 'No hugetlb controller',
      }),
    ),
  ],
  state: 'folded',
};
