import type { CgroupScope, Container, EngineRecord, Labels, OomCounts, Starts, WritableLayer } from '../container.ts';
import type { Drift } from '../drift/drift-watch.ts';
import type { OwnLimits } from '../drift/facts.ts';
import type { Accepted, Acceptance } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import type { CgroupLevels } from '../kernel/ancestor-files.ts';
import type { Controller } from '../kernel/cgroup-files.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { HostNamespaces, NamespaceKind } from '../kernel/host-namespaces.ts';

/** Advice on the privilege for reading `/proc/<pid>/ns` of other processes. */
export const NAMESPACE_REMEDY =
  'run as root with CAP_SYS_PTRACE, in a container also with --pid=host and an unconfined AppArmor profile';

/** Emits one sample of a family: its value and the values of the family's own labels, in order. */
export type Emit = (value: number, ...labelValues: string[]) => void;

/** When a counter was 0: when the container's cgroup was made, at boot, or when this daemon started. */
export type CountsSince = 'cgroup' | 'boot' | 'daemon';

interface FamilyHeader {
  readonly name: string;
  /** `info`: a gauge that is always 1 and has facts as labels. `plain_counter`: for names of others, see `FamilyType`. */
  readonly type: 'counter' | 'plain_counter' | 'gauge' | 'info';
  /** Whole sentences: the kernel file, and what absence means. */
  readonly help: string;
  /** `pod`: the sample belongs to the whole pod, if there is one, and then has no `container` label. */
  readonly of?: 'pod';
  /** The start time of a counter; absent if the time when it was 0 is unknown. */
  readonly since?: CountsSince;
}

/** A family with one sample for each reading, or none if the kernel did not report the value. */
export interface PlainFamily<Reading> extends FamilyHeader {
  value(reading: Reading): number | undefined;
}

/** A family with its own labels and any number of samples. */
export interface LabelledFamily<Reading> extends FamilyHeader {
  readonly labels: readonly string[];
  /** Pure. Emits nothing for a field that the kernel did not report. */
  samples(reading: Reading, emit: Emit): void;
}

/** One sample of a pattern: its value and the values of the family's own labels. */
export type PatternSample = readonly [value: number, ...labelValues: string[]];

/** A family with many samples for each container that are equal for many containers, and so are rendered once. */
export interface PatternFamily<Reading> extends FamilyHeader {
  readonly labels: readonly string[];
  /** Should return the same object for the same samples. */
  pattern(reading: Reading): readonly PatternSample[];
}

/** A family of facts whose labels are known only from the reading. One sample of 1 for each reading that has any. */
export interface FactsFamily<Reading> extends FamilyHeader {
  /** The labels and their values. */
  facts(reading: Reading): Readonly<Record<string, string>>;
}

/** A metric family: its header, and how to get its samples from a collector's reading. */
export type Family<Reading> =
  | PlainFamily<Reading>
  | LabelledFamily<Reading>
  | PatternFamily<Reading>
  | FactsFamily<Reading>;

interface CollectorHeader {
  /** Names the file, the `--collector.<name>` flag and the `collector` label. */
  readonly name: string;
  /** What it collects, for `--help` and the documentation. */
  readonly help: string;
  /** Runs only if it is enabled by name: few need what it collects. */
  readonly offByDefault?: true;
  /** The advice for the log if access is denied. */
  readonly remedy?: string;
}

/** A collector that reads every container. */
export interface ContainerCollector<Reading = unknown> extends CollectorHeader {
  readonly scope: 'container';
  /**
   * Reads and parses what it needs from one container. `undefined`: the kernel has nothing to report. A reading must not change
   * afterwards: the next scrape compares its own with it.
   */
  read(container: Container, scrape: Scrape): Reading | undefined;
  /** Why a part of a reading is unknown, if that is a failure. The rest is still exported. */
  problem?(reading: NoInfer<Reading>): Error | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

/** A collector that reads the host, once per scrape. */
export interface HostCollector<Reading = unknown> extends CollectorHeader {
  readonly scope: 'host';
  read(scrape: Scrape): Reading | undefined;
  /** Why a part of a reading is unknown, if that is a failure. The rest is still exported. */
  problem?(reading: NoInfer<Reading>): Error | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

/** Data stored under the labels of containers, whether or not one of them still exists. */
export interface Kept {
  readonly labels: Labels;
}

/**
 * A collector of data that outlives containers and is identified by their labels. Two containers with the same labels share
 * one entry.
 */
export interface KeptCollector<Entry extends Kept = Kept, Reading = unknown> extends CollectorHeader {
  readonly scope: 'kept';
  /** Labels must be unique. */
  entries(scrape: Scrape): readonly Entry[];
  read(entry: Entry): Reading | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

export type Collector = ContainerCollector | HostCollector | KeptCollector;

/** The data that all collectors of one scrape share. */
export interface Scrape {
  readonly kernel: KernelFiles;
  /** The exported containers, in no order. */
  readonly containers: readonly Container[];
  readonly hostNamespaces: HostNamespaces;
  /**
   * The cgroups whose limits hold for a container in the hierarchy of a controller, from its init to the root; `undefined`
   * if that is unknown. See {@link CgroupLevels}. Handles are shared.
   */
  levels(container: Container, controller: Controller): CgroupLevels | undefined;
  /**
   * The owners of the cgroups above the one at `path`, the nearest first. Includes only cgroups that belong to the
   * container at `path` or to its pod alone. All cgroups further up are shared.
   */
  privateParents(path: string): readonly CgroupScope[];
  /** Whether the runtime made the cgroup at `path`, which is directly inside a container's own. */
  isRuntimeCgroup(path: string): boolean;
  /** The containers whose init is in a namespace. */
  members(kind: NamespaceKind, inode: number): readonly Container[];
  /** OOM kills so far; `undefined` if OOM detection is off. */
  readonly oom: OomCounts | undefined;
  /** How often containers were started, by their labels. */
  readonly starts: readonly Starts[];
  /** What engines keep about the lives of containers, by their labels. */
  readonly engineRecords: readonly EngineRecord[];
  /** Findings that somebody has accepted; `undefined` if there is no accept file. */
  readonly acceptances?: AcceptanceSource | undefined;
  /** What got worse about running containers; `undefined` if nothing watches them. */
  readonly drift?: DriftSource | undefined;
  /** What containers have written over their images; `undefined` if nobody measures it. */
  readonly layers?: LayerSource | undefined;
  /** Counts and health from the parts of the daemon that run between scrapes. */
  readonly state: DaemonState;
}

/** Who has accepted what. */
export interface AcceptanceSource {
  /** The acceptances that hold for a container now: the same object while they do not change. */
  of(container: Container): Accepted | undefined;
  /** Notes that a container has a finding that is accepted. */
  used(acceptance: Acceptance): void;
}

/** What got worse about running containers. */
export interface DriftSource {
  /** Compares a container with what is known of it. Returns what got worse so far: the same object while it is the same. */
  observe(container: Container, findings: readonly Assessed[], limits: OwnLimits): readonly Drift[];
}

/** What containers have written over their images. */
export interface LayerSource {
  /** The last measurement: the same object until the next one. Asks for the next one if that is due, and does not wait for it. */
  of(container: Container): WritableLayer | undefined;
}

/** State of the parts of the daemon that run between scrapes. */
export interface DaemonState {
  /** By engine, since the daemon started: how many containers appeared and were removed. */
  readonly lifecycle: ReadonlyMap<string, { readonly started: number; readonly removed: number }>;
  /** The health of each source. Sources that do not apply are absent. */
  readonly sources: ReadonlyMap<string, boolean>;
  /** By source: running containers that an engine lists and for which no cgroup was found. */
  readonly withoutCgroup: ReadonlyMap<string, number>;
  /** By source: containers that have ended and that an engine keeps. */
  readonly ended: ReadonlyMap<string, number>;
  /** By engine: how often an answer reached each limit. */
  readonly limitHits: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By limit: how many cgroups look like containers and are not exported, because there are too many. */
  readonly surplus: ReadonlyMap<string, number>;
}

/** Type-checks a collector's families against its reading. */
export function defineContainerCollector<Reading>(collector: Omit<ContainerCollector<Reading>, 'scope'>): Collector {
  return { scope: 'container', ...collector };
}

/** Type-checks the families of a collector of the host against its reading. */
export function defineHostCollector<Reading>(collector: Omit<HostCollector<Reading>, 'scope'>): Collector {
  return { scope: 'host', ...collector };
}

/** Type-checks the families of a collector of data that outlives containers. */
export function defineKeptCollector<Entry extends Kept, Reading>(
  collector: Omit<KeptCollector<Entry, Reading>, 'scope'>,
): Collector {
  // The scrape only passes these entries back to the collector.
  return { scope: 'kept', ...collector } as unknown as KeptCollector;
}

/** Caches the result of `compute` for the duration of a scrape. */
export function oncePerScrape<T>(compute: (scrape: Scrape) => T): (scrape: Scrape) => T {
  const known = new WeakMap<Scrape, { readonly value: T }>();
  return (scrape) => {
    let found = known.get(scrape);
    if (found === undefined) {
      found = { value: compute(scrape) };
      known.set(scrape, found);
    }
    return found.value;
  };
}
