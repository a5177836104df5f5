/** Families of cAdvisor that this exporter does not have. */
interface Missing {
  readonly names: readonly string[];
  /** Our metrics that answer the same question. */
  readonly ours?: readonly string[];
  readonly why: string;
}

/** All of them, in the order of cAdvisor's documentation. */
export const MISSING: readonly Missing[] = [
  {
    names: ['container_fs_inodes_free', 'container_fs_inodes_total'],
    why: 'In cAdvisor the numbers of the whole file system. node_exporter has them: `node_filesystem_files*`.',
  },
  {
    names: [
      'container_fs_sector_reads_total',
      'container_fs_sector_writes_total',
      'container_fs_reads_merged_total',
      'container_fs_writes_merged_total',
      'container_fs_read_seconds_total',
      'container_fs_write_seconds_total',
      'container_fs_io_current',
      'container_fs_io_time_seconds_total',
      'container_fs_io_time_weighted_seconds_total',
    ],
    why: "In cAdvisor the numbers of the whole disk, as if they were each container's. The kernel does not count them by cgroup. node_exporter has those of disks: `node_disk_*`.",
  },
  {
    names: [
      'container_fs_io_cost_usage_seconds_total',
      'container_fs_io_cost_wait_seconds_total',
      'container_fs_io_cost_indebt_seconds_total',
      'container_fs_io_cost_indelay_seconds_total',
    ],
    why: 'Only where somebody has set the iocost controller up.',
  },
  {
    names: ['container_blkio_device_usage_total'],
    ours: ['isolation_container_io_read_bytes_total', 'isolation_container_io_write_bytes_total'],
    why: 'The same bytes as `container_fs_reads_bytes_total` and `container_fs_writes_bytes_total`.',
  },
  {
    names: ['container_cpu_cfs_burst_periods_total'],
    ours: ['isolation_container_cpu_burst_seconds_total'],
    why: 'No engine sets bursts up.',
  },
  {
    names: ['container_cpu_load_average_10s', 'container_cpu_load_d_average_10s', 'container_tasks_state'],
    ours: ['isolation_container_pressure_waiting_seconds_total{resource="cpu"}'],
    why: 'Always 0 in cAdvisor on cgroup v2, and on v1 without `--enable_load_reader`.',
  },
  {
    names: [
      'container_cpu_schedstat_run_seconds_total',
      'container_cpu_schedstat_runqueue_seconds_total',
      'container_cpu_schedstat_run_periods_total',
    ],
    ours: ['isolation_container_pressure_waiting_seconds_total{resource="cpu"}'],
    why: 'Off by default in cAdvisor. It needs a file of each process.',
  },
  {
    names: ['container_file_descriptors', 'container_sockets'],
    ours: ['isolation_container_init_open_files'],
    why: 'Off by default in cAdvisor. It lists the open files of each process; ours is of the first process only.',
  },
  {
    names: [
      'container_network_tcp_usage_total',
      'container_network_tcp6_usage_total',
      'container_network_udp_usage_total',
      'container_network_udp6_usage_total',
      'container_network_advance_tcp_stats_total',
    ],
    why: 'Off by default in cAdvisor. It lists all sockets of a container.',
  },
  {
    names: ['container_hugetlb_max_usage_bytes'],
    ours: ['isolation_container_hugetlb_usage_bytes'],
    why: 'Off by default in cAdvisor, and 0 on cgroup v2.',
  },
  {
    names: ['container_memory_migrate', 'container_memory_numa_pages', 'container_referenced_bytes'],
    why: 'Off by default in cAdvisor.',
  },
  {
    names: [
      'container_perf_events_total',
      'container_perf_events_scaling_ratio',
      'container_perf_uncore_events_total',
      'container_perf_uncore_events_scaling_ratio',
      'container_memory_bandwidth_bytes',
      'container_memory_bandwidth_local_bytes',
      'container_llc_occupancy_bytes',
    ],
    why: 'Off by default in cAdvisor. They need counters of the CPU.',
  },
  {
    names: ['machine_scrape_error'],
    ours: ['isolation_scrape_collector_success'],
    why: '`container_scrape_error` is about the machine too.',
  },
  {
    names: [
      'machine_cpu_physical_cores',
      'machine_cpu_sockets',
      'machine_cpu_books',
      'machine_cpu_drawers',
      'machine_cpu_cache_capacity_bytes',
      'machine_thread_siblings_count',
      'machine_node_memory_capacity_bytes',
      'machine_node_hugepages_count',
      'machine_node_distance',
      'machine_dimm_count',
      'machine_dimm_capacity_bytes',
      'machine_nvm_capacity',
      'machine_nvm_avg_power_budget_watts',
    ],
    why: 'Facts about hardware, which node_exporter has.',
  },
];
