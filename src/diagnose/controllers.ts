import { defineCheck, onTheHost, type Verdict } from './check.ts';

/** What each controller is good for. On v2 `cpu` counts time by itself, and `io` takes the place of `blkio`. */
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

/** The version of cgroups, and which controllers there are in which hierarchy. */
export const controllers = defineCheck({
  name: 'controllers',
  read: ({ layout }) => ({
    version: layout?.version,
    hierarchies: (layout?.hierarchies ?? []).map(({ version, controllers }) => ({ version, controllers })),
  }),
  judge({ version, hierarchies }): Verdict {
    if (version === undefined) return { status: 'unknown', says: 'there is no cgroup tree to look at' };
    const all = hierarchies.flatMap(({ controllers }) => controllers);
    const needed = Object.entries(version === 'v2' ? NEEDED.v2 : NEEDED.v1);
    const missing = needed.filter(([name]) => !all.includes(name) && !(name === 'blkio' && all.includes('io')));
    const has = `cgroup ${version}: ${hierarchies.map(describe).join('; ')}`;
    if (missing.length === 0) return { status: 'ok', says: has };
    return {
      status: 'lost',
      says: `no ${missing.map(([name]) => name).join(', ')}; ${has}`,
      loses: `what is about ${missing.map(([, about]) => about).join(', ')}`,
      remedies: onTheHost(
        `cgroup_enable=${missing[0]?.[0]} on the command line of the kernel, or a kernel that has what is missing`,
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
