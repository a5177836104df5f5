import type { KubeletLogsConfig } from '../config/config.ts';
import { listKubeletLogs } from '../engines/kubelet-log-source.ts';
import { toError } from '../kernel/errno.ts';
import type { FoundContainers } from './found-containers.ts';

/** Facts about the names in the kubelet's log files. */
export interface KubeletNames {
  readonly directory: string;
  readonly isDefault: boolean;
  /** Why the directory cannot be listed, such as ENOENT. */
  readonly error: string | undefined;
  /**
   * Containers in pods on this host, pause containers included, and how many of them a log names. `undefined` without a cgroup tree
   * to search.
   */
  readonly containers: number | undefined;
  readonly named: number;
}

/** Lists the directory, as the daemon does. Returns `undefined` if that is disabled. */
export async function readKubeletNames(
  config: KubeletLogsConfig | undefined,
  containers: FoundContainers['podContainers'] | undefined,
): Promise<KubeletNames | undefined> {
  if (config === undefined) return undefined;
  const found = { ...config, containers: containers?.length };
  try {
    const logs = await listKubeletLogs(config.directory);
    const named = (containers ?? []).filter(({ id, podUid }) => logs.namesOf(id, podUid) !== undefined).length;
    return { ...found, named, error: undefined };
  } catch (error) {
    return { ...found, named: 0, error: toError(error).message };
  }
}
