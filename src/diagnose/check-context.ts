import { readFileSync } from 'node:fs';
import type { Config, EngineConfig } from '../config/config.ts';
import type { UnixHost } from '../config/values.ts';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { capabilityNames } from '../kernel/capabilities.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import { type FoundContainers, findContainers } from './found-containers.ts';
import { type Others, lookAtOthers } from './visible-processes.ts';
import { countNamedByConmon } from './conmon-names.ts';
import { type KubeletNames, readKubeletNames } from './kubelet-names.ts';
import { toError } from '../kernel/errno.ts';

/** The credentials that the kernel checks. */
interface Own {
  /** The effective uid. */
  readonly uid: number;
  /** Effective capabilities and the bounding set, without the prefix `CAP_`. */
  readonly effective: readonly string[];
  readonly bounding: readonly string[];
}

/** The sources of the checks: this process, and the host as it sees it. Facts that several checks need are read once. */
export interface CheckContext {
  readonly procfs: string;
  /** `undefined` if disabled. */
  readonly kmsg: string | undefined;
  /** `undefined` if no cgroup hierarchy was found; `layoutError` says why. */
  readonly layout: CgroupLayout | undefined;
  readonly layoutError: string | undefined;
  readonly own: Own;
  readonly others: Others;
  /** `undefined` if there is no cgroup tree to search. */
  readonly containers: FoundContainers | undefined;
  readonly docker: EngineConfig | undefined;
  readonly podman: EngineConfig | undefined;
  readonly cri: EngineConfig<UnixHost> | undefined;
  /** The names from the kubelet's log files; `undefined` if disabled. The directory is listed once. */
  readonly kubeletNames: () => Promise<KubeletNames | undefined>;
  /** How many containers their monitors name, without Podman's API. */
  readonly namedByConmon: () => Promise<number>;
  /** The path of the file of accepted findings; `undefined`: there is none. */
  readonly acceptFile: string | undefined;
  readonly unknownVariables: readonly string[];
}

/** Reads the facts that several checks need. */
export function createCheckContext(
  config: Pick<Config, 'path' | 'docker' | 'podman' | 'cri' | 'kubeletLogs' | 'acceptFile' | 'unknownVariables'>,
): CheckContext {
  const { procfs, cgroupfs, kmsg } = config.path;
  const found = layoutAt(procfs, cgroupfs);
  const layout = typeof found === 'string' ? undefined : found;
  const containers = layout === undefined ? undefined : findContainers(procfs, layout);
  let names: Promise<KubeletNames | undefined> | undefined;
  return {
    procfs,
    kmsg,
    layout,
    layoutError: typeof found === 'string' ? found : undefined,
    own: readOwn(),
    others: lookAtOthers(procfs),
    containers,
    docker: config.docker,
    podman: config.podman,
    cri: config.cri,
    kubeletNames: () => (names ??= readKubeletNames(config.kubeletLogs, containers?.podContainers)),
    namedByConmon: async () =>
      layout === undefined ? 0 : await countNamedByConmon(containers?.podmanContainers ?? [], { procfs, layout }),
    acceptFile: config.acceptFile,
    unknownVariables: config.unknownVariables,
  };
}

function readOwn(): Own {
  const { effectiveUid, effective, bounding } = parseProcStatus(readFileSync('/proc/self/status', 'utf8'));
  return { uid: effectiveUid, effective: capabilityNames(effective), bounding: capabilityNames(bounding) };
}

function layoutAt(procfs: string, cgroupfs: string): CgroupLayout | string {
  try {
    return findCgroupLayout(procfs, cgroupfs);
  } catch (error) {
    return toError(error).message;
  }
}
