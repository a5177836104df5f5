import type { Families } from './families.ts';

/** What the exporter says and no board shows, and why. */
export const NOT_SHOWN: Readonly<Record<string, string>> = {
  isolation_container_memory_low_bytes: 'a protection, not a limit: nothing to act on; for queries of one’s own',
  isolation_container_memory_min_bytes: 'as memory_low_bytes',
  isolation_container_memory_mapped_file_bytes: 'a part of the page cache that explains little beside it',
  isolation_container_memory_faults_total: 'minor faults are no trouble; major ones are shown',
  isolation_container_cpu_burst_seconds_total: 'only where bursting is set up, which no engine does',
  isolation_container_io_reads_total: 'bytes tell the same',
  isolation_container_io_writes_total: 'bytes tell the same',
  isolation_container_network_receive_packets_total: 'bytes tell the same',
  isolation_container_network_transmit_packets_total: 'bytes tell the same',
};

const CONTAINER = ['job', 'instance', 'engine', 'namespace', 'pod', 'container'];

/** TEMPORARY: metrics that other changes bring. Each line goes when its metric is there, as a test says. */
export const AWAITED: Families = new Map([
  ['isolation_container_privileged', new Set(CONTAINER)],
  [
    'isolation_container_security_info',
    new Set([...CONTAINER, 'seccomp', 'apparmor', 'selinux', 'user', 'no_new_privs', 'rootfs']),
  ],
  ['isolation_container_capability', new Set([...CONTAINER, 'capability'])],
  ['isolation_container_finding', new Set([...CONTAINER, 'finding', 'severity'])],
  ['isolation_container_isolation_level', new Set(CONTAINER)],
  ['isolation_container_isolation_level_certain', new Set(CONTAINER)],
  ['isolation_container_processes_left', new Set(CONTAINER)],
]);

/** TEMPORARY as well: labels that other changes bring to metrics that are there. */
export const AWAITED_LABELS: Families = new Map([['isolation_container_info', new Set(['sandbox'])]]);
