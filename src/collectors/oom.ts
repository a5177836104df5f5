import type { Container, Labels, OomAccount } from '../container.ts';
import { type Collector, defineKeptCollector, oncePerScrape, type Scrape } from './collector.ts';

/**
 * OOM kills by container. They stay exported for a while after the container is gone, and continue if it starts again
 * under its labels.
 */
export const oom: Collector = defineKeptCollector({
  name: 'oom',
  help: 'OOM kills of containers: events and processes.',
  entries: ({ oom: counts }) => counts?.accounts ?? [],
  read(account: OomAccount) {
    if (account.error !== undefined) throw account.error;
    return account;
  },
  families: [
    {
      name: 'isolation_container_oom_events_total',
      type: 'counter',
      help:
        'Times that the OOM killer killed in the container, or in earlier ones with the same labels. One event kills one ' +
        'process, or with memory.oom.group (the default of the kubelet) a group of them: /dev/kmsg, and oom_kill and ' +
        'oom_group_kill of memory.events (v1: oom_kill of memory.oom_control). With events it stays for --oom.retention ' +
        'after the container is gone. Absent if neither could be read, or if the container has no memory controller.',
      value: ({ events }) => events,
    },
    {
      name: 'isolation_container_oom_kills_total',
      type: 'counter',
      help:
        'Processes of the container, and of earlier ones with the same labels, killed by the OOM killer, as the kernel ' +
        'counts them: it counts the one that it chooses in a group twice. oom_kill of memory.events (v1: of ' +
        'memory.oom_control) and /dev/kmsg, each kill counted once. With kills it stays for --oom.retention after the ' +
        'container is gone. Absent if neither could be read, or if the container has no memory controller.',
      value: ({ kills }) => kills,
    },
    {
      name: 'isolation_container_last_oom_kill_timestamp_seconds',
      type: 'gauge',
      help:
        'When a process of the container was last killed by the OOM killer, since the Unix epoch: /dev/kmsg, or when ' +
        'oom_kill was seen to rise. It stays for --oom.retention after the container is gone. Absent before the first.',
      value: ({ lastKill }) => lastKill,
    },
  ],
});

const accountsByLabels = oncePerScrape(
  ({ oom: counts }) => new Map((counts?.accounts ?? []).map((account) => [keyOf(account.labels), account])),
);

/** The kills of a container; `undefined` if OOM detection is off. */
export function oomAccountOf({ labels }: Pick<Container, 'labels'>, scrape: Scrape): OomAccount | undefined {
  return accountsByLabels(scrape).get(keyOf(labels));
}

function keyOf({ engine, namespace, pod, container }: Labels): string {
  return JSON.stringify([engine, namespace, pod, container]);
}
