import { LEVELS, type LevelName } from '../findings/level.ts';
import type { NamespaceReport } from '../report/container-report.ts';
import { type Markup, markup } from './markup.ts';
import { nameOfLevel } from './level-badge.ts';

const LEVEL_MEANINGS: Readonly<Record<LevelName, string>> = {
  host_like: 'one step from being root on the host',
  weakened: 'less between it and the host than engines give by default',
  standard: 'what engines give by default',
  hardened: 'more than that: it is no root of the host and cannot become it',
  user_kernel: 'a program such as gVisor stands between it and the kernel of the host',
  microvm: 'a virtual machine with a kernel of its own',
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

interface Entry {
  readonly term: string;
  readonly text: string;
  /** That say the same. */
  readonly metrics: readonly string[];
}

const COLUMNS: readonly Entry[] = [
  {
    term: 'Isolation level',
    text: `How much stands between a container and its host: ${LEVELS.map((name, level) => `${level} ${nameOfLevel(name)} (${LEVEL_MEANINGS[name]})`).join(', ')}. ≥ is at least: what is unknown could only make it better.`,
    metrics: ['isolation_container_isolation_level'],
  },
  {
    term: 'Findings',
    text: 'What is wrong with the isolation, by severity, and what could not be told. Unfold a container to read why and how to fix it.',
    metrics: ['isolation_container_finding'],
  },
  {
    term: 'Shared namespaces',
    text: `A namespace is what a container sees of one kind of thing: ${Object.entries(NAMESPACE_MEANINGS)
      .map(([kind, meaning]) => `${kind} (${meaning})`)
      .join(
        ', ',
      )}. Those of the host are shared with all that runs on it, others with so many containers of other pods. Many engines share user, cgroup and time by default.`,
    metrics: ['isolation_container_host_namespace', 'isolation_container_namespace_peers'],
  },
  {
    term: 'Memory',
    text: 'What it uses and cannot easily give back (the working set), and the lowest limit that counts for it, its own or one of those above it. Sorted by how full it is.',
    metrics: ['isolation_container_memory_working_set_bytes', 'isolation_container_memory_limit_bytes'],
  },
  {
    term: 'OOM kills',
    text: 'Out of memory: processes that the kernel killed because a memory limit, or the memory of the host, was used up.',
    metrics: ['isolation_container_oom_kills_total', 'isolation_container_last_oom_kill_timestamp_seconds'],
  },
  {
    term: 'CPU limit',
    text: 'How many cores it may keep busy at most. Throttled: it had to wait because of that limit, in so much of the periods (usually of 0.1 s each) in which it had work, since it was started. The bar shows that, and not its use.',
    metrics: ['isolation_container_cpu_limit_cores', 'isolation_container_cpu_throttled_periods_total'],
  },
  {
    term: 'Processes',
    text: 'Processes and threads, and how many there can be. Sorted by how full it is.',
    metrics: ['isolation_container_pids', 'isolation_container_pids_limit'],
  },
  { term: 'unknown', text: 'It could not be read, and is as likely bad as good.', metrics: [] },
];

/** Renders what the columns mean, and the metrics that say the same. */
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
