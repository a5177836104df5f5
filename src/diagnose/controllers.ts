import { defineCheck, onTheHost, type CheckResult } from './check.ts';

/** The metrics that need each controller. On v2 `cpu` includes CPU time, and `io` replaces `blkio`. */
const NEEDED = {
  v1: {
    memory: 'memory',
    cpu: 'throttling',
    cpuacct: 'CPU time',
    cpuset: 'CPUs',
    pids: 'processes',
    blkio: 'block I/O',
  },
  v2: { memory: 'memory', cpu: 'CPU limits', cpuset: 'CPUs', pids: 'processes', io: 'block I/O' },
};

/** The cgroup version, and the controllers of each hierarchy. */
export const controllers = defineCheck({
  name: 'controllers',
  read: ({ layout }) => ({
    version: layout?.version,
    hierarchies: (layout?.hierarchies ?? []).map(({ version, controllers }) => ({ version, controllers })),
  }),
  judge({ version, hierarchies }): CheckResult {
    if (version === undefined) return { status: 'unknown', message: 'no cgroup tree to search' };
    const all = hierarchies.flatMap(({ controllers }) => controllers);
    const needed = Object.entries(version === 'v2' ? NEEDED.v2 : NEEDED.v1);
    const missing = needed.filter(([name]) => !all.includes(name) && !(name === 'blkio' && all.includes('io')));
    const has = `cgroup ${version}: ${hierarchies.map(describe).join('; ')}`;
    if (missing.length === 0) return { status: 'ok', message: has };
    return {
      status: 'failed',
      message: `no ${missing.map(([name]) => name).join(', ')}; ${has}`,
      missing: `metrics of ${missing.map(([, about]) => about).join(', ')}`,
      remedies: onTheHost(
        `cgroup_enable=${missing[0]?.[0]} on the kernel command line, or a kernel with the missing controllers`,
      ),
    };
  },
});

function describe({
  version,
  controllers,
}: {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}): string {
  return `${controllers.join(' ') || 'none'} (v${version})`;
}
