import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from '../config/config.ts';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import type { Deployment } from './check.ts';

/** Completes "run …". */
export const DEPLOYMENT_NAMES: Readonly<Record<Deployment, string>> = {
  shell: 'on the host',
  systemd: 'by systemd',
  docker: 'in a container',
  kubernetes: 'in a Kubernetes pod',
};

/** What reveals how this process was started. */
interface Signs {
  readonly environment: Environment;
  /** The content of `/proc/self/cgroup`. */
  readonly cgroups: string;
  /** An engine left its marker file in the root directory. */
  readonly marked: boolean;
  /** The content of `/proc/self/mountinfo`. */
  readonly mountinfo: string;
}

/** Finds out how this process was started. */
export function findDeployment(environment: Environment): Deployment {
  return deploymentOf({
    environment,
    cgroups: readFileSync('/proc/self/cgroup', 'utf8'),
    marked: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
  });
}

/**
 * Files that engines mount into each container: the kubelet `…/pods/<uid>/etc-hosts` on `/etc/hosts`, also without an API
 * server; others a file below the container's id on `/etc/resolv.conf` or `/etc/hostname`.
 */
const OF_KUBELET = /\/pods\/[0-9a-f-]{32,36}\/etc-hosts$/;
const OF_ENGINE = /\/[0-9a-f]{64}\/[^/]|\/userdata\//;

/** Pure. */
export function deploymentOf({ environment, cgroups, marked, mountinfo }: Signs): Deployment {
  const { KUBERNETES_SERVICE_HOST, INVOCATION_ID, container } = environment;
  const mounts = parseMountinfo(mountinfo);
  const isAt = (point: RegExp, root: RegExp): boolean =>
    mounts.some((mount) => point.test(mount.mountPoint) && root.test(mount.root));
  if (KUBERNETES_SERVICE_HOST !== undefined || /[/:]kubepods/.test(cgroups)) return 'kubernetes';
  if (isAt(/^\/etc\/hosts$/, OF_KUBELET)) return 'kubernetes';
  if (isAt(/^\/etc\/(?:resolv\.conf|hostname|hosts)$/, OF_ENGINE)) return 'docker';
  // systemd asks container managers to set the variable `container`.
  if (marked || container !== undefined || /[0-9a-f]{64}/.test(cgroups)) return 'docker';
  // A shell in a terminal has an INVOCATION_ID too, from the user's service manager.
  const isService = /^(?:0:|\d+:name=systemd):\/system\.slice\/.*\.service$/m.test(cgroups);
  return INVOCATION_ID !== undefined && isService ? 'systemd' : 'shell';
}
