import type { Collector } from '../collectors/collector.ts';
import {
  ACCEPT_ENTRIES,
  ACCEPT_FILE_READ,
  BUILD_INFO,
  CLOCK,
  LONGEST_STALL,
  STALLED,
  STUCK_LOOKUPS,
} from './own-metrics.ts';
import { RUNS_EXPORTER } from './own-container.ts';
import { OUTCOME_FAMILIES } from './scrape.ts';

/** A metric in the documentation. */
interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

const IDENTITY = ['engine', 'namespace', 'pod', 'container'] as const;

/** Renders `docs/metrics.md` from the collectors themselves. */
export function renderMetricsDoc(collectors: readonly Collector[]): string {
  const sections = collectors.map(({ name, help, scope, families, offByDefault }) => {
    const identity = scope === 'host' ? [] : IDENTITY;
    const rows = families.map((family) => ({
      ...family,
      labels: [...identity, ...('labels' in family ? family.labels : 'facts' in family ? ['label_…'] : [])],
    }));
    return section(
      name,
      offByDefault === true ? `${help} Off by default; \`--collector.${name}\` enables it.` : help,
      rows,
    );
  });
  return [INTRODUCTION, ...sections, section('The exporter itself', OWN, ownRows())].join('\n');
}

function ownRows(): Row[] {
  return [
    ...OUTCOME_FAMILIES.map((family) => ({ ...family, labels: ['collector'] })),
    { ...RUNS_EXPORTER, labels: IDENTITY },
    { ...BUILD_INFO, type: 'info', labels: BUILD_INFO.labelNames },
    { ...CLOCK, type: 'gauge', labels: [] },
    { ...STUCK_LOOKUPS, type: 'gauge', labels: [] },
    { ...LONGEST_STALL, type: 'gauge', labels: [] },
    { ...STALLED, type: 'counter', labels: [] },
    { ...ACCEPT_FILE_READ, type: 'gauge', labels: [] },
    { ...ACCEPT_ENTRIES, type: 'gauge', labels: ACCEPT_ENTRIES.labelNames },
  ];
}

function section(heading: string, about: string, rows: readonly Row[]): string {
  const lines = rows.map(({ name, type, labels, help }) => {
    const all = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${all} | ${markdown(help)} |`;
  });
  const table = ['| Metric | Type | Labels | Meaning |', '| --- | --- | --- | --- |', ...lines];
  return [`## ${heading}`, '', markdown(about), '', ...table, ''].join('\n');
}

/** Escapes `<`, which Markdown treats as HTML, and `|`, which ends a cell. */
function markdown(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|');
}

const INTRODUCTION = `# Metrics

Generated from the collectors. An unknown value is absent, never 0, and \`isolation_scrape_collector_success\` or
\`isolation_source_up\` says why. An unlimited value is absent too, beside an explicit \`…_limited 0\`. What few containers
have (findings, added capabilities, neighbours in a namespace) is a series only where it is there:
[findings.md](findings.md#yes-no-and-unknown) says how to read "no". Empty labels are omitted. If two live containers have the
same labels, the newer keeps the name and the other becomes \`name~<12 digits of its id>\`; one that others than the host's root
can have made, inside a container or of a user, never takes the name of one of root's. Metrics that outlive containers (\`oom\`) count
both together.

## What counts as a limit

A limit holds for a cgroup and everything below it, so many cgroups can limit one container: those from the one that holds its
init process up to the root. Their owner is the label \`scope\`:

- \`container\`: the container's own cgroup, and those inside it (\`container\` of crun, \`init.scope\`, \`payload\`).
- \`pod\`: the pod of Kubernetes or Podman that the container is in.
- \`task\`: its Amazon ECS task.
- \`unit\`: a systemd unit that runs nothing but this container, such as that of a quadlet.
- \`shared\`: all others: QoS classes, \`kubepods\`, slices, \`docker\`, a \`--cgroup-parent\`, a container around this one.

How the metrics use it:

- \`…_limited\` and the findings \`…_unlimited\` ask whether the container's own cgroup or one of scope \`pod\`, \`task\` or \`unit\` has a
  limit. The cgroup that a runtime makes inside for the whole container (\`container\` of crun, \`payload\` of nspawn) counts as its
  own: crun 1.8 limits memory and CPU only there. A shared limit does not protect the container's neighbours from it. Any other
  limit inside the container does not count either: the container can remove it.
- \`…_limit_bytes\`, \`…_limit_cores\` and \`…_pids_limit\` are the effective limits: the lowest of all, shared ones included.
  \`isolation_container_effective_limit_info\` names the cgroup that sets them if it is not the container's own.
- Throttling, memory events and PIDs limit hits of the container (\`isolation_container_cpu_throttled_*\`,
  \`isolation_container_memory_events_total\`, \`isolation_container_pids_limit_hits_total\`) are what its own cgroup's limit did, and
  absent without one. \`isolation_container_limiter_*\` has limit, use and hits of each other cgroup, from that cgroup's own files.
- PIDs limit hits depend on the kernel. cgroup v2 counts them in the limited cgroup since Linux 6.11. cgroup v1, earlier kernels and
  the mount option \`pids_localevents\` count them in the cgroup that forks: they are attributed to the only limit, or to the only
  one that was ever reached (\`pids.peak\`, Linux 6.1), and otherwise have scope \`unknown\`.
- On cgroup v2, \`memory.events.local\` is read (Linux 5.3), so the mount option \`memory_localevents\` makes no difference.
`;

const OWN =
  'In every scrape, whichever collectors run. prom-client adds `process_*` and `nodejs_*` for the process of the exporter.';
