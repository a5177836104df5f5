import { readCpu } from '../collectors/cpu.ts';
import type { Scrape } from '../collectors/collector.ts';
import { assessmentOf, hostNamespacesOf } from '../collectors/findings.ts';
import { limitsOfContainer } from '../collectors/effective-limits.ts';
import { readMemory, workingSetOf } from '../collectors/memory.ts';
import { type NamespaceSharing, readNamespaces } from '../collectors/namespaces.ts';
import { oomAccountOf } from '../collectors/oom.ts';
import { readPids } from '../collectors/pids.ts';
import type { Container, Labels } from '../container.ts';
import type { Assessment } from '../findings/assess.ts';
import { NAMESPACE_KINDS, type NamespaceKind } from '../kernel/host-namespaces.ts';

/** What people see of a container, from the readings behind its metrics. `undefined` is unknown. */
export interface ContainerReport extends Assessment {
  readonly labels: Labels;
  /** The engine's id. */
  readonly id: string;
  /** The path of its cgroup, which is unique. */
  readonly path: string;
  readonly image: string | undefined;
  readonly runtime: string | undefined;
  /** Seconds since the epoch. */
  readonly startTime: number | undefined;
  /** One for each kind that the kernel has; `undefined` in a sandbox, whose workload the host cannot see. */
  readonly namespaces: readonly NamespaceReport[] | undefined;
  readonly memory: MemoryReport;
  readonly cpu: CpuReport;
  readonly pids: PidsReport;
  readonly oom: OomReport;
  /** The first error while reading it, nearly always a missing privilege. */
  readonly failure: Error | undefined;
}

export interface NamespaceReport {
  readonly kind: NamespaceKind;
  /** How many containers outside its pod share it; `host` for a namespace of the host; `undefined` if unknown. */
  readonly peers: NamespaceSharing['peers'] | undefined;
}

/** Bytes. */
export interface MemoryReport {
  /** Effective; `Infinity` is unlimited. */
  readonly limit: number | undefined;
  /** The working set. */
  readonly used: number | undefined;
}

export interface CpuReport {
  /** Effective, in cores; `Infinity` is unlimited. */
  readonly limit: number | undefined;
  /** Periods in which the container had work, those in which its quota ran out, and the seconds it was throttled. */
  readonly periods: number | undefined;
  readonly throttledPeriods: number | undefined;
  readonly throttledSeconds: number | undefined;
}

/** Processes and threads. */
export interface PidsReport {
  /** Effective; `Infinity` is unlimited. */
  readonly limit: number | undefined;
  readonly used: number | undefined;
}

export interface OomReport {
  /** Killed processes, including those of earlier containers with the same labels. */
  readonly kills: number | undefined;
  /** Seconds since the epoch. */
  readonly lastKill: number | undefined;
}

/** Reads everything shown about a container. A value that cannot be read is `undefined`, and the rest is still read. */
export function readContainer(container: Container, scrape: Scrape): ContainerReport {
  let failure = container.posture?.denied;
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
      return undefined;
    }
  };
  const { cgroup, names, labels, init } = container;
  const limits = attempt(() => limitsOfContainer(container, scrape).effective);
  const memory = attempt(() => readMemory(container, scrape));
  const cpu = attempt(() => readCpu(container, scrape));
  const pids = attempt(() => readPids(container, scrape));
  const oom = attempt(() => oomAccountOf(container, scrape));
  const namespaces = attempt(() => readNamespaces(container, scrape));
  const assessment = attempt(() => assessmentOf(container, scrape));
  return {
    labels,
    id: cgroup.match.id,
    path: cgroup.path,
    image: names.image,
    runtime: names.runtime,
    startTime: init?.startTime,
    sandbox: assessment?.sandbox,
    isolationLevel: assessment?.isolationLevel,
    findings: assessment?.findings ?? [],
    namespaces: namespacesOf(container, scrape, namespaces ?? []),
    memory: { limit: limits?.memory.limit, used: memory && workingSetOf(memory) },
    cpu: {
      limit: limits?.cpu.limit,
      periods: cpu?.periods,
      throttledPeriods: cpu?.throttledPeriods,
      throttledSeconds: cpu?.throttled,
    },
    pids: { limit: limits?.pids.limit, used: pids?.current },
    oom: { kills: oom?.kills, lastKill: oom?.lastKill },
    failure: failure ?? oom?.error,
  };
}

/** The kernel has a kind if it is known for the container or for the host. */
function namespacesOf(
  container: Container,
  scrape: Scrape,
  sharings: readonly NamespaceSharing[],
): readonly NamespaceReport[] | undefined {
  const sandbox = container.posture?.sandbox;
  if (sandbox !== undefined && sandbox.kernel !== 'shared') return undefined;
  // Some kinds are known without the privilege that reading namespaces requires.
  const isHost = hostNamespacesOf(container, scrape);
  return NAMESPACE_KINDS.flatMap((kind): NamespaceReport[] => {
    const exists = container.init?.namespaces[kind] !== undefined || scrape.hostNamespaces.has(kind);
    if (!exists) return [];
    const found = sharings.find((sharing) => sharing.kind === kind);
    return [{ kind, peers: found?.peers ?? (isHost[kind] === true ? 'host' : undefined) }];
  });
}
