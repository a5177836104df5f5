import { type Acceptance, withAccepted } from '../src/findings/acceptance.ts';
import type { Answer } from '../src/findings/answer.ts';
import { findings } from '../src/findings/index.ts';
import type { ContainerReport, NamespaceReport } from '../src/report/container-report.ts';
import type { HostReport } from '../src/report/host-report.ts';

/** Answers by finding id; all others are `no`. */
export type Answers = Readonly<Record<string, Answer>>;

const NAMESPACES = (['pid', 'net', 'mnt', 'uts', 'ipc', 'user', 'cgroup'] as const).map((kind): NamespaceReport => ({
  kind,
  peers: kind === 'user' ? 'host' : 0,
}));

/** The use of memory or PIDs, with or without a limit of the container's own. */
export function use(limit: number | undefined, used: number | undefined): ContainerReport['memory'] {
  return { limit, limited: isFinite(limit), used, limiters: [] };
}

/** A quota of the container's own, if any, and its effects. */
export function quota(
  limit: number | undefined,
  ...[periods, throttledPeriods, throttledSeconds]: readonly (number | undefined)[]
): ContainerReport['cpu'] {
  return { limit, limited: isFinite(limit), periods, throttledPeriods, throttledSeconds, limiters: [] };
}

function isFinite(limit: number | undefined): boolean | undefined {
  return limit === undefined ? undefined : limit < Infinity;
}

/** A container whose only problems are those of the test. */
export function containerReport(
  name: string,
  changes: Partial<ContainerReport> = {},
  answers: Answers = {},
): ContainerReport {
  const unknown = Object.keys(answers).find((id) => !findings.some((finding) => finding.id === id));
  if (unknown !== undefined) throw new Error(`There is no finding ${unknown}`);
  return {
    labels: { engine: 'docker', namespace: '', pod: '', container: name },
    id: '0123456789abcdef'.repeat(4),
    path: `/docker/${name}`,
    namedBy: 'docker',
    image: 'lab:1',
    runtime: 'runc',
    startTime: 1_700_000_000,
    sandbox: 'oci',
    isolationLevel: { level: 2, levelName: 'standard', certain: true },
    findings: findings.map((finding) => ({ finding, answer: answers[finding.id] ?? 'no' })),
    namespaces: NAMESPACES,
    memory: use(64 * 1024 ** 2, 16 * 1024 ** 2),
    cpu: quota(0.5, 200, 50, 2.5),
    pids: use(100, 3),
    oom: { events: 2, kills: 2, lastKill: Date.UTC(2026, 0, 2, 3, 0, 5) / 1000 },
    drifts: [],
    life: {},
    failure: undefined,
    ...changes,
  };
}

/** An acceptance with an owner and an end. */
export const ACCEPTANCE: Acceptance = { reason: 'It reads /proc.', owner: 'platform', expires: '2027-06-30' };

/** The container, with these findings accepted. */
export function accepting(report: ContainerReport, accepted: Readonly<Record<string, Acceptance>>): ContainerReport {
  return { ...report, findings: withAccepted(report.findings, new Map(Object.entries(accepted))) };
}

/** A container about which only the cgroup is known. */
export function unknownContainer(name: string): ContainerReport {
  const report = containerReport(name);
  return {
    ...report,
    image: undefined,
    runtime: undefined,
    startTime: undefined,
    sandbox: undefined,
    isolationLevel: undefined,
    findings: findings.map((finding) => ({ finding, answer: 'unknown' })),
    namespaces: NAMESPACES.map(({ kind }) => ({ kind, peers: undefined })),
    memory: use(undefined, undefined),
    cpu: quota(undefined, undefined, undefined, undefined),
    pids: use(undefined, undefined),
    oom: { events: undefined, kills: undefined, lastKill: undefined },
    failure: new Error("EACCES: permission denied, readlink '/proc/7/ns/net'"),
  };
}

/** A host with these containers. */
export function hostReport(...containers: readonly ContainerReport[]): HostReport {
  return {
    at: Date.UTC(2026, 0, 2, 3, 4, 5),
    kernel: '6.1.0',
    cgroup: 'v2',
    sources: new Map([
      ['cgroup_watch', true],
      ['host_namespaces', true],
    ]),
    overLimit: 0,
    ended: [],
    containers,
  };
}
