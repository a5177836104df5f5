import { existsSync, readlinkSync } from 'node:fs';
import { INITIAL_NAMESPACES, inodeOfLink } from '../kernel/host-namespaces.ts';
import { defineCheck } from './check.ts';

const WAYS_TO_MOUNT = {
  shell: 'run it outside the container, or set --path.cgroupfs to a mount of the whole tree',
  systemd: 'ProtectControlGroups=no or yes, not private or strict; and no --path.cgroupfs',
  docker: '-v /sys/fs/cgroup:/host/sys/fs/cgroup:ro, and --path.cgroupfs=/host/sys/fs/cgroup',
  kubernetes: 'a read-only hostPath volume of /sys/fs/cgroup, and --path.cgroupfs with its path',
};

/** Whether the exporter sees the whole cgroup tree of the host, a part of it, or nothing. */
export const cgroupTree = defineCheck({
  name: 'cgroup tree',
  read: ({ layout, layoutError }) => ({
    error: layoutError,
    root: layout?.discovery.root ?? '',
    isWhole: layout !== undefined && isRoot(layout.discovery),
    ownNamespace: inodeOfLink(readlinkSync('/proc/self/ns/cgroup')) !== INITIAL_NAMESPACES.cgroup,
  }),
  judge({ error, root, isWhole, ownNamespace }) {
    const namespace = ownNamespace ? 'its own cgroup namespace' : "the host's cgroup namespace";
    if (error !== undefined) {
      return {
        status: 'failed',
        message: error,
        missing: 'everything: the exporter does not start',
        remedies: WAYS_TO_MOUNT,
      };
    }
    if (isWhole) {
      return {
        status: 'ok',
        message: `complete, in ${root} (${namespace}${ownNamespace ? ', which is fine' : ''})`,
      };
    }
    return {
      status: 'failed',
      message: `${root} is only a part of the tree (${namespace})`,
      missing: 'containers outside this part, and limits set above it',
      remedies: WAYS_TO_MOUNT,
    };
  },
});

/** On v1 only a root has `release_agent`; on v2 only the root lacks `cgroup.events`. */
function isRoot({ root, version }: { readonly root: string; readonly version: 1 | 2 }): boolean {
  return version === 1 ? existsSync(`${root}/release_agent`) : !existsSync(`${root}/cgroup.events`);
}
