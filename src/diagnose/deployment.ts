import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from '../config/config.ts';
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
}

/** Finds out how this process was started. */
export function findDeployment(environment: Environment): Deployment {
  return deploymentOf({
    environment,
    cgroups: readFileSync('/proc/self/cgroup', 'utf8'),
    marked: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
  });
}

/** Pure. A container with its own cgroup namespace and without a marker file looks like the host. */
export function deploymentOf({ environment, cgroups, marked }: Signs): Deployment {
  const { KUBERNETES_SERVICE_HOST, INVOCATION_ID, container } = environment;
  if (KUBERNETES_SERVICE_HOST !== undefined || /[/:]kubepods/.test(cgroups)) return 'kubernetes';
  // systemd asks container managers to set the variable `container`.
  if (marked || container !== undefined || /[0-9a-f]{64}/.test(cgroups)) return 'docker';
  // A shell in a terminal has an INVOCATION_ID too, from the user's service manager.
  const isService = /^(?:0:|\d+:name=systemd):\/system\.slice\/.*\.service$/m.test(cgroups);
  return INVOCATION_ID !== undefined && isService ? 'systemd' : 'shell';
}
