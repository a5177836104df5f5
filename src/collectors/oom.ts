import type { Container, Labels, OomAccount } from '../container.ts';
import { type Collector, defineKeptCollector, oncePerScrape, type Scrape } from './collector.ts';

/** OOM kills by container. They stay for a while after it is gone, and continue under its labels if it is restarted. */
export const oom: Collector = defineKeptCollector({
  name: 'oom',
  help: 'Processes killed by the OOM killer.',
  entries: ({ oom: counts }) => counts?.accounts ?? [],
  read(account: OomAccount) {
    if (account.error !== undefined) throw account.error;
    return account;
  },
  families: [
    {
      name: 'isolation_container_oom_kills_total',
      type: 'counter',
      help:
        'Processes killed by the OOM killer in the container and in earlier ones with the same labels: oom_kill of ' +
        'memory.events (v1: memory.oom_control) and /dev/kmsg, each kill counted once. With kills it stays for ' +
        '--oom.retention after the container is gone. Absent if neither is readable.',
      value: ({ kills }) => kills,
    },
    {
      name: 'isolation_container_last_oom_kill_timestamp_seconds',
      type: 'gauge',
      help:
        'Time of the last OOM kill in the container, in seconds since the Unix epoch: /dev/kmsg, or when oom_kill was seen ' +
        'to rise. It stays for --oom.retention after the container is gone. Absent before the first kill.',
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
