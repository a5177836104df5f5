import { LEVELS, type LevelName } from '../findings/level.ts';
import type { NamespaceReport } from '../report/container-report.ts';
import { type Markup, markup } from './markup.ts';
import { nameOfLevel } from './level-badge.ts';

const LEVEL_MEANINGS: Readonly<Record<LevelName, string>> = {
  host_like: 'one step from being root on the host',
  weakened: 'less between it and the host than engines give by default',
  standard: 'what engines give by default',
  hardened: "more than the default: it is not the host's root and cannot become it",
  user_kernel: "a program such as gVisor is between it and the host's kernel",
  microvm: 'a virtual machine with its own kernel',
};

const NAMESPACE_MEANINGS: Readonly<Record<NamespaceReport['kind'], string>> = {
  pid: 'processes',
  net: 'network',
  mnt: 'file systems',
  uts: 'host name',
  ipc: 'shared memory',
  user: 'user ids',
  cgroup: 'the tree of limits',
  time: 'boot clocks',
};

interface GlossaryEntry {
  readonly term: string;
  readonly text: string;
  /** The metrics with the same meaning. */
  readonly metrics: readonly string[];
}

const COLUMNS: readonly GlossaryEntry[] = [
  {
    term: 'Isolation level',
    text: `The boundary between a container and its host: ${LEVELS.map((name, level) => `${level} ${nameOfLevel(name)} (${LEVEL_MEANINGS[name]})`).join(', ')}. ≥ means at least: unknown facts can only raise it.`,
    metrics: ['isolation_container_isolation_level'],
  },
  {
    term: 'Findings',
    text: 'Problems with the isolation, by severity, and checks that could not be made. Unfold a container to read why each matters and how to fix it. Accepted ones (--findings.accept-file) are shown with their reason, and count for no severity. "Got worse" is what the container did not have when it had started.',
    metrics: [
      'isolation_container_finding',
      'isolation_container_finding_unknown',
      'isolation_container_finding_accepted',
      'isolation_container_drift_total',
    ],
  },
  {
    term: 'Shared namespaces',
    text: `A namespace is a container's view of one kind of resource: ${Object.entries(NAMESPACE_MEANINGS)
      .map(([kind, meaning]) => `${kind} (${meaning})`)
      .join(
        ', ',
      )}. The host's namespaces are shared with everything on the host; a number counts containers of other pods. Many engines share user, cgroup and time by default.`,
    metrics: ['isolation_container_host_namespace', 'isolation_container_namespace_peers'],
  },
  {
    term: 'Memory',
    text: 'The working set (memory that the kernel cannot easily reclaim), and the effective limit: the lowest of its own and those of its pod, task or unit. A limit that it shares with other workloads (kubepods, a slice) does not count as its limit; it is shown when 90 % of it is used. Sorted by the used share of the nearest limit.',
    metrics: [
      'isolation_container_memory_working_set_bytes',
      'isolation_container_memory_limit_bytes',
      'isolation_container_memory_limited',
      'isolation_container_limiter_memory_working_set_bytes',
    ],
  },
  {
    term: 'OOM kills',
    text: 'How often the kernel killed processes of it because a memory limit, or the memory of the host, was exhausted (out of memory). A group of processes that it kills together (memory.oom.group, the default in Kubernetes) counts once.',
    metrics: [
      'isolation_container_oom_events_total',
      'isolation_container_oom_kills_total',
      'isolation_container_last_oom_kill_timestamp_seconds',
    ],
  },
  {
    term: 'CPU limit',
    text: 'The number of cores it may use. Throttled: the share of scheduling periods (usually 0.1 s each) in which its quota, or the quota of its pod or of another cgroup above, ran out; the highest share counts. The bar shows this share, not the CPU use.',
    metrics: [
      'isolation_container_cpu_limit_cores',
      'isolation_container_cpu_throttled_periods_total',
      'isolation_container_limiter_cpu_throttled_periods_total',
    ],
  },
  {
    term: 'Processes',
    text: 'Processes and threads, and their limit. Sorted by the used share.',
    metrics: ['isolation_container_pids', 'isolation_container_pids_limit'],
  },
  { term: 'unknown', text: 'It could not be read, and may be good or bad.', metrics: [] },
];

/** Renders the meaning of each column, and the corresponding metrics. */
export function glossary(): Markup {
  const items = COLUMNS.map(
    ({ term, text, metrics }) =>
      markup`<div>
        <dt>${term}</dt>
        <dd>${text} ${metrics.map((name) => markup`<code>${name}</code> `)}</dd>
      </div>`,
  );
  return markup`<section aria-labelledby="glossary">
    <h2 id="glossary">Glossary</h2>
    <article><dl>${items}</dl></article>
  </section>`;
}
