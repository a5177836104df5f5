import { isDeepStrictEqual } from 'node:util';
import type { InitProcess } from '../container.ts';
import type { PostureReading } from '../posture/posture-reading.ts';

/**
 * Facts about processes are read again and again, and nearly always are the same. Then the old objects stay, so that nothing
 * has to be assessed, compared or rendered again that was made of them. New ones would also outlive the young generation of the
 * heap, and be expensive garbage.
 */
function unchanged<T>(before: T, now: T): T {
  return isDeepStrictEqual(before, now) ? before : now;
}

/** A reading of a posture with the objects of the one before where they are equal. */
export function withUnchanged(now: PostureReading, before: PostureReading): PostureReading {
  return {
    ...now,
    posture: unchanged(before.posture, now.posture),
    // In the new order, which says whose turn is next.
    byPid: new Map(Array.from(now.byPid, ([pid, process]) => [pid, unchanged(before.byPid.get(pid), process)])),
    mountinfo: unchanged(before.mountinfo, now.mountinfo),
  };
}

/** Keeps what the last reading of the same process knows: what is unchanged, and what is being looked up again. */
export function keepKnown(
  now: PostureReading | undefined,
  before: PostureReading | undefined,
): PostureReading | undefined {
  return now === undefined || before === undefined ? now : withUnchanged(withLastLookUps(now, before), before);
}

/** As long as look-ups are pending, their last results are used. */
function withLastLookUps(now: PostureReading, before: PostureReading): PostureReading {
  if (now.lookedUp === undefined) return now;
  const { sandbox, mounts, devices } = before.posture;
  return { ...now, readAt: before.readAt, posture: { ...now.posture, sandbox, mounts, devices } };
}

/** Keeps the open files of an unchanged process: a concurrent scrape may be about to read them. */
export function withOpenFilesOf(
  before: InitProcess | undefined,
  found: InitProcess | undefined,
): InitProcess | undefined {
  if (found === undefined || found.pid !== before?.pid || found.startedAfterBoot !== before.startedAfterBoot)
    return found;
  found.files.close();
  return { ...found, files: before.files, namespaces: unchanged(before.namespaces, found.namespaces) };
}
