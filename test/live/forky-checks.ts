import { expect } from 'vitest';
import type { Samples } from '../lab/exporter.ts';
import type { Machine } from '../lab/machine.ts';
import { type Listed, slowly } from './forky-engines.ts';

/** As the unit runs it: another user with two capabilities, and the group of the sockets. */
export const AS_UNIT = (command: string): string => `caps=-all,+sys_ptrace,+syslog
  exec setpriv --reuid=65534 --regid=65534 --groups=$(getent group docker | cut -d: -f3) --no-new-privs \\
    --inh-caps=$caps --ambient-caps=$caps --bounding-set=$caps ${command}`;

/** Checks that the exporter shows the containers that the engines list and no others, under the same names. */
export function expectAsListed(samples: Samples, listed: readonly Listed[]): void {
  const ours = samples.all
    .filter(({ name }) => name === 'isolation_container_info')
    .map(({ labels: { engine, container, id, image, runtime } }) => ({ engine, container, id, image, runtime }));
  const byName = (a: { readonly container?: string | undefined }, b: { readonly container?: string | undefined }) =>
    (a.container ?? '').localeCompare(b.container ?? '');
  expect(ours.toSorted(byName)).toEqual(listed.toSorted(byName));
}

/**
 * Checks the limits of all containers: memory, memory with swap, pids and CPUs are the lowest from the cgroup of the
 * process to that of the container.
 *
 * @returns them by container.
 */
export async function expectLimitsOfKernel(
  machine: Machine,
  samples: Samples,
): Promise<Readonly<Record<string, readonly (number | 'max')[]>>> {
  const all = samples.all.filter(({ name }) => name === 'isolation_container_info');
  const lowest = await lowestLimits(
    machine,
    all.map(({ labels: { cgroup = '' } }) => cgroup),
  );
  const limitsOf = (container: string) =>
    ['memory_limit_bytes', 'memory_swap_limit_bytes', 'pids_limit', 'cpu_limit_cores'].map(
      (limit) => samples.value(`isolation_container_${limit}`, { container }) ?? 'max',
    );
  const shown = Object.fromEntries(all.map(({ labels: { container = '' } }) => [container, limitsOf(container)]));
  expect(shown).toEqual(
    Object.fromEntries(all.map(({ labels: { container = '' } }, index) => [container, lowest[index]])),
  );
  return shown;
}

/** Memory, swap, pids and CPUs of each cgroup: the lowest from the first process's cgroup upwards. */
async function lowestLimits(
  machine: Machine,
  cgroups: readonly string[],
): Promise<readonly (readonly (number | 'max')[])[]> {
  const lines = await slowly(
    machine,
    `cd /sys/fs/cgroup
      for cgroup in ${cgroups.join(' ')}; do
        echo "= $cgroup"
        inner=$(find ".$cgroup" -name cgroup.procs -exec grep -q . {} \\; -printf '%h\\n' -quit)
        until [ "$inner" = ".\${cgroup%/*}" ]; do
          for file in memory.max memory.swap.max pids.max cpu.max; do echo "$file $(cat $inner/$file 2>/dev/null || echo max)"; done
          inner=\${inner%/*}
        done
      done`,
  );
  return lines
    .split(/^= .*\n/m)
    .slice(1)
    .map((block) =>
      ['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map((file) => {
        const values = [...block.matchAll(new RegExp(`^${file} (\\d+)(?: (\\d+))?$`, 'gm'))];
        const numbers = values.map(([, quota, period]) => Number(quota) / Number(period ?? 1));
        return numbers.length === 0 ? 'max' : Math.min(...numbers);
      }),
    );
}
