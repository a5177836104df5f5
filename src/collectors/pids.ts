import type { Container } from '../container.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { parsedFile, singleValue } from './cgroup-value.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

/** Processes and threads, and how often there could not be one more. */
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
      help: 'Forks refused because of the pids limit: max of pids.events. Absent without the pids controller.',
      value: (reading) => reading.refused,
    },
  ],
});

const parseEvents = flatKeyedParser(['max']);

/** Counts the processes and threads of a container. */
export function readPids({ files }: Pick<Container, 'files'>): {
  readonly current: number | undefined;
  readonly refused: number | undefined;
} {
  return {
    current: singleValue(files, 'pids', 'pids.current'),
    refused: parsedFile(files, 'pids', 'pids.events', parseEvents)?.max,
  };
}
