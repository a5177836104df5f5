import { type Collector, type DaemonState, defineHostCollector, type Family } from './collector.ts';

/** Numbers of containers, by engine. */
type ByEngine = ReadonlyMap<string, { readonly running: number; readonly started: number; readonly removed: number }>;

/** How many containers exist, appeared and were removed, and the health of the exporter's sources. */
export const inventory: Collector = defineHostCollector({
  name: 'inventory',
  help: "Numbers of containers by engine, and the health of the exporter's sources.",
  read({ containers, state }) {
    const engines = new Map<string, { running: number; started: number; removed: number }>();
    for (const [engine, counts] of state.lifecycle) engines.set(engine, { running: 0, ...counts });
    for (const { cgroup } of containers) {
      const counts = engines.get(cgroup.match.engine) ?? { running: 0, started: 0, removed: 0 };
      counts.running += 1;
      engines.set(cgroup.match.engine, counts);
    }
    const readAt = containers.flatMap(({ postureReadAt }) => postureReadAt ?? []);
    const { sources, withoutCgroup, ended, limitHits, surplus } = state;
    return { engines, sources, withoutCgroup, ended, limitHits, surplus, postureAge: ageOf(Math.min(...readAt)) };
  },
  families: [
    byEngine('isolation_containers', 'gauge', 'Containers on this host, by their cgroups.', 'running'),
    byEngine(
      'isolation_containers_started_total',
      'counter',
      'Containers that appeared in cgroupfs since the exporter started, including short-lived ones.',
      'started',
    ),
    byEngine(
      'isolation_containers_removed_total',
      'counter',
      'Containers that disappeared from cgroupfs since the exporter started.',
      'removed',
    ),
    {
      name: 'isolation_containers_without_cgroup',
      type: 'gauge',
      help:
        'Running containers that an engine has listed for a minute and for which no cgroup was found, so that nothing else is ' +
        'exported about them: they have none of their own (podman --cgroups=disabled; rootless on cgroup v1), are inside a ' +
        'virtual machine, or run on another host. isolation-exporter diagnose names those of Docker and Podman. Absent for an ' +
        'engine that does not answer, or whose list is too long.',
      labels: ['source'],
      samples({ withoutCgroup }, emit) {
        for (const [source, count] of withoutCgroup) emit(count, source);
      },
    },
    {
      name: 'isolation_containers_ended',
      type: 'gauge',
      help:
        'Containers that the engine keeps and that have ended, or were never started although they have the label ' +
        'isolation-exporter.should-run=true. Absent for an engine that does not answer or does not list them. There can be more where isolation_source_limit_hits_total has list_size.',
      labels: ['source'],
      samples({ ended }, emit) {
        for (const [source, count] of ended) emit(count, source);
      },
    },
    {
      name: 'isolation_containers_over_limit',
      type: 'gauge',
      help:
        'Cgroups that look like containers and are not exported as such, because there are too many: nested (inside one ' +
        'container, --discovery.max-nested; their processes and OOM kills count for that container), user (of one ' +
        'unprivileged user, --discovery.max-per-user). Absent for a limit that is off.',
      labels: ['limit'],
      samples({ surplus }, emit) {
        for (const [limit, count] of surplus) emit(count, limit);
      },
    },
    {
      name: 'isolation_source_up',
      type: 'gauge',
      help:
        'Whether a source of the exporter works (1) or not (0): cgroup_walk (a check of every cgroup), cgroup_watch (inotify on cgroupfs), host_namespaces, ' +
        'vmstat, memory_controller (whether OOM kills in all containers can be attributed), memory_events (inotify on the counters of OOM kills), kmsg (the kernel log), oom_state_file, psi, the engines that provide names, conmon (names from the monitors of Podman), kubelet_logs (names of pods from the names of log files), and accept_file (the file of accepted findings was valid when last read). Absent if the source does not apply.',
      labels: ['source'],
      samples({ sources }, emit) {
        for (const [source, up] of sources) emit(up ? 1 : 0, source);
      },
    },
    {
      name: 'isolation_source_limit_hits_total',
      type: 'counter',
      help:
        'How often a source of names reached a limit of the exporter: value_size (a name or label was left ' +
        'out), list_size (containers were left out of its list, and are named one by one), inspection_rate (events ' +
        'came too fast; some names are delayed), ended_containers (more than 100 have ended; the end of the oldest is left out). Absent where no source of names is asked.',
      labels: ['source', 'limit'],
      samples({ limitHits }, emit) {
        for (const [source, limits] of limitHits) for (const [limit, hits] of limits) emit(hits, source, limit);
      },
    },
    {
      name: 'isolation_posture_age_seconds',
      type: 'gauge',
      help:
        'Age of the oldest fact behind the posture, the findings and the isolation level of any container; at most 5 min at a ' +
        'scrape. Processes that have run, their privileges and mounts were compared in the last 45 s, and processes started since then ' +
        'have been checked. Absent if nothing could be read.',
      value: ({ postureAge }) => postureAge,
    },
  ],
});

/** Seconds since a time of `performance.now()`; `undefined` for `Infinity`. */
function ageOf(time: number): number | undefined {
  return time === Infinity ? undefined : Math.round(performance.now() - time) / 1000;
}

function byEngine(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  count: 'running' | 'started' | 'removed',
): Family<
  { readonly engines: ByEngine } & Pick<DaemonState, 'sources' | 'withoutCgroup' | 'ended' | 'limitHits' | 'surplus'>
> {
  return {
    name,
    type,
    ...(type === 'counter' ? { since: 'daemon' } : {}),
    help,
    labels: ['engine'],
    samples({ engines }, emit) {
      for (const [engine, counts] of engines) emit(counts[count], engine);
    },
  };
}
