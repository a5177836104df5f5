import type { Container, ContainerCgroup, InitProcess } from '../container.ts';
import type { Members } from '../identify/container-pids.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { PostureReading } from '../posture/posture-reading.ts';

/** What is known of a container's processes. */
export type ProcessFacts = Pick<Container, 'init' | 'initError' | 'posture' | 'postureReadAt' | 'cgroupUsedSince'>;

/** A container, and what the next scrape needs to know of the last. */
export interface TrackedContainer {
  readonly cgroup: ContainerCgroup;
  readonly files: CgroupFiles;
  container: Container | undefined;
  /** The init's open files. They are kept even while the container is not exported. */
  init: InitProcess | undefined;
  members: Members | undefined;
  posture: PostureReading | undefined;
  cgroupUsedSince: number | undefined;
  /** The last init that was seen. */
  lastInit: Pick<InitProcess, 'pid' | 'startedAfterBoot'> | undefined;
  /** A fact in its posture is unknown because a look-up does not return. */
  isStuck: boolean;
  /** In this scrape its mount table is compared. */
  comparesMounts: boolean;
  /** When the facts about its processes are read again, in ms of `performance.now()`; 0 for the next scrape. */
  factsUntil: number;
  /** When those that change most easily are compared, in ms. */
  compareAt: number;
  /** Since when all readings of its posture were the same, in ms. */
  unchangedSince: number;
  /** See `signsOfLife`: just before its processes were last listed and compared. */
  signsOfLife: string | undefined;
}

/** A container of which nothing is known yet. */
export function trackedContainer(cgroup: ContainerCgroup, files: CgroupFiles): TrackedContainer {
  return {
    cgroup,
    files,
    container: undefined,
    init: undefined,
    members: undefined,
    posture: undefined,
    cgroupUsedSince: undefined,
    lastInit: undefined,
    isStuck: false,
    comparesMounts: false,
    factsUntil: 0,
    compareAt: 0,
    unchangedSince: 0,
    signsOfLife: undefined,
  };
}

/** Forgets the processes of a container. The next scrape looks for them again. */
export function forgetProcesses(entry: TrackedContainer): void {
  entry.init?.files.close();
  entry.init = undefined;
  entry.posture = undefined;
  entry.factsUntil = 0;
}

/** What is known of a container's processes now. */
export function processFactsOf(entry: TrackedContainer, initError?: Error): ProcessFacts {
  const { init, cgroupUsedSince: before, posture } = entry;
  if (init !== undefined && (before === undefined || init.startTime < before)) entry.cgroupUsedSince = init.startTime;
  return {
    init,
    initError,
    posture: posture?.posture,
    postureReadAt: posture?.readAt,
    cgroupUsedSince: entry.cgroupUsedSince,
  };
}

/** Whether another, later process is the init. */
export function isRestart(last: TrackedContainer['lastInit'], init: InitProcess): boolean {
  return last !== undefined && last.pid !== init.pid && init.startedAfterBoot > last.startedAfterBoot;
}
