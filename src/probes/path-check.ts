import { readFileSync } from 'node:fs';
import { mayWait } from '../kernel/file-system-types.ts';
import { type Mount, parseMountinfo } from '../kernel/mountinfo.ts';
import { parentOf } from '../kernel/paths.ts';
import type { PathProbes } from './path-probes.ts';

/** Whether a path can be used; `unsafe`: the exporter could wait for ever if it used the path. */
export type PathState = 'there' | 'absent' | { readonly unsafe: string };

/** Checks a path before it is used. The log names `subject` as its owner. */
export type CheckPath = (subject: string, path: string) => Promise<PathState>;

/**
 * Checks paths of the configuration with a probe before the serving thread uses them itself: the kernel looks up the path of a
 * socket in the thread that connects. A path on a file system that may wait for a server is never used: even if it answers now,
 * it may hang the next time.
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
    // A path behind a directory that is closed to this user counts as absent: a default socket there is no failure.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(outcome.code)) return 'absent';
    // With any other error the path counts as existing. The error appears again when the path is used.
    return 'there';
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
