import type { NamespaceKind } from '../kernel/host-namespaces.ts';
import type { Posture } from '../posture/posture.ts';
import type { Answer } from './answer.ts';
import type { Reference } from './standards/references.ts';

/** From a takeover of the host down to mere information. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Something that can be wrong with the isolation of a container. */
export interface Finding {
  /** The value of the `finding` label: lower case, with underscores. */
  readonly id: string;
  readonly severity: Severity;
  /** A few words that name the problem. */
  readonly title: string;
  /** One sentence on why it matters. */
  readonly why: string;
  /** What to change, for each way of starting a container. */
  readonly fix: Fix;
  /** Controls that a container with this finding does not satisfy, and techniques that it makes easier. */
  readonly references: readonly Reference[];
  /** Also applies to a container in a sandbox: it tests the host's side, not the workload. */
  readonly ofSandboxes?: true;
  /** Pure. */
  test(subject: Subject): Answer;
  /**
   * What the answer yes comes from, for people: `SYS_ADMIN`, `/etc on /mnt (rw)`. More of it is worse. Pure. Absent: there is nothing
   * more to say than yes.
   */
  evidence?(posture: Posture): readonly string[];
}

export interface Fix {
  /** The remedy for `docker run` and `podman run`. */
  readonly docker: string;
  /** The remedy for a compose file. */
  readonly compose: string;
  /** The remedy for the manifest of a pod. */
  readonly kubernetes: string;
}

/** The facts about a container that findings and the level are computed from. */
export interface Subject {
  /** `undefined` if it has no visible process. */
  readonly posture: Posture | undefined;
  /** Whether it is in the host's namespace of a kind. Absent if unknown, or if the kernel lacks the kind. */
  readonly hostNamespaces: Readonly<Partial<Record<NamespaceKind, boolean>>>;
  /** Whether the container has limits. */
  readonly limited: Readonly<Record<'memory' | 'cpu' | 'pids', boolean | undefined>>;
  /** The path of its cgroup, and its engine. */
  readonly cgroup: { readonly path: string; readonly engine: string };
}

/** A subject with a posture. Most tests need one. */
export type Known = Subject & { readonly posture: Posture };

/** Makes a test that answers `unknown` without a posture. */
export function withPosture(test: (posture: Posture, subject: Known) => Answer): Finding['test'] {
  return (subject) => {
    const { posture } = subject;
    return posture === undefined ? 'unknown' : test(posture, { ...subject, posture });
  };
}
