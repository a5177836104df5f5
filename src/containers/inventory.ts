import type { Container, ContainerCgroup } from '../container.ts';
import type { Naming } from '../engines/naming.ts';
import type { IsSurplus } from '../identify/container-pids.ts';
import { isStartOutdated } from '../identify/init-process.ts';
import { toError } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { pace } from '../pace.ts';
import type { PostureReader } from '../posture/read-posture.ts';
import { labelsOf } from './labels.ts';
import { hasNoLog, isPause, isPauseWithoutLog, isSandbox, withSandboxOfPod } from './pod-sandbox.ts';
import { ProcessFactsReader } from './process-facts-reader.ts';
import { processFactsOf, type ProcessFacts, trackedContainer, type TrackedContainer } from './tracked-container.ts';
import { TABLES_PER_SCRAPE, Turns } from './turns.ts';

/** How often a scrape looks at a container whose processes are too many for one look. It rests before each further look. */
const MOST_LOOKS = 4;

/**
 * The containers with all known facts. Discovery decides which exist. Names come from the engines' caches and never delay a
 * scrape. Processes are inspected during a scrape.
 */
export class ContainerInventory {
  readonly #kernel: KernelFiles;
  readonly #naming: Naming;
  readonly #facts: ProcessFactsReader;
  readonly #onPause: (cgroup: ContainerCgroup) => void;
  readonly #entries = new Map<ContainerCgroup, TrackedContainer>();
  readonly #turns = new Turns(TABLES_PER_SCRAPE);
  /** The first container that the deadline cut off in the last scrape. */
  #cutOff: TrackedContainer | undefined;

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
    const { kernel, postures, onRestarted = () => {}, isSurplus } = options;
    this.#facts = new ProcessFactsReader({ kernel, postures, onRestarted, isSurplus });
    this.#onPause = options.onPause ?? (() => {});
    this.#kernel = kernel;
    this.#naming = options.naming;
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
    const { commandLines } = this.#kernel;
    const pendingBefore = commandLines.pending;
    const isTurn = this.#turns.round(this.#entries.size);
    for (const entry of this.#entries.values()) entry.comparesMounts = isTurn();
    for (const entry of this.#inOrder()) {
      if (performance.now() > deadline) {
        this.#cutOff = entry;
        break;
      }
      this.#refreshOrKeep(entry, now);
      if (pace.isDue()) await pace.rest();
      for (let looks = 1; entry.posture?.unfinished === true && looks < MOST_LOOKS; looks += 1) {
        await pace.rest();
        this.#refreshOrKeep(entry, now);
      }
    }
    if (commandLines.pending > pendingBefore) {
      // They may have come already, because the pass over all containers rests now and then.
      this.#facts.awaitCommandLines();
      await this.#facts.settled(deadline);
      for (const entry of this.#entries.values()) {
        // Either shows which process is the init, or whether a new one is a runtime that enters the container.
        const isDecided = entry.init !== undefined && entry.posture?.pending !== true;
        if (isDecided || performance.now() > deadline) continue;
        this.#refreshOrKeep(entry, now);
        if (pace.isDue()) await pace.rest();
      }
    }
    await this.#facts.settled(deadline);
    // The look-ups decide whether a pod's sandbox is exported.
    for (const entry of this.#facts.takeLookedUp())
      if (this.#entries.get(entry.cgroup) === entry) this.#refreshOrKeep(entry, now);
    const shown = this.#shown(now);
    if (this.#facts.isSettled) return shown;
    await this.#facts.settled(deadline);
    return this.#shown(now);
  }

  /** Containers that take long must not always keep the same others from being looked at. */
  #inOrder(): readonly TrackedContainer[] {
    const all = [...this.#entries.values()];
    const from = this.#cutOff === undefined ? -1 : all.indexOf(this.#cutOff);
    this.#cutOff = undefined;
    return from === -1 ? all : [...all.slice(from), ...all.slice(0, from)];
  }

  #shown(now: number): readonly Container[] {
    const containers = [...this.#entries.values()].flatMap(({ container }) => container ?? []);
    return withSandboxOfPod(containers, this.#entries.values(), (entry) => {
      // The posture of a pause container is only read if another container needs it.
      if (entry.container === undefined && !this.#facts.isCurrent(entry, now)) this.#facts.read(entry, now);
      return entry.posture?.posture;
    });
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
      this.#facts.readSoon(entry, error);
      if (entry.container !== undefined) entry.container = { ...entry.container, initError: toError(error) };
    }
  }

  #refresh(entry: TrackedContainer, now: number): void {
    const names = this.#naming.namesOf(entry.cgroup.match, now - entry.cgroup.seenAt);
    if (names === undefined) {
      entry.container = undefined;
      return;
    }
    const { cgroup, files, container } = entry;
    if (this.#facts.isUnblocked(entry)) entry.factsUntil = 0;
    if (entry.init !== undefined && isStartOutdated(this.#kernel, entry.init)) entry.factsUntil = 0;
    let facts: ProcessFacts | undefined;
    const withoutLog = hasNoLog(cgroup, names);
    if (withoutLog || isSandbox(cgroup, names)) {
      // Whether to export it depends on its processes, which may be about to start.
      if (!this.#facts.isCurrent(entry, now)) facts = this.#facts.read(entry, now);
      const posture = entry.posture?.posture;
      if (withoutLog ? isPauseWithoutLog(posture) : isPause(names, posture)) {
        if (withoutLog) this.#onPause(cgroup);
        entry.container = undefined;
        return;
      }
    }
    if (facts === undefined && this.#facts.isCurrent(entry, now)) {
      if (container?.names !== names) {
        facts = processFactsOf(entry);
      }
      // Keep the same object while nothing changes, so that derived data can be cached.
      else if (this.#facts.lookForNewProcesses(entry, container, now)) return;
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
      ...(facts ?? this.#facts.read(entry, now)),
    };
  }
}
