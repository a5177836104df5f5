import type { Config } from '../config/config.ts';
import { labelsOf } from '../containers/labels.ts';
import type { ContainerLimits } from '../discover/container-limits.ts';
import type { DiscoveredContainers } from '../discover/discovered-containers.ts';
import { isNamed, type Naming } from '../engines/naming.ts';
import { admittedAt } from '../identify/container-pids.ts';
import { withListedEngine } from '../identify/settle.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import { OomWatch } from '../oom/oom-watch.ts';

/** Watches for OOM kills in containers. Returns `undefined` if no enabled collector exports them. */
export function watchOom(parts: {
  readonly config: Config;
  readonly kernel: KernelFiles;
  readonly naming: Naming;
  readonly limits: ContainerLimits;
  readonly stateFileUnsafe: string | undefined;
  /** `undefined` until it has started. */
  readonly discovery: () => DiscoveredContainers | undefined;
  readonly log: Log;
}): OomWatch | undefined {
  const { config, kernel, naming, limits, stateFileUnsafe, discovery, log } = parts;
  if (!config.collectors.includes('oom') && !config.collectors.includes('host')) return undefined;
  return new OomWatch({
    ...config.oom,
    stateFileUnsafe,
    kmsg: config.path.kmsg,
    kernel,
    log,
    identify: (path) => {
      const found = admittedAt(path, (cgroup) => limits.wasSurplus(cgroup));
      if (found === undefined || found.candidate !== undefined) return undefined;
      return withListedEngine(found, (id) => naming.engineOf(id)) ?? found;
    },
    afterEvents: (callback) => discovery()?.afterEvents(callback),
    certainSince: (path) => discovery()?.certainSince(path),
    names: {
      labelsOf: (match, waitedMs) => {
        const names = naming.namesOf(match, waitedMs);
        return names === undefined ? undefined : { labels: labelsOf(match, names), named: isNamed(names) };
      },
      wantName: (match) => naming.want(match),
      forgetName: (match) => naming.forget(match),
    },
  });
}
