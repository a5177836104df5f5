import type { Starts } from '../container.ts';
import { type Collector, defineKeptCollector } from './collector.ts';

/** Starts by container. They continue if it is started again under its labels. */
export const starts: Collector = defineKeptCollector({
  name: 'starts',
  help: 'How often containers were started.',
  entries: ({ starts: counts }) => counts,
  read: (counts: Starts) => counts,
  families: [
    {
      name: 'isolation_container_starts_total',
      type: 'counter',
      since: 'daemon',
      help:
        'Times that a container with these labels was started since the exporter started: new cgroups, and new init ' +
        'processes in one. 0 for a container that existed before. A container that was started more than once stays for an ' +
        'hour after it is gone, so that lives between two scrapes show. Pause containers do not count.',
      value: (counts) => counts.starts,
    },
  ],
});
