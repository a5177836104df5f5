import type { InitProcess } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { Posture, ProcessPosture } from './posture.ts';

/** The container to inspect. */
export interface Target {
  /** The engine, from the path of the container's cgroup. */
  readonly engine: string;
  readonly files: CgroupFiles;
  readonly init: InitProcess;
  /** All its processes. */
  readonly pids: readonly number[];
  /** Lists them again; absent: they are still the same. */
  readonly list?: () => readonly number[];
  /** It has more than those. */
  readonly isIncomplete?: boolean;
}

/** Facts from look-ups, which a probe process makes. */
export interface LookedUp extends Pick<Posture, 'sandbox' | 'mounts' | 'devices' | 'problem'> {
  readonly readAt: number;
}

/** A posture, and the state needed to update it. */
export interface PostureReading {
  readonly posture: Posture;
  /** When the oldest of these facts was read, in ms of `performance.now()`. */
  readonly readAt: number;
  /** The posture of each process; `undefined` for one that does not count. Those that were inspected last are last. */
  readonly byPid: ReadonlyMap<number, ProcessPosture | undefined>;
  /** The parent of the init: an engine's own process, if the parent is in the cgroup at all. */
  readonly parent: number;
  /**
   * Whether a process is about to execute another program. It must then be inspected again, even if the list is
   * unchanged.
   */
  readonly pending: boolean;
  /** Whether some processes were not inspected yet, because there were too many for one look. */
  readonly unfinished: boolean;
  /**
   * Resolves, within some seconds, to the facts that depend on look-ups. `undefined` if there are none. The promise
   * never rejects: a fact that cannot be determined stays unknown.
   */
  readonly lookedUp: Promise<LookedUp> | undefined;
  /** The mount table of the init, for {@link PostureReader.haveMountsChanged}; `undefined` if it is unknown or too long. */
  readonly mountinfo: Buffer | undefined;
}
