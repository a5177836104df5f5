import { type Answer, answer } from '../findings/answer.ts';
import type { Finding } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { controlOf, referenceUrl, STANDARDS } from '../findings/standards/references.ts';
import type { ContainerReport, Limiter, NamespaceReport } from '../report/container-report.ts';
import { printableJson } from '../terminal/printable-json.ts';
import type { Version } from '../version.ts';
import type { Comparison, ScanReport } from './comparison.ts';
import type {
  BaselineJson,
  ComplianceJson,
  ContainerJson,
  LabelsJson,
  NamespaceJson,
  RuleJson,
  ScanJson,
  StandardJson,
} from './scan-json.ts';
import { complianceBy, notCheckedBy, type ScanStandard } from './standard.ts';

/** Renders a report as JSON. Unknown values are absent, except answers, which are `unknown`. */
export function renderJson(
  { at, kernel, cgroup, sources, containers, comparison, standard }: ScanReport,
  { name, version }: Version,
): string {
  const json: ScanJson = {
    name,
    version,
    time: new Date(at).toISOString(),
    kernel,
    cgroup,
    sources: Object.fromEntries(sources),
    baseline: comparison && jsonOfComparison(comparison),
    standard: standard && jsonOfStandard(standard),
    rules: Object.fromEntries(findings.map((finding) => [finding.id, ruleOf(finding)])),
    containers: containers.map((container) => jsonOf(container, standard)),
  };
  return printableJson(json);
}

function jsonOf(report: ContainerReport, standard: ScanStandard | undefined): ContainerJson {
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
    health: report.life.health,
    compliance: standard && complianceJson(standard, report),
    findings: report.findings.map(({ finding: { id, severity }, answer: found, since, accepted }) => ({
      id,
      severity,
      answer: found,
      since,
      accepted,
    })),
    failure: failure?.message,
  };
}

/** The labels that are set. */
function named({ engine, namespace, pod, container }: ContainerReport['labels']): LabelsJson {
  return { engine, ...(namespace !== '' && { namespace }), ...(pod !== '' && { pod }), container };
}

function jsonOfComparison({ file, added, known, fixed, gone }: Comparison): BaselineJson {
  return {
    file,
    new: added,
    known,
    fixed: fixed.map(({ labels, finding }) => ({ ...named(labels), finding })),
    gone: gone.map(named),
  };
}

function jsonOfStandard(standard: ScanStandard): StandardJson {
  const { title, version, url, outside } = standard.standard;
  return {
    id: standard.id,
    title,
    version,
    url,
    outside,
    notChecked: notCheckedBy(standard).map(({ id, control }) => ({
      control: id,
      title: control.title,
      reason: control.note ?? '',
    })),
  };
}

function complianceJson(standard: ScanStandard, report: ContainerReport): ComplianceJson {
  const { violates, controls } = complianceBy(standard, report);
  return {
    violates,
    controls: controls.map(({ id, control: { title, note }, violates: answer, assessed }) => ({
      control: id,
      title,
      violates: answer,
      findings: answer === 'no' ? [] : assessed.map(({ finding }) => finding.id),
      note,
    })),
  };
}

function ruleOf({ title, severity, references }: Finding): RuleJson {
  return {
    title,
    severity,
    references: references.map((reference) => ({
      standard: reference.standard,
      version: STANDARDS[reference.standard].version,
      control: reference.control,
      title: controlOf(reference).title,
      url: referenceUrl(reference),
    })),
  };
}

function timeOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
}

function namespaceOf({ kind, peers }: NamespaceReport): readonly [string, NamespaceJson] {
  if (peers === undefined) return [kind, { host: 'unknown' }];
  if (peers === 'host') return [kind, { host: 'yes' }];
  return [kind, peers === 'not host' ? { host: 'no' } : { host: 'no', otherContainers: peers }];
}

/** Whether the container has a limit, and the effective limit, which may be a shared one. */
function limitOf<Key extends string>(
  { limit, limited }: Pick<ContainerReport['cpu'], 'limit' | 'limited'>,
  key: Key,
): { readonly limited: Answer } & { readonly [Name in Key]?: number } {
  const value = limit !== undefined && limit < Infinity ? { [key]: limit } : {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeScript widens a computed key
  return { limited: answer(limited), ...(value as { readonly [Name in Key]?: number }) };
}

function placeOf({ scope, path }: Limiter): { readonly scope: Limiter['scope']; readonly cgroup: string } {
  return { scope, cgroup: path };
}
