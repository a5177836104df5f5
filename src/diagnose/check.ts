import type { CheckContext } from './check-context.ts';

/** A way to run the exporter. Remedies differ between them. */
export type Deployment = 'shell' | 'systemd' | 'docker' | 'kubernetes';

/** The remedy for each deployment: a command, or a setting as it must be written. */
export type Remedies = Readonly<Record<Deployment, string>>;

/** The result of a check. */
export interface CheckResult {
  /**
   * `ok`: the exporter can read everything that the check covers; `note`: the same, with something worth knowing; `failed`: it
   * cannot read something; `unknown`: the check could not find out.
   */
  readonly status: 'ok' | 'note' | 'failed' | 'unknown';
  /** What the check found. */
  readonly message: string;
  /** What the exporter cannot export because of the problem. */
  readonly missing?: string;
  /** Absent if another check covers the cause and has the remedies. */
  readonly remedies?: Remedies;
}

/** One check. */
export interface Check<Facts = unknown> {
  /** What it checks, in a word or two. */
  readonly name: string;
  /** Collects facts and does not interpret them. Facts are plain data, because the JSON output contains them. */
  read(subject: CheckContext): Facts | Promise<Facts>;
  /** Pure. */
  judge(facts: Facts): CheckResult;
}

/** Type-checks that `judge` accepts what `read` returns. */
export function defineCheck<Facts>(check: Check<Facts>): Check<Facts> {
  return check;
}

/** One remedy for all deployments: a setting of the kernel or of the host. */
export function onTheHost(remedy: string): Remedies {
  return { shell: remedy, systemd: remedy, docker: `on the host: ${remedy}`, kubernetes: `on the node: ${remedy}` };
}

/** How to give the exporter a capability. */
export function toHaveCapability(name: string, who: { readonly uid: number }): Remedies {
  const asRoot = who.uid !== 0;
  return {
    shell: 'run it as root, such as with sudo',
    systemd: `AmbientCapabilities=CAP_${name}, and CAP_${name} in CapabilityBoundingSet= where that is set`,
    // Docker and Kubernetes make added capabilities effective for root only.
    docker: `${asRoot ? '--user 0:0 ' : ''}--cap-add ${name}`,
    kubernetes: `securityContext: { ${asRoot ? 'runAsUser: 0, ' : ''}capabilities: { add: [${name}] } }`,
  };
}
