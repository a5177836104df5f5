import { existsSync, readlinkSync } from 'node:fs';
import { INITIAL_NAMESPACES, inodeOfLink } from '../kernel/host-namespaces.ts';
import { defineCheck } from './check.ts';

const WAYS_TO_MOUNT = {
  shell: 'run it outside of the container, or with --path.cgroupfs where the whole tree is mounted',
  systemd: 'ProtectControlGroups= no or yes, but not private or strict; and no --path.cgroupfs',
  docker: '-v /sys/fs/cgroup:/host/sys/fs/cgroup:ro, and --path.cgroupfs=/host/sys/fs/cgroup',
  kubernetes: 'a hostPath volume of /sys/fs/cgroup, read-only, and --path.cgroupfs with its path',
};

/** Whether the whole tree of the host's cgroups can be seen, or only a part of it, or none. */
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
      return { status: 'lost', says: error, loses: 'everything: the exporter does not start', remedies: WAYS_TO_MOUNT };
    }
    if (isWhole) {
      return {
        status: 'ok',
        says: `all of it, in ${root} (${namespace}${ownNamespace ? ', which does no harm' : ''})`,
      };
    }
    return {
      status: 'lost',
      says: `${root} is only a part of it (${namespace})`,
      loses: 'all containers that are not below it, and limits that are set above it',
      remedies: WAYS_TO_MOUNT,
    };
  },
});

/** Only a root has the one, and every cgroup but a root has the other. */
function isRoot({ root, version }: { readonly root: string; readonly version: 1 | 2 }): boolean {
  return version === 1 ? existsSync(`${root}/release_agent`) : !existsSync(`${root}/cgroup.events`);
}
