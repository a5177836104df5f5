import type { Container, ContainerCgroup, InitProcess, Names } from '../container.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { findPlaces } from '../kernel/cgroup-places.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { Pace } from '../pace.ts';
import type { Posture } from '../posture/posture.ts';
import type { PostureReader, PostureReading, Target } from '../posture/read-posture.ts';
import { cgroupOfMember, haveChanged, type Members, membersOfContainer } from '../identify/container-pids.ts';
import { findInit } from '../identify/init-process.ts';
import { labelsOf } from './labels.ts';
import type { Naming } from '../engines/naming.ts';
import { withSandboxOfPod } from './pod-sandbox.ts';
import { toError } from '../kernel/errno.ts';

/** Facts of processes are read anew at the first scrape after this time, so that none tells older ones. */
const FACTS_FOR_MS = 45_000;

type ProcessFacts = Pick<Container, 'init' | 'initError' | 'posture' | 'cgroupUsedSince'>;

interface Entry {
  readonly cgroup: ContainerCgroup;
  readonly files: CgroupFiles;
  container: Container | undefined;
  /** Has files open, so it is kept even while the container is not shown. */
  init: InitProcess | undefined;
  members: Members | undefined;
  posture: PostureReading | undefined;
  cgroupUsedSince: number | undefined;
  factsUntil: number;
}

/**
 * The containers with all that is known of who they are. Discovery says which exist; names come from the engines' caches
 * and never hold anything up; processes are looked at when a scrape asks.
 */
export class ContainerInventory {
  readonly #kernel: KernelFiles;
  readonly #naming: Naming;
  readonly #postures: PostureReader;
  readonly #entries = new Map<ContainerCgroup, Entry>();

  constructor(options: { kernel: KernelFiles; naming: Naming; postures: PostureReader }) {
    this.#kernel = options.kernel;
    this.#naming = options.naming;
    this.#postures = options.postures;
  }

  /** Takes a container in. */
  add(cgroup: ContainerCgroup): void {
    this.#entries.set(cgroup, {
      cgroup,
      files: this.#kernel.cgroup(cgroup.path, cgroup.inode),
      container: undefined,
      init: undefined,
      members: undefined,
      posture: undefined,
      cgroupUsedSince: undefined,
      factsUntil: 0,
    });
    this.#naming.want(cgroup.match);
  }

  /** Lets a container go, with everything that is open for it. */
  remove(cgroup: ContainerCgroup): void {
    const entry = this.#entries.get(cgroup);
    if (entry === undefined) return;
    this.#entries.delete(cgroup);
    entry.files.close();
    entry.init?.files.close();
    this.#naming.forget(cgroup.match);
  }

  /** Lets all go. */
  close(): void {
    for (const cgroup of this.#entries.keys()) this.remove(cgroup);
  }

  /**
   * The containers to show now. Gives the event loop a turn now and then. After the deadline (of `performance.now()`)
   * they are shown as they were last time, or not yet.
   */
  async containers(deadline = Infinity): Promise<readonly Container[]> {
    const now = performance.now();
    const pace = new Pace();
    for (const entry of this.#entries.values()) {
      if (performance.now() > deadline) break;
      entry.files.lookAgain();
      this.#refresh(entry, now);
      if (pace.isDue()) await pace.rest();
    }
    const containers = [...this.#entries.values()].flatMap(({ container }) => container ?? []);
    return withSandboxOfPod(containers, this.#entries.values(), (entry) => {
      // That of a pause is not looked at unless it is needed.
      if (entry.container === undefined && now >= entry.factsUntil) this.#processFacts(entry, now);
      return entry.posture?.posture;
    });
  }

  #refresh(entry: Entry, now: number): void {
    const names = this.#naming.namesOf(entry.cgroup.match, now - entry.cgroup.seenAt);
    if (names === undefined) {
      entry.container = undefined;
      return;
    }
    const { cgroup, files, container } = entry;
    let facts: ProcessFacts | undefined;
    if (isSandbox(cgroup, names)) {
      // Whether it is shown depends on what runs in it, which may be about to start.
      if (entry.init === undefined || now >= entry.factsUntil) facts = this.#processFacts(entry, now);
      if (isPause(names, entry.posture?.posture)) {
        entry.container = undefined;
        return;
      }
    }
    // The object stays the same as long as nothing changes, so that what is derived from it can be kept.
    if (facts === undefined && container?.names === names && now < entry.factsUntil && container.init !== undefined) {
      if (this.#lookForNewProcesses(entry, container)) return;
    }
    const labels = container?.names === names ? container.labels : labelsOf(cgroup.match, names);
    entry.container = { cgroup, names, labels, files, ...(facts ?? this.#processFacts(entry, now)) };
  }

  /**
   * What `docker exec` starts may be gone long before all facts are read again. Answers whether the init is still there: a
   * container that is started again can be in the cgroup from before.
   */
  #lookForNewProcesses(entry: Entry, container: Container): boolean {
    const { init, posture, members } = entry;
    if (init === undefined || posture === undefined || members === undefined) return true;
    try {
      if (!posture.pending && !haveChanged(members)) return true;
      entry.members = membersOfContainer(this.#kernel, entry.files);
      if (!entry.members.pids.includes(init.pid)) return false;
      entry.posture = this.#postures.update(posture, targetOf(entry, init, entry.members));
      if (entry.posture.posture !== posture.posture) {
        entry.container = { ...container, posture: entry.posture.posture };
      }
    } catch (error) {
      entry.container = { ...container, initError: toError(error) };
    }
    return true;
  }

  /** Finds the container's cgroups in all hierarchies. Without a process that can be seen they stay where they were. */
  #locate({ cgroup: { path }, files }: Entry, init: InitProcess, members: Members): void {
    const initPath = cgroupOfMember(members, init.pid);
    files.locate(findPlaces(this.#kernel.layout, { path, initPath }, () => init.files.text('cgroup')));
  }

  #processFacts(entry: Entry, now: number): ProcessFacts {
    const before = entry.init;
    entry.init = undefined;
    entry.posture = undefined;
    // Spread over time: many containers start together, and should not all be read in one scrape for ever after.
    entry.factsUntil = now + FACTS_FOR_MS * (0.5 + Math.random() / 2);
    try {
      entry.init = withOpenFilesOf(before, findInit(this.#kernel, entry.files));
      if (entry.init !== undefined) {
        entry.members = membersOfContainer(this.#kernel, entry.files);
        this.#locate(entry, entry.init, entry.members);
        entry.posture = this.#postures.read(targetOf(entry, entry.init, entry.members));
      }
      return { ...factsOf(entry), initError: undefined, posture: entry.posture?.posture };
    } catch (error) {
      return { ...factsOf(entry), initError: toError(error), posture: undefined };
    } finally {
      if (before?.files !== entry.init?.files) before?.files.close();
    }
  }
}

function factsOf(entry: Entry): Pick<Container, 'init' | 'cgroupUsedSince'> {
  const { init, cgroupUsedSince: before } = entry;
  if (init !== undefined && (before === undefined || init.startTime < before)) entry.cgroupUsedSince = init.startTime;
  return { init, cgroupUsedSince: entry.cgroupUsedSince };
}

/**
 * Whether a container is what a pod is made around. An engine only passes a label on, which any image can have: it is
 * believed where the kubelet makes containers, and there no image has a say in it.
 */
function isSandbox({ match }: ContainerCgroup, { infra }: Names): boolean {
  return infra === true && match.podUid !== undefined;
}

/**
 * Whether a pod's sandbox is a mere pause, which is no workload. One with a kernel of its own has all containers of the pod
 * in it. Where that cannot be told, one that is not run by the engine's default may be such a one.
 */
function isPause({ runtime }: Names, posture: Posture | undefined): boolean {
  return posture?.sandbox === undefined ? runtime === undefined : posture.sandbox.kernel === 'shared';
}

function targetOf({ cgroup, files }: Entry, init: InitProcess, { pids }: Members): Target {
  return { engine: cgroup.match.engine, files, init, pids };
}

/** A process that goes on keeps its open files: another scrape may be about to read them. */
function withOpenFilesOf(before: InitProcess | undefined, found: InitProcess | undefined): InitProcess | undefined {
  if (found === undefined || found.pid !== before?.pid || found.startTime !== before.startTime) return found;
  found.files.close();
  return { ...found, files: before.files };
}
