import { acceptFile } from './accept-file.ts';
import { capabilities } from './capabilities.ts';
import { cgroupTree } from './cgroup-tree.ts';
import type { Check } from './check.ts';
import { containers } from './containers.ts';
import { controllers } from './controllers.ts';
import { descriptors } from './descriptors.ts';
import { cri } from './cri.ts';
import { docker, podman } from './engines.ts';
import { hostNamespaces } from './host-namespaces.ts';
import { inotify } from './inotify.ts';
import { kubeletLogs } from './kubelet-logs.ts';
import { kmsg } from './kmsg.ts';
import { oomCounts } from './oom-counts.ts';
import { otherProcesses } from './other-processes.ts';
import { pidNamespace } from './pid-namespace.ts';
import { pressure } from './pressure.ts';
import { procfsOptions } from './procfs-options.ts';
import { securityModule } from './security-module.ts';
import { user } from './user.ts';
import { variables } from './variables.ts';

/** All checks in display order, causes before consequences. */
export const checks: readonly Check[] = [
  user,
  capabilities,
  securityModule,
  pidNamespace,
  procfsOptions,
  otherProcesses,
  hostNamespaces,
  cgroupTree,
  controllers,
  oomCounts,
  kmsg,
  pressure,
  containers,
  inotify,
  descriptors,
  docker,
  podman,
  cri,
  kubeletLogs,
  acceptFile,
  variables,
];
