import type { CgroupMatch } from '../container.ts';
import { missingAsUndefined, unseenAsUndefined } from '../kernel/errno.ts';
import type { HostRoot } from '../kernel/host-root.ts';
import { readText } from '../kernel/read-text.ts';

/** Where runtimes keep what they know of a container of root's, unless `--root` says otherwise, and where it has the first process. */
const STATES = [
  { engine: 'runc', file: (id: string) => `run/runc/${id}/state.json`, pid: 'init_process_pid' },
  { engine: 'crun', file: (id: string) => `run/crun/${id}/status`, pid: 'pid' },
  { engine: 'youki', file: (id: string) => `run/youki/${id}/state.json`, pid: 'pid' },
] as const;

/**
 * The runtime that has created the container of this id, if one of these processes is its first. `runc run --detach web` leaves no other
 * witness: the parent is whoever adopts orphans. A reader cannot be kept waiting: `/run` is in memory, and only root can write there. The
 * states, of runc, crun and youki:
 *
 *     {"id":"web","init_process_pid":2301,"init_process_start":91822,"created":"2026-11-30T10:00:00Z","config":{…
 *     {"pid":2301,"process-start-time":91822,"cgroup-path":"/web","scope":"","rootfs":"/srv/web/rootfs",…
 *     {"ociVersion":"v1.0.2","id":"web","status":"running","pid":2301,"bundle":"/srv/web",…
 */
export function runtimeByState(
  hostRoot: HostRoot,
  pids: readonly number[],
  id: string,
): Pick<CgroupMatch, 'engine' | 'id'> | undefined {
  const root = hostRoot();
  if (root === undefined) return undefined;
  const found = STATES.find(({ file, pid }) => {
    const text = unseenAsUndefined(() => missingAsUndefined(() => readText(`${root}/${file(id)}`)));
    const first = text === undefined ? undefined : numberIn(text, pid);
    return first !== undefined && pids.includes(first);
  });
  return found && { engine: found.engine, id };
}

/** A number of a JSON object; `undefined` while the runtime writes the file. */
function numberIn(text: string, key: string): number | undefined {
  try {
    const value = (JSON.parse(text) as Readonly<Record<string, unknown>> | null)?.[key];
    return typeof value === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
