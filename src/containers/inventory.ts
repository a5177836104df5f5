import type { Container, ContainerCgroup, InitProcess } from '../container.ts';
import { findPlaces } from '../kernel/cgroup-places.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { Pace } from '../pace.ts';
import type { LookedUp, Target } from '../posture/posture-reading.ts';
import type { PostureReader } from '../posture/read-posture.ts';
import {
  cgroupOfMember,
  haveChanged,
  type IsSurplus,
  type Members,
  membersOfContainer,
} from '../identify/container-pids.ts';
import { findInit, isStartOutdated } from '../identify/init-process.ts';
import { compareLater, readLater, readLessOften, readSooner } from './facts-age.ts';
import { labelsOf } from './labels.ts';
import type { Naming } from '../engines/naming.ts';
import { PendingLookUps } from './pending-look-ups.ts';
import { hasNoLog, isPause, isPauseWithoutLog, isSandbox, withSandboxOfPod } from './pod-sandbox.ts';
import {
  forgetProcesses,
  isRestart,
  processFactsOf,
  type ProcessFacts,
  trackedContainer,
  type TrackedContainer,
} from './tracked-container.ts';
import { TABLES_PER_SCRAPE, Turns } from './turns.ts';
import { keepKnown, withOpenFilesOf, withUnchanged } from './unchanged-facts.ts';
import { isDenied, toError } from '../kernel/errno.ts';

/** How often a scrape looks at a container whose processes are too many for one look. It rests before each further look. */
const MOST_LOOKS = 4;

/**
 * The containers with all known facts. Discovery decides which exist. Names come from the engines' caches and never delay a
 * scrape. Processes are inspected during a scrape.
 */
export class ContainerInventory {
  readonly #kernel: KernelFiles;
  readonly #naming: Naming;
  readonly #postures: PostureReader;
  readonly #onRestarted: (cgroup: ContainerCgroup) => void;
  readonly #onPause: (cgroup: ContainerCgroup) => void;
  readonly #isSurplus: IsSurplus | undefined;
  readonly #entries = new Map<ContainerCgroup, TrackedContainer>();
  readonly #lookUps = new PendingLookUps();
  readonly #turns = new Turns(TABLES_PER_SCRAPE);
  /** Containers whose look-ups were answered since the last scrape. */
  readonly #lookedUp = new Set<TrackedContainer>();

  /**
   * @param options.onRestarted a container was started again in its cgroup.
   * @param options.onPause a container is only the pause of a pod, which its names do not say.
   * @param options.isSurplus absent: no cgroup is.
   */
  constructor(options: {
    readonly kernel: KernelFiles;
    readonly naming: Naming;
    readonly postures: PostureReader;
    readonly onRestarted?: (cgroup: ContainerCgroup) => void;
    readonly onPause?: (cgroup: ContainerCgroup) => void;
    readonly isSurplus?: IsSurplus;
  }) {
    this.#onRestarted = options.onRestarted ?? (() => {});
    this.#onPause = options.onPause ?? (() => {});
    this.#isSurplus = options.isSurplus;
    this.#kernel = options.kernel;
    this.#naming = options.naming;
    this.#postures = options.postures;
  }

  /** Adds a container. */
  add(cgroup: ContainerCgroup): void {
    this.#entries.set(cgroup, trackedContainer(cgroup, this.#kernel.cgroup(cgroup.path, cgroup.inode)));
    this.#naming.want(cgroup.match, cgroup.path);
  }

  /** Removes a container and closes its files. */
  remove(cgroup: ContainerCgroup): void {
    const entry = this.#entries.get(cgroup);
    if (entry === undefined) return;
    this.#entries.delete(cgroup);
    entry.files.close();
    entry.init?.files.close();
    this.#naming.forget(cgroup.match);
  }

  /** Removes all containers. */
  close(): void {
    for (const cgroup of this.#entries.keys()) this.remove(cgroup);
  }

  /**
   * The containers to export now. Yields to the event loop. After the deadline (`performance.now()`) containers keep the facts
   * of the last call, and new ones are left for the next.
   */
  async containers(deadline = Infinity): Promise<readonly Container[]> {
    const now = performance.now();
    const pace = new Pace();
    const { commandLines } = this.#kernel;
    const pendingBefore = commandLines.pending;
    const isTurn = this.#turns.round(this.#entries.size);
    for (const entry of this.#entries.values()) {
      if (performance.now() > deadline) break;
      entry.comparesMounts = isTurn();
      this.#refreshOrKeep(entry, now);
      if (pace.isDue()) await pace.rest();
      for (let looks = 1; entry.posture?.unfinished === true && looks < MOST_LOOKS; looks += 1) {
        await pace.rest();
        this.#refreshOrKeep(entry, now);
      }
    }
    if (commandLines.pending > pendingBefore) {
      // They may have come already, because the pass over all containers rests now and then.
      this.#lookUps.addCommandLines(commandLines);
      await this.#untilLookedUp(deadline);
      for (const entry of this.#entries.values()) {
        // Either shows which process is the init, or whether a new one is a runtime that enters the container.
        const isDecided = entry.init !== undefined && entry.posture?.pending !== true;
        if (isDecided || performance.now() > deadline) continue;
        this.#refreshOrKeep(entry, now);
        if (pace.isDue()) await pace.rest();
      }
    }
    await this.#untilLookedUp(deadline);
    // The look-ups decide whether a pod's sandbox is exported.
    for (const entry of this.#lookedUp) if (this.#entries.get(entry.cgroup) === entry) this.#refreshOrKeep(entry, now);
    this.#lookedUp.clear();
    const shown = this.#shown(now);
    if (this.#lookUps.isEmpty) return shown;
    await this.#untilLookedUp(deadline);
    return this.#shown(now);
  }

  #shown(now: number): readonly Container[] {
    const containers = [...this.#entries.values()].flatMap(({ container }) => container ?? []);
    return withSandboxOfPod(containers, this.#entries.values(), (entry) => {
      // The posture of a pause container is only read if another container needs it.
      if (entry.container === undefined && !this.#isCurrent(entry, now)) this.#processFacts(entry, now);
      return entry.posture?.posture;
    });
  }

  #untilLookedUp(deadline: number): Promise<void> {
    return this.#lookUps.settled(this.#postures.lookUpState, deadline);
  }

  /** A failure in one container does not affect the others. */
  #refreshOrKeep(entry: TrackedContainer, now: number): void {
    try {
      entry.files.lookAgain();
      this.#refresh(entry, now);
      const life = this.#naming.lifeOf(entry.cgroup.match);
      if (entry.container !== undefined && entry.container.life !== life)
        entry.container = { ...entry.container, life };
    } catch (error) {
      this.#readSoon(entry, error);
      if (entry.container !== undefined) entry.container = { ...entry.container, initError: toError(error) };
    }
  }

  /** The next scrape tries again, because the cause may pass at once. A missing privilege does not. */
  #readSoon(entry: TrackedContainer, error: unknown): void {
    if (!isDenied(error)) entry.factsUntil = 0;
  }

  #refresh(entry: TrackedContainer, now: number): void {
    const names = this.#naming.namesOf(entry.cgroup.match, now - entry.cgroup.seenAt);
    if (names === undefined) {
      entry.container = undefined;
      return;
    }
    const { cgroup, files, container } = entry;
    // The blocked look-up has returned, so the unknown facts can be read now.
    if (entry.isStuck && !this.#postures.isStuck(entry)) entry.factsUntil = 0;
    if (entry.init !== undefined && isStartOutdated(this.#kernel, entry.init)) entry.factsUntil = 0;
    let facts: ProcessFacts | undefined;
    const withoutLog = hasNoLog(cgroup, names);
    if (withoutLog || isSandbox(cgroup, names)) {
      // Whether to export it depends on its processes, which may be about to start.
      if (!this.#isCurrent(entry, now)) facts = this.#processFacts(entry, now);
      const posture = entry.posture?.posture;
      if (withoutLog ? isPauseWithoutLog(posture) : isPause(names, posture)) {
        if (withoutLog) this.#onPause(cgroup);
        entry.container = undefined;
        return;
      }
    }
    if (facts === undefined && this.#isCurrent(entry, now)) {
      if (container?.names !== names) {
        facts = processFactsOf(entry);
      }
      // Keep the same object while nothing changes, so that derived data can be cached.
      else if (this.#lookForNewProcesses(entry, container, now)) return;
    }
    const named =
      container?.names === names
        ? { namedBy: container.namedBy, labels: container.labels }
        : { namedBy: this.#naming.sourceOf(cgroup.match, names), labels: labelsOf(cgroup.match, names) };
    entry.container = {
      cgroup,
      names,
      ...named,
      files,
      life: container?.life,
      ...(facts ?? this.#processFacts(entry, now)),
    };
  }

  /**
   * Whether the facts about the processes need not be read again: it is not time yet, and what changes most easily has been compared.
   */
  #isCurrent(entry: TrackedContainer, now: number): boolean {
    const { init, posture, members } = entry;
    if (init === undefined || now >= entry.factsUntil) return false;
    if (now < entry.compareAt) return true;
    if (posture === undefined || members === undefined || !this.#postures.isAsRead(posture, init)) return false;
    const { pids, isIncomplete } = membersOfContainer(this.#kernel, entry.files, this.#isSurplus);
    // There may be cgroups inside that the last list did not know.
    if (isIncomplete !== members.isIncomplete || pids.join(' ') !== members.pids.join(' ')) return false;
    compareLater(entry, now);
    return true;
  }

  /**
   * Inspects new processes, because one that `docker exec` starts may end long before all facts are read again. Returns whether
   * the init is still the same, with the same mounts: a restarted container can reuse its cgroup.
   */
  #lookForNewProcesses(entry: TrackedContainer, container: Container, now: number): boolean {
    const { init, posture, members } = entry;
    if (init === undefined || posture === undefined || members === undefined) return true;
    try {
      // A mount must not wait until all facts are read again.
      if (entry.comparesMounts && this.#postures.haveMountsChanged(posture, init)) return false;
      if (!posture.pending && !posture.unfinished && !haveChanged(members)) return true;
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
      this.#readSoon(entry, error);
      entry.container = { ...container, initError: toError(error) };
    }
    return true;
  }

  /** Locates the container's cgroups in all hierarchies. Without a visible process, the last locations are kept. */
  #locate({ cgroup: { path }, files }: TrackedContainer, init: InitProcess, members: Members): void {
    const initPath = cgroupOfMember(members, init.pid);
    files.locate(findPlaces(this.#kernel.layout, { path, initPath }, () => init.files.text('cgroup')));
  }

  /** Brings the posture up to date once look-ups are answered, or known not to be. */
  #takeLookedUp(entry: TrackedContainer): void {
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

  #processFacts(entry: TrackedContainer, now: number): ProcessFacts {
    const { init: before, posture: postureBefore } = entry;
    entry.init = undefined;
    entry.posture = undefined;
    readLater(entry, now);
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
        else if (entry.posture.posture.problem !== undefined) this.#readSoon(entry, entry.posture.posture.problem);
        entry.posture = keepKnown(entry.posture, knownBefore);
        readLessOften(entry, postureBefore, now);
        this.#takeLookedUp(entry);
      }
      this.#confirm(entry);
      return processFactsOf(entry);
    } catch (error) {
      this.#readSoon(entry, error);
      return { ...processFactsOf(entry, toError(error)), posture: undefined, postureReadAt: undefined };
    } finally {
      if (before?.files !== entry.init?.files) before?.files.close();
    }
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
