import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from '../config/config.ts';
import type { Place } from './check.ts';

/** Completes "run …". */
export const PLACE_NAMES: Readonly<Record<Place, string>> = {
  shell: 'on the host',
  systemd: 'by systemd',
  docker: 'in a container',
  kubernetes: 'in a pod of Kubernetes',
};

/** What tells how this process is run. */
interface Signs {
  readonly environment: Environment;
  /** `/proc/self/cgroup`. */
  readonly cgroups: string;
  /** An engine left its mark in the root directory. */
  readonly marked: boolean;
}

/** Finds out how this process is run. */
export function findPlace(environment: Environment): Place {
  return placeOf({
    environment,
    cgroups: readFileSync('/proc/self/cgroup', 'utf8'),
    marked: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
  });
}

/** Pure. A container whose engine leaves no mark and that has a cgroup namespace of its own looks like the host. */
export function placeOf({ environment, cgroups, marked }: Signs): Place {
  const { KUBERNETES_SERVICE_HOST, INVOCATION_ID, container } = environment;
  if (KUBERNETES_SERVICE_HOST !== undefined || /[/:]kubepods/.test(cgroups)) return 'kubernetes';
  // systemd has every container manager set the variable `container`.
  if (marked || container !== undefined || /[0-9a-f]{64}/.test(cgroups)) return 'docker';
  // A shell in a terminal has such an id too, from the user's own manager.
  const isService = /^(?:0:|\d+:name=systemd):\/system\.slice\/.*\.service$/m.test(cgroups);
  return INVOCATION_ID !== undefined && isService ? 'systemd' : 'shell';
}
