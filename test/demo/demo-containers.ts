import type { ContainerSpec } from './throwaway-containers.ts';

/** A container of the demo, and the question that it answers. */
interface DemoContainer extends ContainerSpec {
  readonly about: string;
  /** The metric with the answer. */
  readonly metric: string;
}

const MIB = 1024 * 1024;

/** Runs as long as the demo. */
const FOREVER = 'while :; do sleep 1000; done';

/** One container for each question that the exporter answers. */
export const DEMO_CONTAINERS: readonly DemoContainer[] = [
  {
    name: 'throttled',
    command: 'while :; do :; done',
    limits: { memoryBytes: 64 * MIB, cpus: 0.2, pids: 32 },
    isolation: 'default',
    about: 'wants a whole CPU and may use a fifth of one',
    metric: 'isolation_container_cpu_throttled_seconds_total',
  },
  {
    name: 'oom-killed',
    // Only the child is killed, which an engine would not notice.
    command: 'while :; do tail /dev/zero; sleep 20; done',
    limits: { memoryBytes: 16 * MIB, cpus: 0.5, pids: 32 },
    isolation: 'default',
    about: 'loses a process to the OOM killer every 20 s, and goes on',
    metric: 'isolation_container_oom_kills_total',
  },
  {
    name: 'host-namespaces',
    // Without a pid namespace, the child would survive if the demo is killed.
    command: FOREVER.replace('sleep', 'setpriv --pdeathsig KILL sleep'),
    limits: { memoryBytes: 64 * MIB, cpus: 0.5, pids: 32 },
    isolation: 'host',
    about: "shares the host's network, processes, IPC and host name, with all capabilities",
    metric: 'isolation_container_host_namespace',
  },
  {
    name: 'hardened',
    command: FOREVER,
    limits: { memoryBytes: 64 * MIB, cpus: 0.5, pids: 32 },
    isolation: 'hardened',
    about: 'user namespace, no capabilities, no new privileges, seccomp, read-only',
    metric: 'isolation_container_host_namespace',
  },
  {
    name: 'unlimited',
    command: FOREVER,
    limits: {},
    isolation: 'default',
    about: 'may use all memory, CPU and processes of the host',
    metric: 'isolation_container_memory_limited',
  },
];
