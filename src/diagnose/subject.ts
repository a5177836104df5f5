import { readFileSync } from 'node:fs';
import type { Config, EngineConfig } from '../config.ts';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { type Credentials, parseCredentials } from '../kernel/credentials.ts';
import { type FoundContainers, findContainers } from './found-containers.ts';
import { type Others, lookAtOthers } from './others.ts';

/** What is looked at: this process, and the host as it sees it. What several checks need is found once. */
export interface Subject {
  readonly procfs: string;
  /** `undefined`: do without. */
  readonly kmsg: string | undefined;
  /** `undefined`: there are no cgroups where they should be; `layoutError` says why. */
  readonly layout: CgroupLayout | undefined;
  readonly layoutError: string | undefined;
  readonly own: Credentials;
  readonly others: Others;
  /** `undefined`: they could not be looked for. */
  readonly containers: FoundContainers | undefined;
  readonly docker: EngineConfig | undefined;
  readonly podman: EngineConfig | undefined;
  readonly unknownVariables: readonly string[];
}

/** Takes a look at what all checks have in common. */
export function createSubject(config: Pick<Config, 'path' | 'docker' | 'podman' | 'unknownVariables'>): Subject {
  const { procfs, cgroupfs, kmsg } = config.path;
  const found = layoutAt(procfs, cgroupfs);
  const layout = typeof found === 'string' ? undefined : found;
  return {
    procfs,
    kmsg,
    layout,
    layoutError: typeof found === 'string' ? found : undefined,
    own: parseCredentials(readFileSync('/proc/self/status', 'utf8')),
    others: lookAtOthers(procfs),
    containers: layout === undefined ? undefined : findContainers(procfs, layout),
    docker: config.docker,
    podman: config.podman,
    unknownVariables: config.unknownVariables,
  };
}

function layoutAt(procfs: string, cgroupfs: string): CgroupLayout | string {
  try {
    return findCgroupLayout(procfs, cgroupfs);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
