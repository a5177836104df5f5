import type { Subject } from './subject.ts';

/** A way to run the exporter; what helps differs by it. */
export type Place = 'shell' | 'systemd' | 'docker' | 'kubernetes';

/** What helps, for each way to run the exporter: what to type, or a setting as it is to be written. */
export type Remedies = Readonly<Record<Place, string>>;

/** What a check came to. */
export interface Verdict {
  /**
   * `ok`: all that it is about can be seen; `note`: worth knowing, but nothing is kept from the exporter; `lost`: something
   * is; `unknown`: that could not be found out.
   */
  readonly status: 'ok' | 'note' | 'lost' | 'unknown';
  /** What is so. */
  readonly says: string;
  /** What the exporter cannot tell because of it. */
  readonly loses?: string;
  /** Absent where another check has them, being about the cause. */
  readonly remedies?: Remedies;
}

/** One thing to look at. */
export interface Check<Facts = unknown> {
  /** What it is about, in a word or two. */
  readonly name: string;
  /** Looks, and understands nothing. The facts are plain data, as they are a part of the JSON output. */
  read(subject: Subject): Facts | Promise<Facts>;
  /** Pure. */
  judge(facts: Facts): Verdict;
}

/** Checks what `read` gives against what `judge` takes; where the facts are judged without their type, forgets it. */
export function defineCheck<Facts>(check: Check<Facts>): Check<Facts> {
  return check;
}

/** One remedy whatever runs the exporter: the kernel's and the host's own settings. */
export function onTheHost(remedy: string): Remedies {
  return { shell: remedy, systemd: remedy, docker: `on the host: ${remedy}`, kubernetes: `on the node: ${remedy}` };
}

/** What lets a process look at others. */
export function toHaveCapability(name: string, who: { readonly uid: number }): Remedies {
  const asRoot = who.uid !== 0;
  return {
    shell: 'run it as root, such as with sudo',
    systemd: `AmbientCapabilities=CAP_${name}, and CAP_${name} in CapabilityBoundingSet= where that is set`,
    // Docker and Kubernetes give added capabilities to root only.
    docker: `${asRoot ? '--user 0:0 ' : ''}--cap-add ${name}`,
    kubernetes: `securityContext: { ${asRoot ? 'runAsUser: 0, ' : ''}capabilities: { add: [${name}] } }`,
  };
}
