import type { NamespaceKind } from '../kernel/host-namespaces.ts';
import type { Posture } from '../posture/posture.ts';
import type { Answer } from './answer.ts';

/** From what gives the host away down to what is only worth knowing. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Something that can be wrong with the isolation of a container. */
export interface Finding {
  /** The value of the `finding` label: lower case, with underscores. */
  readonly id: string;
  readonly severity: Severity;
  /** A few words that say what is so. */
  readonly title: string;
  /** One sentence that says what it is bad for. */
  readonly why: string;
  /** What to change, for each way to start a container. */
  readonly fix: Fix;
  /** Controls of the CIS Docker Benchmark and of the Pod Security Standards. */
  readonly references: readonly string[];
  /** Holds also of a container that a sandbox runs: what it tests is of the host and not of the workload. */
  readonly ofSandboxes?: true;
  /** Pure. */
  test(subject: Subject): Answer;
}

export interface Fix {
  /** For `docker run` and `podman run`. */
  readonly docker: string;
  /** For a compose file. */
  readonly compose: string;
  /** For the manifest of a pod. */
  readonly kubernetes: string;
}

/** What is known of the container that findings and the level are about. */
export interface Subject {
  /** `undefined`: it has no process, or none that can be seen. */
  readonly posture: Posture | undefined;
  /** Whether it is in the host's namespace of a kind. Absent: it could not be told, or the kernel has no such kind. */
  readonly hostNamespaces: Readonly<Partial<Record<NamespaceKind, boolean>>>;
  /** Whether anything limits it. */
  readonly limited: Readonly<Record<'memory' | 'cpu' | 'pids', boolean | undefined>>;
  /** Its own cgroup's path, and whose it is. */
  readonly cgroup: { readonly path: string; readonly engine: string };
}

/** A subject with a posture, which most tests need. */
export type Known = Subject & { readonly posture: Posture };

/** Makes a test that needs a posture: `unknown` without one. */
export function withPosture(test: (posture: Posture, subject: Known) => Answer): Finding['test'] {
  return (subject) => {
    const { posture } = subject;
    return posture === undefined ? 'unknown' : test(posture, { ...subject, posture });
  };
}
