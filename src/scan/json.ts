import type { ContainerReport, Limiter, NamespaceReport } from '../report/container-report.ts';
import { printableJson } from '../terminal/printable-json.ts';
import type { Version } from '../version.ts';
import type { Comparison, ScanReport } from './comparison.ts';

/** Renders a report as JSON. Unknown values are absent, except answers, which are `unknown`. */
export function renderJson(
  { at, kernel, cgroup, sources, containers, comparison }: ScanReport,
  { name, version }: Version,
): string {
  const json = {
    name,
    version,
    time: new Date(at).toISOString(),
    kernel,
    cgroup,
    sources: Object.fromEntries(sources),
    baseline: comparison && jsonOfComparison(comparison),
    containers: containers.map(jsonOf),
  };
  return printableJson(json);
}

function jsonOf(report: ContainerReport): object {
  const { labels, memory, cpu, pids, isolationLevel, failure } = report;
  return {
    ...named(labels),
    id: report.id,
    namedBy: report.namedBy,
    image: report.image,
    runtime: report.runtime,
    sandbox: report.sandbox,
    started: timeOf(report.startTime),
    level: isolationLevel && {
      number: isolationLevel.level,
      name: isolationLevel.levelName,
      certain: isolationLevel.certain,
    },
    namespaces: report.namespaces && Object.fromEntries(report.namespaces.map(namespaceOf)),
    memory: {
      ...limitOf(memory, 'limitBytes'),
      workingSetBytes: memory.used,
      otherLimits: memory.limiters.map((limiter) => ({
        ...placeOf(limiter),
        limitBytes: limiter.limit,
        workingSetBytes: limiter.used,
      })),
    },
    cpu: {
      ...limitOf(cpu, 'limitCores'),
      periods: cpu.periods,
      throttledPeriods: cpu.throttledPeriods,
      throttledSeconds: cpu.throttledSeconds,
      otherLimits: cpu.limiters.map((limiter) => ({
        ...placeOf(limiter),
        limitCores: limiter.limit,
        periods: limiter.periods,
        throttledPeriods: limiter.throttledPeriods,
        throttledSeconds: limiter.throttledSeconds,
      })),
    },
    pids: {
      ...limitOf(pids, 'limit'),
      current: pids.used,
      otherLimits: pids.limiters.map((limiter) => ({
        ...placeOf(limiter),
        limit: limiter.limit,
        current: limiter.used,
      })),
    },
    oom: { events: report.oom.events, kills: report.oom.kills, lastKill: timeOf(report.oom.lastKill) },
    findings: report.findings.map(({ finding: { id, severity }, answer, since }) => ({ id, severity, answer, since })),
    failure: failure?.message,
  };
}

/** The labels that are set. */
function named(labels: ContainerReport['labels']): object {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function jsonOfComparison({ file, added, known, fixed, gone }: Comparison): object {
  return {
    file,
    new: added,
    known,
    fixed: fixed.map(({ labels, finding }) => ({ ...named(labels), finding })),
    gone: gone.map(named),
  };
}

function timeOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
}

function namespaceOf({ kind, peers }: NamespaceReport): readonly [string, object] {
  if (peers === undefined) return [kind, { host: 'unknown' }];
  return [kind, peers === 'host' ? { host: 'yes' } : { host: 'no', otherContainers: peers }];
}

/** Whether the container has a limit, and the effective limit, which may be a shared one. */
function limitOf({ limit, limited }: Pick<ContainerReport['cpu'], 'limit' | 'limited'>, key: string): object {
  return {
    limited: limited === undefined ? 'unknown' : limited ? 'yes' : 'no',
    ...(limit !== undefined && limit < Infinity && { [key]: limit }),
  };
}

function placeOf({ scope, path }: Limiter): object {
  return { scope, cgroup: path };
}
