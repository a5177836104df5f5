import { setImmediate } from 'node:timers/promises';
import type { Container, ContainerCgroup, InitProcess } from '../container.ts';
import type { CgroupFiles, KernelFiles } from '../kernel/files.ts';
import { findInit } from './init-process.ts';
import { labelsOf } from './labels.ts';
import type { Naming } from './naming.ts';

/** Facts of processes are read anew after this time, and so are never older than it plus one scrape interval. */
const FACTS_FOR_MS = 45_000;

/** The event loop gets a turn after this much work. */
const SLICE_MS = 10;

interface Entry {
  readonly cgroup: ContainerCgroup;
  readonly files: CgroupFiles;
  container: Container | undefined;
  /** Has files open, so it is kept even while the container is not shown. */
  init: InitProcess | undefined;
  factsUntil: number;
}

/**
 * The containers with all that is known of who they are. Discovery says which exist; names come from the engines' caches
 * and never hold anything up; processes are looked at when a scrape asks.
 */
export class Roster {
  readonly #kernel: KernelFiles;
  readonly #naming: Naming;
  readonly #entries = new Map<ContainerCgroup, Entry>();

  constructor(options: { kernel: KernelFiles; naming: Naming }) {
    this.#kernel = options.kernel;
    this.#naming = options.naming;
  }

  /** Takes a container in. */
  add(cgroup: ContainerCgroup): void {
    this.#entries.set(cgroup, {
      cgroup,
      files: this.#kernel.cgroup(cgroup.path),
      container: undefined,
      init: undefined,
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
    let sliceEnd = now + SLICE_MS;
    for (const entry of this.#entries.values()) {
      if (performance.now() > deadline) break;
      this.#refresh(entry, now);
      if (performance.now() > sliceEnd) {
        await setImmediate();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
    return [...this.#entries.values()].flatMap(({ container }) => container ?? []);
  }

  #refresh(entry: Entry, now: number): void {
    const names = this.#naming.namesOf(entry.cgroup.match, now - entry.cgroup.seenAt);
    if (names === undefined || names.infra === true) {
      entry.container = undefined;
      return;
    }
    const { cgroup, files, container } = entry;
    // The object stays the same as long as nothing changes, so that what is derived from it can be kept.
    if (container?.names === names && now < entry.factsUntil && container.init !== undefined) return;
    const labels = container?.names === names ? container.labels : labelsOf(cgroup.match, names);
    entry.container = { cgroup, names, labels, files, ...this.#processFacts(entry, now) };
  }

  #processFacts(entry: Entry, now: number): Pick<Container, 'init' | 'initError'> {
    const before = entry.init;
    entry.init = undefined;
    // Spread over time: many containers start together, and should not all be read in one scrape for ever after.
    entry.factsUntil = now + FACTS_FOR_MS * (0.5 + Math.random() / 2);
    try {
      entry.init = withOpenFilesOf(before, findInit(this.#kernel, entry.files));
      return { init: entry.init, initError: undefined };
    } catch (error) {
      return { init: undefined, initError: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      if (before?.files !== entry.init?.files) before?.files.close();
    }
  }
}

/** A process that goes on keeps its open files: another scrape may be about to read them. */
function withOpenFilesOf(before: InitProcess | undefined, found: InitProcess | undefined): InitProcess | undefined {
  if (found === undefined || found.pid !== before?.pid || found.startTime !== before.startTime) return found;
  found.files.close();
  return { ...found, files: before.files };
}
