import type { Container, ContainerCgroup, InitProcess } from '../container.ts';
import {
  cgroupOfMember,
  haveChanged,
  type IsSurplus,
  type Members,
  membersOfContainer,
} from '../identify/container-pids.ts';
import { findInit } from '../identify/init-process.ts';
import { findPlaces } from '../kernel/cgroup-places.ts';
import { isDenied, toError } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { LookedUp, Target } from '../posture/posture-reading.ts';
import type { PostureReader } from '../posture/read-posture.ts';
import { compareLater, readLater, readLessOften, readSooner } from './facts-age.ts';
import { PendingLookUps } from './pending-look-ups.ts';
import { isStill, signsOfLife } from './signs-of-life.ts';
import {
  forgetProcesses,
  isRestart,
  processFactsOf,
  type ProcessFacts,
  type TrackedContainer,
} from './tracked-container.ts';
import { keepKnown, withOpenFilesOf, withUnchanged } from './unchanged-facts.ts';

/** Reads what is known of the processes of containers: the init, its namespaces, and the posture. */
export class ProcessFactsReader {
  readonly #kernel: KernelFiles;
  readonly #postures: PostureReader;
  readonly #onRestarted: (cgroup: ContainerCgroup) => void;
  readonly #isSurplus: IsSurplus | undefined;
  readonly #lookUps = new PendingLookUps();
  /** Containers whose look-ups were answered since the last call of `takeLookedUp`. */
  #lookedUp = new Set<TrackedContainer>();

  /**
   * @param options.onRestarted a container was started again in its cgroup.
   * @param options.isSurplus absent: no cgroup is.
   */
  constructor(options: {
    readonly kernel: KernelFiles;
    readonly postures: PostureReader;
    readonly onRestarted: (cgroup: ContainerCgroup) => void;
    readonly isSurplus: IsSurplus | undefined;
  }) {
    this.#kernel = options.kernel;
    this.#postures = options.postures;
    this.#onRestarted = options.onRestarted;
    this.#isSurplus = options.isSurplus;
  }

  /** Whether all look-ups are answered. */
  get isSettled(): boolean {
    return this.#lookUps.isEmpty;
  }

  /** Waits until all look-ups are answered, or given up. @param deadline in ms of `performance.now()`. */
  settled(deadline: number): Promise<void> {
    return this.#lookUps.settled(this.#postures.lookUpState, deadline);
  }

  /** The command lines that are being looked up now count as look-ups, too. */
  awaitCommandLines(): void {
    this.#lookUps.addCommandLines(this.#kernel.commandLines);
  }

  /** The containers whose look-ups were answered since the last call. */
  takeLookedUp(): ReadonlySet<TrackedContainer> {
    const taken = this.#lookedUp;
    this.#lookedUp = new Set();
    return taken;
  }

  /** Whether the blocked look-up of a container has returned, so that the unknown facts can be read now. */
  isUnblocked(entry: TrackedContainer): boolean {
    return entry.isStuck && !this.#postures.isStuck(entry);
  }

  /** The next scrape tries again, because the cause may pass at once. A missing privilege does not. */
  readSoon(entry: TrackedContainer, error: unknown): void {
    if (!isDenied(error)) entry.factsUntil = 0;
  }

  /**
   * Whether the facts about the processes need not be read again: it is not time yet, and what changes most easily has been compared.
   */
  isCurrent(entry: TrackedContainer, now: number): boolean {
    const { init, posture, members } = entry;
    if (init === undefined || now >= entry.factsUntil) return false;
    if (now < entry.compareAt) return true;
    // Before the comparison: what runs meanwhile is compared the next time.
    const signs = signsOfLife(entry.files);
    if (!isStill(entry, signs)) {
      if (posture === undefined || members === undefined || !this.#postures.isAsRead(posture, init)) return false;
      const { pids, isIncomplete } = membersOfContainer(this.#kernel, entry.files, this.#isSurplus);
      // There may be cgroups inside that the last list did not know.
      if (isIncomplete !== members.isIncomplete || pids.join(' ') !== members.pids.join(' ')) return false;
      entry.signsOfLife = signs;
    }
    compareLater(entry, now);
    return true;
  }

  /**
   * Inspects new processes, because one that `docker exec` starts may end long before all facts are read again. Returns whether
   * the init is still the same, with the same mounts: a restarted container can reuse its cgroup.
   */
  lookForNewProcesses(entry: TrackedContainer, container: Container, now: number): boolean {
    const { init, posture, members } = entry;
    if (init === undefined || posture === undefined || members === undefined) return true;
    try {
      // A mount must not wait until all facts are read again.
      if (entry.comparesMounts && this.#postures.haveMountsChanged(posture, init)) return false;
      const isComplete = !posture.pending && !posture.unfinished;
      if (isComplete && (isStill(entry, signsOfLife(entry.files)) || !haveChanged(members))) return true;
      // A new process may be about to become another one, or to enter another namespace.
      readSooner(entry, now);
      entry.members = membersOfContainer(this.#kernel, entry.files, this.#isSurplus);
      if (!entry.members.pids.includes(init.pid)) return false;
      entry.posture = this.#postures.update(posture, this.#targetOf(entry, init, entry.members));
      // If it is gone, nothing is exported of it.
      entry.files.confirm();
      if (entry.posture.posture !== posture.posture) {
        entry.container = { ...container, posture: entry.posture.posture };
      }
    } catch (error) {
      this.readSoon(entry, error);
      entry.container = { ...container, initError: toError(error) };
    }
    return true;
  }

  /** Reads all facts again. What cannot be read becomes unknown, with the reason. */
  read(entry: TrackedContainer, now: number): ProcessFacts {
    const { init: before, posture: postureBefore } = entry;
    entry.init = undefined;
    entry.posture = undefined;
    readLater(entry, now);
    entry.signsOfLife = signsOfLife(entry.files);
    try {
      const { files } = entry;
      entry.members = membersOfContainer(this.#kernel, files, this.#isSurplus);
      entry.init = withOpenFilesOf(before, findInit(this.#kernel, files, entry.members.pids, this.#isSurplus));
      this.#confirm(entry);
      if (entry.init !== undefined) {
        if (isRestart(entry.lastInit, entry.init)) this.#onRestarted(entry.cgroup);
        entry.lastInit = { pid: entry.init.pid, startedAfterBoot: entry.init.startedAfterBoot };
        // It may have begun since.
        if (!entry.members.pids.includes(entry.init.pid)) {
          entry.members = membersOfContainer(this.#kernel, files, this.#isSurplus);
        }
        this.#locate(entry, entry.init, entry.members);
        const knownBefore = entry.init.files === before?.files ? postureBefore : undefined;
        entry.posture = this.#postures.read(this.#targetOf(entry, entry.init, entry.members), knownBefore);
        // Its status could not be read, which is so if it has just ended.
        if (entry.posture === undefined) entry.factsUntil = 0;
        else if (entry.posture.posture.problem !== undefined) this.readSoon(entry, entry.posture.posture.problem);
        entry.posture = keepKnown(entry.posture, knownBefore);
        readLessOften(entry, postureBefore, now);
        this.#takeLater(entry);
      }
      this.#confirm(entry);
      return processFactsOf(entry);
    } catch (error) {
      this.readSoon(entry, error);
      return { ...processFactsOf(entry, toError(error)), posture: undefined, postureReadAt: undefined };
    } finally {
      if (before?.files !== entry.init?.files) before?.files.close();
    }
  }

  /** Locates the container's cgroups in all hierarchies. Without a visible process, the last locations are kept. */
  #locate({ cgroup: { path }, files }: TrackedContainer, init: InitProcess, members: Members): void {
    const initPath = cgroupOfMember(members, init.pid);
    files.locate(findPlaces(this.#kernel.layout, { path, initPath }, () => init.files.text('cgroup')));
  }

  /** Brings the posture up to date once look-ups are answered, or known not to be. */
  #takeLater(entry: TrackedContainer): void {
    const { lookedUp } = entry.posture ?? {};
    entry.isStuck = this.#postures.isStuck(entry);
    if (lookedUp === undefined) return;
    const take = (found: LookedUp): void => {
      // All facts have been read again since, so this result is out of date.
      if (entry.posture?.lookedUp !== lookedUp) return;
      const { posture: before } = entry.posture;
      const { readAt, ...facts } = found;
      const posture = { ...before, ...facts, problem: before.problem ?? found.problem };
      entry.posture = withUnchanged({ ...entry.posture, readAt, lookedUp: undefined, posture }, entry.posture);
      entry.isStuck = this.#postures.isStuck(entry);
      if (entry.container?.posture === before)
        entry.container = { ...entry.container, posture: entry.posture.posture, postureReadAt: readAt };
      this.#lookedUp.add(entry);
    };
    this.#lookUps.add(lookedUp.then(take));
  }

  /** Forgets processes that may be those of a later container at the same path. */
  #confirm(entry: TrackedContainer): void {
    entry.files.confirm();
    if (entry.files.gone) forgetProcesses(entry);
  }

  #targetOf({ cgroup, files }: TrackedContainer, init: InitProcess, { pids, isIncomplete }: Members): Target {
    const list = (): readonly number[] => membersOfContainer(this.#kernel, files, this.#isSurplus).pids;
    return { engine: cgroup.match.engine, files, init, pids, isIncomplete, list };
  }
}
