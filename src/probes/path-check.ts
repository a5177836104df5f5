import { readFileSync } from 'node:fs';
import { mayWait } from '../kernel/file-system-types.ts';
import { type Mount, parseMountinfo } from '../kernel/mountinfo.ts';
import { parentOf } from '../kernel/paths.ts';
import type { PathProbes } from './path-probes.ts';

/** Whether a path can be used; `unsafe`: to use it could keep the exporter waiting for ever. */
export type PathState = 'there' | 'absent' | { readonly unsafe: string };

/** Looks at a path before it is used, for whom the log is to name. */
export type CheckPath = (subject: string, path: string) => Promise<PathState>;

/**
 * Checks paths of the configuration with a probe, for those that the serving thread then uses itself: to connect to a socket, the
 * kernel looks its path up in the thread that connects. One on a file system that may wait for a server is never used: it answers
 * now, and may not the next time.
 */
export function createPathCheck(probes: Pick<PathProbes, 'ask'>): CheckPath {
  return async (subject, path) => {
    const outcome = await probes.ask(subject, { look: 'realPath', path });
    if (outcome.kind === 'unanswered') return { unsafe: `A look at ${JSON.stringify(path)} does not return` };
    if (outcome.kind === 'value') {
      const type = waitingType(outcome.value);
      return type === undefined
        ? 'there'
        : { unsafe: `${JSON.stringify(path)} is on a file system of type ${type}, which may not answer` };
    }
    // What may not be looked at is there, and whoever uses it learns why not.
    return outcome.code === 'ENOENT' || outcome.code === 'ENOTDIR' ? 'absent' : 'there';
  };
}

/** The type of a mount at or above a path that a look-up may have to wait for. */
function waitingType(path: string): string | undefined {
  const byPoint = new Map<string, Mount>();
  for (const mount of parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')))
    byPoint.set(mount.mountPoint, mount);
  const at = (below: string): Mount | undefined => {
    for (let point = below; ; point = parentOf(point)) {
      const mount = byPoint.get(point === '' ? '/' : point);
      if (mount !== undefined || point === '') return mount;
    }
  };
  for (let point = path; ; point = parentOf(point)) {
    const mount = byPoint.get(point === '' ? '/' : point);
    if (mount !== undefined && mayWait(mount, at)) return mount.type;
    if (point === '') return undefined;
  }
}
