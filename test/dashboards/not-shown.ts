/** Metrics that no dashboard shows, and why. */
export const NOT_SHOWN: Readonly<Record<string, string>> = {
  isolation_container_limiter_memory_working_set_bytes: 'what cannot be freed is shown instead',
  isolation_container_posture_age_seconds: 'at most 45 s by design; for who doubts a finding',
  isolation_container_effective_limit_info: 'the limiting cgroups are shown with their limits, which tells the same',
  isolation_container_memory_low_bytes: 'a protection, not a limit: nothing to act on; for queries of one’s own',
  isolation_container_memory_min_bytes: 'as memory_low_bytes',
  isolation_container_memory_mapped_file_bytes: 'a part of the page cache that explains little beside it',
  isolation_container_memory_faults_total: 'minor faults are no trouble; major ones are shown',
  isolation_container_cpu_burst_seconds_total: 'only where bursting is set up, which no engine does',
  isolation_container_io_reads_total: 'bytes tell the same',
  isolation_container_io_writes_total: 'bytes tell the same',
  isolation_container_network_receive_packets_total: 'bytes tell the same',
  isolation_container_network_transmit_packets_total: 'bytes tell the same',
  isolation_oom_kills_expired_total: 'completes the sum for the host; nothing to act on',
  isolation_source_limit_hits_total: 'explains late or missing names, which the boards show; for queries of one’s own',
  isolation_container_runs_exporter: 'for rules, which except the exporter by it',
};
