import type { SandboxKind } from '../posture/sandbox.ts';
import type { Answer } from './answer.ts';
import type { Finding, Subject } from './finding.ts';
import { findings } from './index.ts';
import { type LevelResult, standingOf } from './level.ts';

/** What is to be said of a container's isolation. */
export interface Assessment {
  /** `undefined`: not to be told. */
  readonly sandbox: SandboxKind | undefined;
  /** `undefined`: nothing is known of its processes. */
  readonly standing: LevelResult | undefined;
  /** All findings, in their order, each with its answer. */
  readonly findings: readonly Assessed[];
}

export interface Assessed {
  readonly finding: Finding;
  readonly answer: Answer;
}

/**
 * Judges a container by what is known of it. Pure: metrics, `scan` and the page say the same because all of them ask
 * here.
 */
export function assess(subject: Subject): Assessment {
  const { posture } = subject;
  // What the host sees of a sandbox is not the workload; and what may be one is judged neither way.
  const isShared = posture === undefined || posture.sandbox?.kernel === 'shared';
  return {
    sandbox: posture?.sandbox?.kind,
    standing: standingOf(subject),
    findings: findings.map((finding) => ({
      finding,
      answer: isShared || finding.ofSandboxes === true ? finding.test(subject) : 'unknown',
    })),
  };
}
