import type { Container } from '../container.ts';
import type { Drift } from '../drift/drift-watch.ts';
import { noteUnreadable } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Scrape } from './collector.ts';
import { limitsOfContainer } from './effective-limits.ts';
import { assessmentOf } from './findings.ts';

/** What got worse about a container while it ran. */
export function driftsOf(container: Container, scrape: Scrape): readonly Drift[] {
  if (scrape.drift === undefined) return [];
  const { findings } = assessmentOf(container, scrape);
  const { own, problem } = limitsOfContainer(container, scrape);
  if (problem !== undefined) noteUnreadable(problem);
  return scrape.drift.observe(container, findings, own);
}

const LABELS = ['finding', 'severity'] as const;

/** Containers whose isolation got worse while they ran. Only those have series. */
export const drift: Collector = defineContainerCollector({
  name: 'drift',
  help: 'What got worse about the isolation of containers while they ran.',
  read: driftsOf,
  families: [
    {
      name: 'isolation_container_drift_total',
      type: 'counter',
      help:
        'Times that the container got worse while it ran, by finding: it came to have it, or more of it, such as another mount. ' +
        'swap_unlimited is no finding: the swap limit is gone. Absent if nothing got worse since the start of the container or of ' +
        'the exporter. See docs/drift.md.',
      labels: LABELS,
      samples(drifts, emit) {
        for (const { finding, severity, count } of drifts) emit(count, finding, severity);
      },
    },
    {
      name: 'isolation_container_last_drift_timestamp_seconds',
      type: 'gauge',
      help:
        'When the container was last found to have got worse, by finding, in seconds since the Unix epoch. Absent as ' +
        'isolation_container_drift_total.',
      labels: LABELS,
      samples(drifts, emit) {
        for (const { finding, severity, at } of drifts) emit(at, finding, severity);
      },
    },
  ],
});
