import type { CgroupScope, Container, Labels, OomCounts } from '../container.ts';
import type { CgroupLevels } from '../kernel/ancestor-files.ts';
import type { Controller } from '../kernel/cgroup-files.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { HostNamespaces, NamespaceKind } from '../kernel/host-namespaces.ts';

/** What lets a process read `/proc/<pid>/ns` of others. */
export const NAMESPACE_REMEDY =
  'run as root with CAP_SYS_PTRACE, in a container also with --pid=host and an unconfined AppArmor profile';

/** Takes one sample of a family: its value and the values of the family's own labels, in their order. */
export type Emit = (value: number, ...labelValues: string[]) => void;

/** When a counter was 0: when the container's cgroup was made, at boot, or when this daemon started. */
export type CountsSince = 'cgroup' | 'boot' | 'daemon';

interface FamilyHeader {
  readonly name: string;
  /** `info`: a gauge that is always 1 and carries its facts as labels. */
  readonly type: 'counter' | 'gauge' | 'info';
  /** A sentence that names the kernel file, and one that says what absence means. */
  readonly help: string;
  /** `pod`: the sample belongs to the whole pod where there is one, and carries no `container` label then. */
  readonly of?: 'pod';
  /** For a counter; absent if nothing says when it was 0. */
  readonly since?: CountsSince;
}

/** A family with one sample for each reading; none where the kernel did not report the value. */
export interface PlainFamily<Reading> extends FamilyHeader {
  value(reading: Reading): number | undefined;
}

/** A family with labels of its own and any number of samples. */
export interface LabelledFamily<Reading> extends FamilyHeader {
  readonly labels: readonly string[];
  /** Pure. Emits nothing where the kernel did not report the field. */
  samples(reading: Reading, emit: Emit): void;
}

/** One sample of a pattern: its value and the values of the family's own labels. */
export type PatternSample = readonly [value: number, ...labelValues: string[]];

/** A family with many samples for each container that are the same for many containers: they are rendered once. */
export interface PatternFamily<Reading> extends FamilyHeader {
  readonly labels: readonly string[];
  /** The same object for the same samples, as far as possible. */
  pattern(reading: Reading): readonly PatternSample[];
}

/** One metric family: its header, and how its samples come out of a collector's reading. */
export type Family<Reading> = PlainFamily<Reading> | LabelledFamily<Reading> | PatternFamily<Reading>;

interface CollectorHeader {
  /** Names the file, the `--collector.<name>` flag and the `collector` label. */
  readonly name: string;
  /** What it tells, for `--help` and the documentation. */
  readonly help: string;
  /** What lets it read what it may not, for the log. */
  readonly remedy?: string;
}

/** Reads something of every container. */
export interface ContainerCollector<Reading = unknown> extends CollectorHeader {
  readonly scope: 'container';
  /** Reads and parses what it needs of one container. `undefined`: the kernel has nothing to report. */
  read(container: Container, scrape: Scrape): Reading | undefined;
  /** Why a part of a reading is unknown, if that is a failure: the rest of it counts all the same. */
  problem?(reading: NoInfer<Reading>): Error | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

/** Reads something of the host, once per scrape. */
export interface HostCollector<Reading = unknown> extends CollectorHeader {
  readonly scope: 'host';
  read(scrape: Scrape): Reading | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

/** Something that is kept under the labels of containers, whether any of them lives or not. */
export interface Kept {
  readonly labels: Labels;
}

/**
 * Reads something that outlives containers, so that it goes by their labels. Two containers with the same labels are one
 * here.
 */
export interface KeptCollector<Entry extends Kept = Kept, Reading = unknown> extends CollectorHeader {
  readonly scope: 'kept';
  /** No two with the same labels. */
  entries(scrape: Scrape): readonly Entry[];
  read(entry: Entry): Reading | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

export type Collector = ContainerCollector | HostCollector | KeptCollector;

/** What all collectors of one scrape share. */
export interface Scrape {
  readonly kernel: KernelFiles;
  /** Those that are shown, in no order. */
  readonly containers: readonly Container[];
  readonly hostNamespaces: HostNamespaces;
  /**
   * The cgroups whose limits hold for a container in the hierarchy of a controller, from its init to the root; `undefined`
   * if that is unknown. See {@link CgroupLevels}. Handles are shared.
   */
  levels(container: Container, controller: Controller): CgroupLevels | undefined;
  /**
   * Whom the cgroups above the one at `path` belong to, the nearest first, as far as that is the container in it or its pod
   * alone. All further up are shared.
   */
  privateParents(path: string): readonly CgroupScope[];
  /** The containers whose init is in a namespace. */
  members(kind: NamespaceKind, inode: number): readonly Container[];
  /** OOM kills by now; `undefined` if nobody watches for them. */
  readonly oom: OomCounts | undefined;
  /** Counts and health kept by the parts of the daemon that run between scrapes. */
  readonly state: DaemonState;
}

/** State of the parts of the daemon that run between scrapes. */
export interface DaemonState {
  /** Per engine, since the start of the daemon: containers that appeared and that were removed. */
  readonly lifecycle: ReadonlyMap<string, { readonly started: number; readonly removed: number }>;
  /** Whether each thing that the daemon relies on works. What does not apply here is absent. */
  readonly sources: ReadonlyMap<string, boolean>;
  /** Per engine that is asked for names: how often each limit on its answers was reached. */
  readonly limitHits: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Checks a collector's families against its own reading, then forgets the reading's type. */
export function defineContainerCollector<Reading>(collector: Omit<ContainerCollector<Reading>, 'scope'>): Collector {
  return { scope: 'container', ...collector };
}

/** The same for a collector of the host. */
export function defineHostCollector<Reading>(collector: Omit<HostCollector<Reading>, 'scope'>): Collector {
  return { scope: 'host', ...collector };
}

/** The same for a collector of what outlives containers. */
export function defineKeptCollector<Entry extends Kept, Reading>(
  collector: Omit<KeptCollector<Entry, Reading>, 'scope'>,
): Collector {
  // Its entries go nowhere but back to it.
  return { scope: 'kept', ...collector } as unknown as KeptCollector;
}

/** Remembers what `compute` found for as long as the scrape lasts. */
export function oncePerScrape<T>(compute: (scrape: Scrape) => T): (scrape: Scrape) => T {
  const known = new WeakMap<Scrape, { readonly value: T }>();
  return (scrape) => {
    const found = known.get(scrape) ?? { value: compute(scrape) };
    known.set(scrape, found);
    return found.value;
  };
}
