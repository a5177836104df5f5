import { SANDBOX_KINDS } from '../posture/sandbox.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

/** What a container is called and made of. */
export const info: Collector = defineContainerCollector({
  name: 'info',
  help: 'Id, image, runtime and start time of each container.',
  read: (container) => container,
  families: [
    {
      name: 'isolation_container_info',
      type: 'info',
      help:
        'Facts about a container, as labels. id, pod_uid, owner_uid and cgroup come from the path in cgroupfs; image, ' +
        'runtime and compose_* from the engine, and are left out while it does not say. sandbox is what runs it by its ' +
        `processes on the host (${SANDBOX_KINDS.join(', ')}), and left out if that could not be told.`,
      labels: [
        'id',
        'image',
        'runtime',
        'sandbox',
        'pod_uid',
        'cgroup',
        'owner_uid',
        'compose_project',
        'compose_service',
      ],
      samples({ cgroup, names, posture }, emit) {
        emit(
          1,
          cgroup.match.id,
          names.image ?? '',
          names.runtime ?? '',
          posture?.sandbox?.kind ?? '',
          cgroup.match.podUid ?? '',
          cgroup.path,
          cgroup.match.ownerUid === undefined ? '' : String(cgroup.match.ownerUid),
          names.composeProject ?? '',
          names.composeService ?? '',
        );
      },
    },
    {
      name: 'isolation_container_start_time_seconds',
      type: 'gauge',
      help:
        'Start of the container since the Unix epoch, in seconds: field 22 of /proc/<pid>/stat of its init process. ' +
        'Absent while it has no process that could be read.',
      value: ({ init }) => init?.startTime,
    },
  ],
});
