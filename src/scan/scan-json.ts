import type { Limiter } from '../report/container-report.ts';
import type { Answer } from '../findings/answer.ts';
import type { CheckedStandard } from '../findings/compliance.ts';
import type { Severity } from '../findings/finding.ts';
import type { StandardId } from '../findings/standards/references.ts';

/**
 * The output of `--output=json`, described by `docs/scan.schema.json`. A key that is `undefined` here is absent there. Unknown
 * values are absent, except answers, which are `unknown`.
 */
export interface ScanJson {
  readonly name: string;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly kernel: string | undefined;
  readonly cgroup: 'v1' | 'v2' | 'hybrid';
  /** Sources and their health, as in `isolation_source_up`. */
  readonly sources: Readonly<Record<string, boolean>>;
  readonly baseline: BaselineJson | undefined;
  readonly standard: StandardJson | undefined;
  /** The findings that the scan knows, by id. */
  readonly rules: Readonly<Record<string, RuleJson>>;
  readonly containers: readonly ContainerJson[];
}

export interface LabelsJson {
  readonly engine: string;
  readonly namespace?: string;
  readonly pod?: string;
  readonly container: string;
}

export interface BaselineJson {
  readonly file: string;
  /** Numbers of findings. */
  readonly new: number;
  readonly known: number;
  readonly fixed: readonly (LabelsJson & { readonly finding: string })[];
  readonly gone: readonly LabelsJson[];
}

export interface StandardJson {
  readonly id: CheckedStandard;
  readonly title: string;
  readonly version: string;
  readonly url: string;
  readonly outside: string | undefined;
  readonly notChecked: readonly { readonly control: string; readonly title: string; readonly reason: string }[];
}

export interface RuleJson {
  readonly title: string;
  readonly severity: Severity;
  readonly references: readonly ReferenceJson[];
}

export interface ReferenceJson {
  readonly standard: StandardId;
  readonly version: string;
  readonly control: string;
  readonly title: string;
  readonly url: string;
}

export interface ContainerJson extends LabelsJson {
  readonly id: string;
  readonly namedBy: string | undefined;
  readonly image: string | undefined;
  readonly runtime: string | undefined;
  readonly sandbox: string | undefined;
  readonly started: string | undefined;
  readonly level: LevelJson | undefined;
  readonly namespaces: Readonly<Record<string, NamespaceJson>> | undefined;
  readonly memory: MemoryJson;
  readonly cpu: CpuJson;
  readonly pids: PidsJson;
  readonly oom: OomJson;
  /** What the health check found; absent without one, or without an engine that says it. */
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined;
  readonly compliance: ComplianceJson | undefined;
  readonly findings: readonly FindingJson[];
  /** Why some facts could not be read. */
  readonly failure: string | undefined;
}

export interface LevelJson {
  readonly number: number;
  readonly name: string;
  readonly certain: boolean;
}

export interface NamespaceJson {
  readonly host: Answer;
  /** At least as many share it. Absent if it is the host's, and if unknown. */
  readonly otherContainers?: number;
}

/** A cgroup other than the container's own that limits it. */
interface LimiterJson {
  readonly scope: Limiter['scope'];
  readonly cgroup: string;
}

interface ThrottledJson {
  readonly periods: number | undefined;
  readonly throttledPeriods: number | undefined;
  readonly throttledSeconds: number | undefined;
}

export interface MemoryJson {
  readonly limited: Answer;
  readonly limitBytes?: number;
  readonly workingSetBytes: number | undefined;
  readonly otherLimits: readonly (LimiterJson & {
    readonly limitBytes: number;
    readonly workingSetBytes: number | undefined;
  })[];
}

export interface CpuJson extends ThrottledJson {
  readonly limited: Answer;
  readonly limitCores?: number;
  readonly otherLimits: readonly (LimiterJson & ThrottledJson & { readonly limitCores: number })[];
}

export interface PidsJson {
  readonly limited: Answer;
  readonly limit?: number;
  readonly current: number | undefined;
  readonly otherLimits: readonly (LimiterJson & { readonly limit: number; readonly current: number | undefined })[];
}

export interface OomJson {
  readonly events: number | undefined;
  readonly kills: number | undefined;
  readonly lastKill: string | undefined;
}

export interface FindingJson {
  readonly id: string;
  readonly severity: Severity;
  readonly answer: Answer;
  /** With a baseline. */
  readonly since: 'new' | 'known' | undefined;
  /** Somebody has decided to live with it. */
  readonly accepted: AcceptanceJson | undefined;
}

export interface AcceptanceJson {
  readonly reason: string;
  readonly owner: string | undefined;
  /** The last day on which it holds, in UTC: `2027-06-30`. */
  readonly expires: string | undefined;
}

export interface ComplianceJson {
  readonly violates: Answer;
  readonly controls: readonly {
    readonly control: string;
    readonly title: string;
    readonly violates: Answer;
    /** Those behind the answer, if it is yes or unknown. */
    readonly findings: readonly string[];
    readonly note: string | undefined;
  }[];
}
