import { readCpu } from '../collectors/cpu.ts';
import type { Scrape } from '../collectors/collector.ts';
import { assessmentOf, hostNamespacesOf } from '../collectors/findings.ts';
import { driftsOf } from '../collectors/drift.ts';
import { takeUnreadable } from '../collectors/cgroup-value.ts';
import { limitsOfContainer } from '../collectors/effective-limits.ts';
import { cpuLimitersOf, memoryLimitersOf, pidsLimitersOf } from '../collectors/limiter-readings.ts';
import { readMemory, workingSetOf } from '../collectors/memory.ts';
import { type NamespaceSharing, readNamespaces } from '../collectors/namespaces.ts';
import { oomAccountOf } from '../collectors/oom.ts';
import { readPids } from '../collectors/pids.ts';
import type { Drift } from '../drift/drift-watch.ts';
import type { CgroupScope, Container, Labels, Life } from '../container.ts';
import type { Assessment } from '../findings/assess.ts';
import { NAMESPACE_KINDS, type NamespaceKind } from '../kernel/host-namespaces.ts';
import { toError } from '../kernel/errno.ts';

/** The facts about a container for people, from the readings behind its metrics. `undefined` is unknown. */
export interface ContainerReport extends Assessment {
  readonly labels: Labels;
  /** The id that the engine gave the container. */
  readonly id: string;
  /** The path of its cgroup, which is unique. */
  readonly path: string;
  /** The source of its names, as in `isolation_source_up`. */
  readonly namedBy: string | undefined;
  readonly image: string | undefined;
  readonly runtime: string | undefined;
  /** Seconds since the epoch. */
  readonly startTime: number | undefined;
  /** One entry for each kind that the kernel has; `undefined` in a sandbox, whose workload the host cannot see. */
  readonly namespaces: readonly NamespaceReport[] | undefined;
  readonly memory: MemoryReport;
  readonly cpu: CpuReport;
  readonly pids: PidsReport;
  readonly oom: OomReport;
  /** What got worse while it ran. */
  readonly drifts: readonly Drift[];
  /** What its engine says about its life. */
  readonly life: Life;
  /** The first error while reading the container, nearly always a missing privilege. */
  readonly failure: Error | undefined;
}

export type ExitReport = NonNullable<Life['exit']>;

export interface NamespaceReport {
  readonly kind: NamespaceKind;
  /** How many containers outside its pod share it; `host` for a namespace of the host; `undefined` if unknown. */
  readonly peers: NamespaceSharing['peers'] | undefined;
}

/** Bytes. */
export interface MemoryReport extends Limit {
  /** The working set. */
  readonly used: number | undefined;
  readonly limiters: readonly LimiterUse[];
}

export interface CpuReport extends Limit, Throttled {
  readonly limiters: readonly (Limiter & Throttled)[];
}

/** Processes and threads. */
export interface PidsReport extends Limit {
  readonly used: number | undefined;
  readonly limiters: readonly LimiterUse[];
}

interface Limit {
  /** Effective, in bytes, cores or processes; `Infinity` is unlimited. */
  readonly limit: number | undefined;
  /** Whether the container, its pod, task or own unit has a limit. A shared limit does not count. */
  readonly limited: boolean | undefined;
}

/** A cgroup other than the container's own that limits it. */
export interface Limiter {
  readonly scope: CgroupScope;
  readonly path: string;
  readonly limit: number;
}

export interface LimiterUse extends Limiter {
  /** The use by all processes in the cgroup. */
  readonly used: number | undefined;
}

/** The effects of a quota. */
interface Throttled {
  /** Periods with work, those in which the quota ran out, and the seconds of throttling. */
  readonly periods: number | undefined;
  readonly throttledPeriods: number | undefined;
  readonly throttledSeconds: number | undefined;
}

export interface OomReport {
  /** OOM kills as people count them: a group of processes killed together is one. With earlier containers of these labels. */
  readonly events: number | undefined;
  /** Killed processes, as the kernel counts them. */
  readonly kills: number | undefined;
  /** Seconds since the epoch. */
  readonly lastKill: number | undefined;
}

/** Reads everything shown about a container. A value that cannot be read is `undefined`, and the rest is still read. */
export function readContainer(container: Container, scrape: Scrape): ContainerReport {
  let failure = container.posture?.problem;
  // Discards what other readers have found: it does not belong to this container.
  takeUnreadable();
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      failure ??= toError(error);
      return undefined;
    } finally {
      failure ??= takeUnreadable();
    }
  };
  const { cgroup, names, labels, init } = container;
  const limits = attempt(() => limitsOfContainer(container, scrape));
  failure ??= limits?.problem;
  const memory = attempt(() => readMemory(container, scrape));
  const cpu = attempt(() => readCpu(container, scrape));
  const pids = attempt(() => readPids(container, scrape));
  const oom = attempt(() => oomAccountOf(container, scrape));
  const namespaces = attempt(() => readNamespaces(container, scrape));
  const { sandbox, isolationLevel, findings } = assessmentOf(container, scrape);
  return {
    labels,
    id: cgroup.match.id,
    path: cgroup.path,
    namedBy: container.namedBy,
    image: names.image,
    runtime: names.runtime,
    startTime: init?.startTime,
    sandbox,
    isolationLevel,
    findings,
    namespaces: namespacesOf(container, scrape, namespaces ?? []),
    memory: {
      limit: limits?.effective.memory.limit,
      limited: limits?.limited.memory,
      used: memory && workingSetOf(memory),
      limiters: attempt(() => memoryLimiters(container, scrape)) ?? [],
    },
    cpu: {
      limit: limits?.effective.cpu.limit,
      limited: limits?.limited.cpu,
      periods: cpu?.periods,
      throttledPeriods: cpu?.throttledPeriods,
      throttledSeconds: cpu?.throttled,
      limiters: attempt(() => cpuLimiters(container, scrape)) ?? [],
    },
    pids: {
      limit: limits?.effective.pids.limit,
      limited: limits?.limited.pids,
      used: pids?.current,
      limiters: attempt(() => pidsLimiters(container, scrape)) ?? [],
    },
    oom: { events: oom?.events, kills: oom?.kills, lastKill: oom?.lastKill },
    drifts: attempt(() => driftsOf(container, scrape)) ?? [],
    life: container.life ?? {},
    failure: failure ?? oom?.error,
  };
}

function memoryLimiters(container: Container, scrape: Scrape): readonly LimiterUse[] {
  return memoryLimitersOf(container, scrape)
    .filter(({ limit }) => limit < Infinity)
    .map(({ level, limit, workingSet }) => ({ ...placeOf(level), limit, used: workingSet }));
}

function cpuLimiters(container: Container, scrape: Scrape): CpuReport['limiters'] {
  return cpuLimitersOf(container, scrape).map(({ level, limit, periods, throttledPeriods, throttled }) => ({
    ...placeOf(level),
    limit,
    periods,
    throttledPeriods,
    throttledSeconds: throttled,
  }));
}

function pidsLimiters(container: Container, scrape: Scrape): readonly LimiterUse[] {
  return pidsLimitersOf(container, scrape).map(({ level, limit, current }) => ({
    ...placeOf(level),
    limit,
    used: current,
  }));
}

function placeOf({ scope, path }: Pick<Limiter, 'scope' | 'path'>): Pick<Limiter, 'scope' | 'path'> {
  return { scope, path: path === '' ? '/' : path };
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
