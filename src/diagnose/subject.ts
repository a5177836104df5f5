import { readFileSync } from 'node:fs';
import type { Config, EngineConfig } from '../config/config.ts';
import type { UnixHost } from '../config/values.ts';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { capabilityNames } from '../kernel/capabilities.ts';
import { parseProcCredentials } from '../kernel/proc-credentials.ts';
import { type FoundContainers, findContainers } from './found-containers.ts';
import { type Others, lookAtOthers } from './others.ts';

/** Who this process is to the kernel's access checks. */
interface Own {
  /** The effective user. */
  readonly uid: number;
  /** Capabilities that count now, and those that it could have at most; without `CAP_` in front. */
  readonly effective: readonly string[];
  readonly bounding: readonly string[];
}

/** What is looked at: this process, and the host as it sees it. What several checks need is found once. */
export interface Subject {
  readonly procfs: string;
  /** `undefined`: do without. */
  readonly kmsg: string | undefined;
  /** `undefined`: there are no cgroups where they should be; `layoutError` says why. */
  readonly layout: CgroupLayout | undefined;
  readonly layoutError: string | undefined;
  readonly own: Own;
  readonly others: Others;
  /** `undefined`: they could not be looked for. */
  readonly containers: FoundContainers | undefined;
  readonly docker: EngineConfig | undefined;
  readonly podman: EngineConfig | undefined;
  readonly cri: EngineConfig<UnixHost> | undefined;
  readonly unknownVariables: readonly string[];
}

/** Takes a look at what all checks have in common. */
export function createSubject(
  config: Pick<Config, 'path' | 'docker' | 'podman' | 'cri' | 'unknownVariables'>,
): Subject {
  const { procfs, cgroupfs, kmsg } = config.path;
  const found = layoutAt(procfs, cgroupfs);
  const layout = typeof found === 'string' ? undefined : found;
  return {
    procfs,
    kmsg,
    layout,
    layoutError: typeof found === 'string' ? found : undefined,
    own: readOwn(),
    others: lookAtOthers(procfs),
    containers: layout === undefined ? undefined : findContainers(procfs, layout),
    docker: config.docker,
    podman: config.podman,
    cri: config.cri,
    unknownVariables: config.unknownVariables,
  };
}

function readOwn(): Own {
  const { effectiveUid, effective, bounding } = parseProcCredentials(readFileSync('/proc/self/status', 'utf8'));
  return { uid: effectiveUid, effective: capabilityNames(effective), bounding: capabilityNames(bounding) };
}

function layoutAt(procfs: string, cgroupfs: string): CgroupLayout | string {
  try {
    return findCgroupLayout(procfs, cgroupfs);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
