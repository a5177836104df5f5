import { SANDBOX_KINDS } from '../posture/sandbox.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

/** Names and facts of each container. */
export const info: Collector = defineContainerCollector({
  name: 'info',
  help: 'Id, image, runtime and start time of each container.',
  read: (container) => ({ container }),
  families: [
    {
      name: 'isolation_container_info',
      type: 'info',
      help:
        'Facts about a container, as labels. id, pod_uid, owner_uid and cgroup come from the path in cgroupfs; image, ' +
        'runtime, compose_* and swarm_* from the engine, and are empty until it answers. sandbox is the kind of runtime, recognised by ' +
        `its processes on the host (${SANDBOX_KINDS.join(', ')}); empty if unknown.`,
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
        'swarm_stack',
        'swarm_service',
        'swarm_task',
      ],
      samples({ container: { cgroup, names, posture } }, emit) {
        emit(
          1,
          cgroup.match.id,
          names.image ?? '',
          names.runtime ?? '',
          posture?.sandbox?.kind ?? '',
          cgroup.match.podUid ?? cgroup.match.podmanPod ?? '',
          cgroup.path,
          cgroup.match.ownerUid === undefined ? '' : String(cgroup.match.ownerUid),
          names.composeProject ?? '',
          names.composeService ?? '',
          names.swarmStack ?? '',
          names.swarmService ?? '',
          names.swarmTask ?? '',
        );
      },
    },
    {
      name: 'isolation_container_start_time_seconds',
      type: 'gauge',
      help:
        'Start of the container since the Unix epoch, in seconds: field 22 of /proc/<pid>/stat of its init process. ' +
        'Absent while it has no readable process.',
      value: ({ container: { init } }) => init?.startTime,
    },
  ],
});
