import type { Scrape } from '../collectors/collector.ts';
import type { EngineRecord, Labels } from '../container.ts';
import { pace } from '../pace.ts';
import { type ContainerReport, readContainer } from './container-report.ts';

/** The facts about a host at one moment, for people. */
export interface HostReport {
  /** Ms since the epoch. */
  readonly at: number;
  /** The kernel's release. */
  readonly kernel: string | undefined;
  readonly cgroup: 'v1' | 'v2' | 'hybrid';
  /** Sources and their health, as in `isolation_source_up`. */
  readonly sources: ReadonlyMap<string, boolean>;
  /** How many cgroups look like containers and are not listed, because there are too many. */
  readonly overLimit: number;
  /** Sorted by engine and name. */
  readonly containers: readonly ContainerReport[];
  /** Containers that do not run and that their engines keep, the last one first. */
  readonly ended: readonly EndedReport[];
}

/** A container that does not run, and how it ended. */
export type EndedReport = EngineRecord;

/** Reads a report from the data of a scrape. Yields to the event loop. */
export async function readHost(scrape: Scrape): Promise<HostReport> {
  const at = Date.now();
  const containers: ContainerReport[] = [];
  for (const container of scrape.containers) {
    containers.push(readContainer(container, scrape));
    if (pace.isDue()) await pace.rest();
  }
  return {
    at,
    kernel: releaseOf(scrape),
    cgroup: scrape.kernel.layout.version,
    sources: scrape.state.sources,
    overLimit: [...scrape.state.surplus.values()].reduce((sum, count) => sum + count, 0),
    containers: containers.toSorted(byName),
    ended: scrape.engineRecords.filter(({ hasEnded }) => hasEnded).toSorted(lastFirst),
  };
}

/**
 * The kernel's release; `undefined` if it cannot be read. The metrics show any failure, so the page only omits the
 * value.
 */
function releaseOf({ kernel }: Scrape): string | undefined {
  try {
    return kernel.proc('sys/kernel/osrelease')?.trim();
  } catch {
    return undefined;
  }
}

function byName({ labels: a, id: idOfA }: ContainerReport, { labels: b, id: idOfB }: ContainerReport): number {
  return compareLabels(a, b) || compare(idOfA, idOfB);
}

function lastFirst(a: EngineRecord, b: EngineRecord): number {
  return (b.exit?.at ?? 0) - (a.exit?.at ?? 0) || compareLabels(a.labels, b.labels);
}

function compareLabels(a: Labels, b: Labels): number {
  return (
    compare(a.engine, b.engine) ||
    compare(a.namespace, b.namespace) ||
    compare(a.pod, b.pod) ||
    compare(a.container, b.container)
  );
}

/** Compares by code units, independent of the locale. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
