import { readFileSync, readdirSync } from 'node:fs';
import type { CgroupLayout } from '../kernel/cgroup-layout.ts';
import { absentAsUndefined } from '../kernel/errno.ts';
import { defineCheck, onTheHost, type CheckResult } from './check.ts';

/** Whether the kernel counts OOM kills for each cgroup and for the host. */
export const oomCounts = defineCheck({
  name: 'OOM kills',
  read: ({ procfs, layout }) => ({
    vmstat: countsKills(`${procfs}/vmstat`),
    cgroups: layout === undefined ? 'none' : countOfCgroups(layout),
  }),
  judge({ vmstat, cgroups }): CheckResult {
    if (!vmstat) {
      return {
        status: 'failed',
        message: 'not counted for the host: vmstat is missing, or has no oom_kill',
        missing: 'OOM kills in cgroups that are gone before the next scrape',
        remedies: { ...onTheHost('Linux 4.13 or newer'), systemd: 'ProcSubset=all, and Linux 4.13 or newer' },
      };
    }
    if (cgroups === 'off') {
      return {
        status: 'failed',
        message: 'counted for the host only: the kernel has no memory controller',
        missing: 'OOM kills of each container',
        remedies: onTheHost('boot with cgroup_enable=memory and without cgroup_disable=memory'),
      };
    }
    if (cgroups === 'none') {
      return {
        status: 'note',
        message: 'counted for the host (vmstat); no cgroup has the memory controller at present',
      };
    }
    if (cgroups === 'old') {
      return {
        status: 'failed',
        message: 'counted for the host only: memory.oom_control has no oom_kill',
        missing: 'OOM kills of each container that the kernel log does not report',
        remedies: onTheHost('Linux 4.13 or newer'),
      };
    }
    const file = cgroups === 'v1' ? 'memory.oom_control' : 'memory.events';
    return { status: 'ok', message: `counted for each cgroup (${file}) and for the host (vmstat)` };
  },
});

/** `off`: there is no memory controller; `none`: no cgroup uses it; `old`: v1 before Linux 4.13. */
function countOfCgroups(layout: CgroupLayout): 'v1' | 'v2' | 'old' | 'none' | 'off' {
  const memory = layout.hierarchyOf('memory');
  if (memory === undefined) return 'off';
  if (memory.version === 1) return countsKills(`${memory.root}/memory.oom_control`) ? 'v1' : 'old';
  // The root has no memory.events.
  const children = absentAsUndefined(() => readdirSync(memory.root, { withFileTypes: true })) ?? [];
  const some = children.some(
    (entry) => entry.isDirectory() && countsKills(`${memory.root}/${entry.name}/memory.events`),
  );
  return some ? 'v2' : 'none';
}

function countsKills(path: string): boolean {
  return /^oom_kill \d/m.test(absentAsUndefined(() => readFileSync(path, 'utf8')) ?? '');
}
