import type { Container } from '../container.ts';
import { countIn } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Scrape } from './collector.ts';
import { pidsHitsOf } from './pids-hits.ts';

/** Processes and threads, and how often the container's own limit refused one more. */
export const pids: Collector = defineContainerCollector({
  name: 'pids',
  help: 'Number of processes and threads, and refused forks.',
  read: readPids,
  families: [
    {
      name: 'isolation_container_pids',
      type: 'gauge',
      help: 'Processes and threads in the container: pids.current. Absent without the pids controller.',
      value: (reading) => reading.current,
    },
    {
      name: 'isolation_container_pids_limit_hits_total',
      type: 'counter',
      since: 'cgroup',
      help:
        'Forks refused by the PIDs limit of the container itself: max of pids.events.local (v1, and v2 before Linux 6.11 or ' +
        'with pids_localevents: pids.events, as long as the refusals can only be of this limit). Absent without such a ' +
        'limit: isolation_container_limiter_* has those of other cgroups.',
      value: (reading) => reading.hits,
    },
  ],
});

/** Counts the processes and threads of a container, and what its own limit refused. */
export function readPids(
  container: Container,
  scrape: Scrape,
): { readonly current: number | undefined; readonly hits: number | undefined } {
  return { current: countIn(container.files, 'pids', 'pids.current'), hits: pidsHitsOf(container, scrape).own };
}
