import type { Exporter, Samples } from '../lab/exporter.ts';
import type { Machine } from '../lab/machine.ts';
import { within } from './docker-containers.ts';

/** The expected result for one container. */
export interface Expected {
  readonly level: number;
  /** Findings of severity medium and above, sorted. Findings about limits are left out, because no suite sets limits here. */
  readonly findings: readonly string[];
  readonly sandbox?: string;
}

/** The findings of a privileged container on a host with AppArmor, whoever runs it. */
export const PRIVILEGED: readonly string[] = [
  'added_capability',
  'all_capabilities',
  'apparmor_unconfined',
  'cgroup_writable',
  'privileged',
  'proc_unmasked',
  'seccomp_disabled',
  'sys_writable',
  'takeover_capability',
];

const OF_LIMITS = new Set(['memory_unlimited', 'pids_unlimited']);

/** The actual results by container name. `certain` is omitted if it is 1. */
export function verdictOn(samples: Samples, container: string, engine = 'docker'): Expected & { readonly certain?: 0 } {
  const whose = { engine, container };
  const findings = samples.all.filter(
    ({ name, labels, value }) =>
      name === 'isolation_container_finding' &&
      labels['engine'] === engine &&
      labels['container'] === container &&
      value === 1 &&
      /critical|high|medium/.test(labels['severity'] ?? '') &&
      !OF_LIMITS.has(labels['finding'] ?? ''),
  );
  const sandbox = samples.labels('isolation_container_info', whose)?.get('sandbox');
  return {
    level: samples.value('isolation_container_isolation_level', whose) ?? NaN,
    ...(samples.value('isolation_container_isolation_level_certain', whose) === 1 ? {} : { certain: 0 }),
    findings: findings.map(({ labels }) => labels['finding'] ?? '').toSorted(),
    ...(sandbox === undefined ? {} : { sandbox }),
  };
}

/** Waits until the exporter has a level for all of these containers. */
export async function untilJudged(machine: Machine, exporter: Exporter, containers: readonly string[]): Promise<void> {
  let missing = containers;
  try {
    await within(machine, 'levels', async () => {
      const samples = await exporter.scrape();
      missing = containers.filter(
        (container) => samples.value('isolation_container_isolation_level', { container }) === undefined,
      );
      return missing.length === 0;
    });
  } catch (cause) {
    const log = JSON.stringify(await exporter.log());
    throw new Error(`No level of ${missing.join(', ')}. The exporter says: ${log}`, { cause });
  }
}

/** One finding about one container, read as docs/findings.md says: 0, 1 or `undefined` for unknown. */
export function finding(samples: Samples, container: string, id: string): 0 | 1 | undefined {
  const whose = { engine: 'docker', container };
  const isThere = (name: string): boolean => samples.value(name, { ...whose, finding: id }) === 1;
  if (isThere('isolation_container_finding')) return 1;
  if (samples.value('isolation_container_isolation_level', whose) === undefined) return undefined;
  return isThere('isolation_container_finding_unknown') ? undefined : 0;
}
