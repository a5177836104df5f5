import type { EngineRecord } from '../container.ts';
import { type Collector, defineKeptCollector } from './collector.ts';

const KEPT =
  'Exported for as long as the engine keeps the container, and for one that runs again. While the engine does not answer, as it last said.';

/** How containers ended, which only their engine knows. */
export const exits: Collector = defineKeptCollector({
  name: 'exits',
  help: 'How containers ended and how often they were restarted, as engines know it.',
  entries: ({ engineRecords }) => engineRecords,
  read: ({ exit, restarts, shouldRun, hasEnded }: EngineRecord) => ({ ...exit, restarts, shouldRun, hasEnded }),
  families: [
    {
      name: 'isolation_container_exit_code',
      type: 'gauge',
      help:
        `Exit code of the first process of the container when it last ended: 0 to 255, 128 plus the number of the signal that killed it. ${KEPT} ` +
        'Absent if it never ended, or if the engine does not know it any more: Docker forgets it when it starts the container again.',
      value: ({ code }) => code,
    },
    {
      name: 'isolation_container_exit_timestamp_seconds',
      type: 'gauge',
      help: `When the container last ended since the Unix epoch, in seconds, by the clock of the engine. ${KEPT}`,
      value: ({ at }) => at,
    },
    {
      name: 'isolation_container_exit_oom_killed',
      type: 'gauge',
      help:
        `Whether the engine says that the OOM killer ended the container (1) or not (0). ${KEPT} Absent if it does not say. It only knows of ` +
        'the first process and of its own look: isolation_container_oom_kills_total counts all kills.',
      value: ({ oomKilled }) => (oomKilled === undefined ? undefined : Number(oomKilled)),
    },
    {
      name: 'isolation_container_ended',
      type: 'gauge',
      help:
        'Always 1, for a container that does not run and that its engine keeps: it ended, waits to be started again, or was never started although ' +
        'it has the label isolation-exporter.should-run=true. At most 100 for each engine, the last ones; isolation_containers_ended counts ' +
        'all. Absent for those that run.',
      value: ({ hasEnded }) => (hasEnded ? 1 : undefined),
    },
    {
      name: 'isolation_container_restarts_total',
      type: 'counter',
      help:
        'How often the engine restarted the container because of its restart policy, as the engine counts: RestartCount of Docker and ' +
        'Podman, attempt of the kubelet. 0 again after somebody starts it. Absent without a restart policy.',
      value: ({ restarts }) => restarts,
    },
    {
      name: 'isolation_container_expected_up',
      type: 'gauge',
      help:
        'Whether a container with the label isolation-exporter.should-run=true runs (1), or has ended or was never started, and is kept by its engine (0). ' +
        'Docker and Podman only. Absent without the label.',
      value: ({ shouldRun, hasEnded }) => (shouldRun ? Number(!hasEnded) : undefined),
    },
  ],
});
