import { LEVELS } from '../findings/level.ts';
import { type Markup, markup } from './markup.ts';
import { nameOfLevel } from './level-badge.ts';

/** Each with the metrics that say the same. */
const COLUMNS: readonly (readonly [string, string, ...string[]])[] = [
  [
    'Isolation level',
    `By classes of boundaries, from ${LEVELS.map((name, level) => `${level} ${nameOfLevel(name)}`).join(', ')}. ≥ is at least: what is unknown could only make it better.`,
    'isolation_container_isolation_level',
  ],
  [
    'Shared namespaces',
    'Those that are the host’s, and those in which there are so many containers of other pods.',
    'isolation_container_host_namespace',
    'isolation_container_namespace_peers',
  ],
  [
    'Memory',
    'The working set (what cannot easily be reclaimed) and the lowest limit on the way to the root of the cgroups, whoever set it.',
    'isolation_container_memory_working_set_bytes',
    'isolation_container_memory_limit_bytes',
  ],
  [
    'CPU limit',
    'The lowest on the way to the root, and in how many of the periods with work it held the container back since that started.',
    'isolation_container_cpu_limit_cores',
    'isolation_container_cpu_throttled_periods_total',
  ],
  [
    'Pids',
    'Processes and threads, and how many there can be.',
    'isolation_container_pids',
    'isolation_container_pids_limit',
  ],
  ['OOM kills', 'Processes that the kernel killed for want of memory.', 'isolation_container_oom_kills_total'],
  [
    'Findings',
    'What is wrong with the isolation, by severity, and what could not be told.',
    'isolation_container_finding',
  ],
  ['?', 'Unknown: it could not be read, and is as likely bad as good.'],
];

/** Renders what the columns mean, and the metrics that say the same. */
export function legend(): Markup {
  const items = COLUMNS.map(
    ([term, text, ...metrics]) =>
      markup`<div>
        <dt>${term}</dt>
        <dd>${text} ${metrics.map((name) => markup`<code>${name}</code> `)}</dd>
      </div>`,
  );
  return markup`<section aria-labelledby="legend">
    <h2 id="legend">What is what</h2>
    <article><dl>${items}</dl></article>
  </section>`;
}
