import type { SandboxKind } from '../posture/sandbox.ts';
import type { Acceptance } from './acceptance.ts';
import type { Answer } from './answer.ts';
import type { Finding, Subject } from './finding.ts';
import { findings } from './index.ts';
import { type LevelResult, levelOf } from './level.ts';

/** The assessment of a container's isolation. */
export interface Assessment {
  /** `undefined` if unknown. */
  readonly sandbox: SandboxKind | undefined;
  /** `undefined` if nothing is known about its processes. */
  readonly isolationLevel: LevelResult | undefined;
  /** All findings, in order, each with its answer. */
  readonly findings: readonly Assessed[];
}

export interface Assessed {
  readonly finding: Finding;
  readonly answer: Answer;
  /** Absent unless somebody has decided to live with it. Only for the answers yes and unknown. */
  readonly accepted?: Acceptance;
  /** Whether it is in the baseline of a scan; absent without one. Only for yes and unknown, unless it is accepted. */
  readonly since?: 'new' | 'known';
}

/**
 * Assesses a container from the known facts. Pure. Metrics, `scan` and the page all use it, so they agree.
 */
export function assess(subject: Subject): Assessment {
  const { posture } = subject;
  // The host sees the sandbox, not the workload. A container that may be a sandbox gets no answer either.
  const isShared = posture === undefined || posture.sandbox?.kernel === 'shared';
  return {
    sandbox: posture?.sandbox?.kind,
    isolationLevel: levelOf(subject),
    findings: findings.map((finding) => ({
      finding,
      answer: isShared || finding.ofSandboxes === true ? finding.test(subject) : 'unknown',
    })),
  };
}
