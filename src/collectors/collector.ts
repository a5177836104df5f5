import type { Container, NamespaceKind } from '../container.ts';
import type { CgroupFiles, KernelFiles } from '../kernel/files.ts';
import type { HostNamespaces } from '../kernel/host-namespaces.ts';

/** Takes one sample of a family: its value and the values of the family's own labels, in their order. */
export type Emit = (value: number, ...labelValues: string[]) => void;

/** One metric family: its header, and how its samples come out of a collector's reading. */
export interface Family<Reading> {
  readonly name: string;
  /** `info`: a gauge that is always 1 and carries its facts as labels. */
  readonly type: 'counter' | 'gauge' | 'info';
  /** One sentence that names the kernel file and says what absence means. */
  readonly help: string;
  /** Labels besides those that say whose sample it is. */
  readonly labels?: readonly string[];
  /** `pod`: the sample belongs to the whole pod where there is one, and carries no `container` label then. */
  readonly of?: 'pod';
  /** Pure. Emits nothing where the kernel did not report the field. */
  samples(reading: Reading, emit: Emit): void;
}

/** Reads something of every container. */
export interface ContainerCollector<Reading = unknown> {
  readonly scope: 'container';
  /** Names the file, the `--collector.<name>` flag and the `collector` label. */
  readonly name: string;
  /** What it tells, for `--help` and the documentation. */
  readonly help: string;
  /** Reads and parses what it needs of one container. `undefined`: the kernel has nothing to report. */
  read(container: Container, scrape: Scrape): Reading | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

/** Reads something of the host, once per scrape. */
export interface HostCollector<Reading = unknown> {
  readonly scope: 'host';
  readonly name: string;
  readonly help: string;
  read(scrape: Scrape): Reading | undefined;
  readonly families: readonly Family<NoInfer<Reading>>[];
}

export type Collector = ContainerCollector | HostCollector;

/** What all collectors of one scrape share. */
export interface Scrape {
  readonly kernel: KernelFiles;
  readonly containers: readonly Container[];
  readonly hostNamespaces: HostNamespaces;
  /** The cgroup above a container's, the one above that, … up to but without the root. Handles are shared. */
  ancestors(container: Container): readonly CgroupFiles[];
  /** The containers whose init is in a namespace. */
  members(kind: NamespaceKind, inode: number): readonly Container[];
  /** Counts and health kept by the parts of the daemon that run between scrapes. */
  readonly state: DaemonState;
}

/** What runs between scrapes and is told about in them. */
export interface DaemonState {
  /** Per engine, since the start of the daemon: containers that appeared and that were removed. */
  readonly lifecycle: ReadonlyMap<string, { readonly started: number; readonly removed: number }>;
  /** Whether each thing that the daemon relies on works. What does not apply here is not in it. */
  readonly sources: ReadonlyMap<string, boolean>;
}

/** Checks a collector's families against its own reading, then forgets the reading's type. */
export function defineContainerCollector<Reading>(collector: Omit<ContainerCollector<Reading>, 'scope'>): Collector {
  return { scope: 'container', ...collector } as ContainerCollector<Reading> as Collector;
}

/** The same for a collector of the host. */
export function defineHostCollector<Reading>(collector: Omit<HostCollector<Reading>, 'scope'>): Collector {
  return { scope: 'host', ...collector } as HostCollector<Reading> as Collector;
}

/** A gauge with one sample, from a value that is absent where the kernel did not report it. */
export function gauge<Reading>(
  name: string,
  help: string,
  value: (reading: Reading) => number | undefined,
): Family<Reading> {
  return { name, type: 'gauge', help, samples: single(value) };
}

/** A counter with one sample. The name ends in `_total`. */
export function counter<Reading>(
  name: string,
  help: string,
  value: (reading: Reading) => number | undefined,
): Family<Reading> {
  return { name, type: 'counter', help, samples: single(value) };
}

function single<Reading>(value: (reading: Reading) => number | undefined): Family<Reading>['samples'] {
  return (reading, emit) => {
    const found = value(reading);
    if (found !== undefined) emit(found);
  };
}
