/** A series of one exporter. */
export interface Behaviour {
  /** The metric, with labels if it has some beside those of the target. */
  readonly metric: string;
  readonly labels?: string;
  /** The value that a scrape finds, by the seconds since the beginning; `undefined` if there is no such series. */
  readonly at: (seconds: number) => number | undefined;
}

/** What an exporter reports while the condition of an alert holds, and what one reports that comes close. */
export interface Condition {
  readonly holds: readonly Behaviour[];
  readonly not: readonly Behaviour[];
  /** Seconds from the beginning until the condition holds, where it takes several events. */
  readonly since?: number;
}

const MINUTE = 60;
const CONTAINER = 'engine="docker",container="web"';
const LIMITER = `${CONTAINER},scope="pod",cgroup="/pod"`;

const gauge = (metric: string, value: number, labels = CONTAINER): Behaviour => ({ metric, labels, at: () => value });

/** Increases by one each so many minutes; a fast counter by a fraction per second. */
const every = (minutes: number, metric: string, labels = CONTAINER): Behaviour => ({
  metric,
  labels,
  at: (seconds) => 7 + Math.floor(seconds / (minutes * MINUTE)),
});
const perSecond = (rate: number, metric: string, labels = CONTAINER): Behaviour => ({
  metric,
  labels,
  at: (seconds) => 7 + rate * seconds,
});

/** The time of something that happens each so many minutes, as of so many minutes ago. */
const lastTime = (minutes: number, metric: string, minutesAgo = 0, labels = CONTAINER): Behaviour => ({
  metric,
  labels,
  at: (seconds) => Math.floor(seconds / (minutes * MINUTE)) * minutes * MINUTE - minutesAgo * MINUTE,
});

/** A gauge of 0 or 1. */
const is = (metric: string, value: 0 | 1, labels?: string): Condition => ({
  holds: [gauge(metric, value, labels)],
  not: [gauge(metric, 1 - value, labels)],
});

const KILL = 'isolation_container_last_oom_kill_timestamp_seconds';
const DRIFT = 'isolation_container_last_drift_timestamp_seconds';
const CLOCK = 'isolation_exporter_clock_timestamp_seconds';
const clock = (ahead: number): Behaviour => ({ metric: CLOCK, labels: '', at: (seconds) => seconds + ahead });
const finding = (name: string, severity: string) => `${CONTAINER},finding="${name}",severity="${severity}"`;

/** The conditions of all alerts except `IsolationExporterAbsent`, which has no target, and those about scrapes. */
export const CONDITIONS: Readonly<Record<string, Condition>> = {
  IsolationContainerOOMKilled: {
    holds: [lastTime(10, KILL), clock(0)],
    not: [gauge(KILL, -7200), clock(0)],
  },
  IsolationHostOOMKill: {
    holds: [every(5, 'isolation_host_oom_kills_total', '')],
    not: [gauge('isolation_host_oom_kills_total', 7, '')],
    since: 5 * MINUTE,
  },
  IsolationOOMKillUnattributed: {
    holds: [every(5, 'isolation_oom_kills_unattributed_total', ''), every(5, 'isolation_host_oom_kills_total', '')],
    // A restarted exporter knows less of earlier kills.
    not: [every(20, 'isolation_oom_kills_unattributed_total', ''), gauge('isolation_host_oom_kills_total', 7, '')],
    since: 5 * MINUTE,
  },
  IsolationOOMKillFoundAfterGap: {
    holds: [lastTime(5, KILL, 20)],
    // Kills that were seen at once.
    not: [lastTime(30, KILL)],
  },
  IsolationContainerOOMKillLoop: {
    holds: [every(10, 'isolation_container_oom_events_total')],
    not: [every(35, 'isolation_container_oom_events_total')],
    since: 30 * MINUTE,
  },
  IsolationContainerMemoryLimitMissing: is('isolation_container_memory_limited', 0),
  IsolationContainerCPULimitMissing: is('isolation_container_cpu_limited', 0),
  IsolationContainerPidsLimitMissing: is('isolation_container_pids_limited', 0),
  IsolationContainerMemoryNearLimit: {
    holds: [
      gauge('isolation_container_limiter_memory_unreclaimable_bytes', 95, LIMITER),
      gauge('isolation_container_limiter_memory_limit_bytes', 100, LIMITER),
    ],
    not: [
      gauge('isolation_container_limiter_memory_unreclaimable_bytes', 85, LIMITER),
      gauge('isolation_container_limiter_memory_limit_bytes', 100, LIMITER),
    ],
  },
  IsolationContainerCPUThrottlingHigh: {
    holds: [
      perSecond(3, 'isolation_container_cpu_throttled_periods_total'),
      perSecond(10, 'isolation_container_cpu_periods_total'),
    ],
    not: [
      perSecond(2, 'isolation_container_cpu_throttled_periods_total'),
      perSecond(10, 'isolation_container_cpu_periods_total'),
    ],
  },
  IsolationContainerMemoryPressureHigh: {
    holds: [perSecond(0.15, 'isolation_container_pressure_stalled_seconds_total', `${CONTAINER},resource="memory"`)],
    not: [perSecond(0.08, 'isolation_container_pressure_stalled_seconds_total', `${CONTAINER},resource="memory"`)],
    // A tenth of 15 minutes.
    since: 10 * MINUTE,
  },
  IsolationContainerMemoryLimitHit: {
    holds: [every(2, 'isolation_container_memory_events_total', `${CONTAINER},event="max"`)],
    not: [every(30, 'isolation_container_memory_events_total', `${CONTAINER},event="max"`)],
  },
  IsolationContainerPidsLimitHit: {
    holds: [every(5, 'isolation_container_pids_limit_hits_total')],
    not: [
      gauge('isolation_container_pids_limit_hits_total', 7),
      gauge('isolation_container_start_time_seconds', -7200),
    ],
    since: 5 * MINUTE,
  },
  IsolationContainerRestartsFrequent: {
    holds: [every(5, 'isolation_container_starts_total')],
    not: [every(15, 'isolation_container_starts_total')],
    since: 20 * MINUTE,
  },
  IsolationContainerUnhealthy: {
    holds: [gauge('isolation_container_health_status', 1, `${CONTAINER},status="unhealthy"`)],
    // A check that fails for a while, again and again.
    not: [
      {
        metric: 'isolation_container_health_status',
        labels: `${CONTAINER},status="unhealthy"`,
        at: (seconds) => (seconds % (15 * MINUTE) < 4 * MINUTE ? 1 : undefined),
      },
      {
        metric: 'isolation_container_health_status',
        labels: `${CONTAINER},status="healthy"`,
        at: (seconds) => (seconds % (15 * MINUTE) < 4 * MINUTE ? undefined : 1),
      },
    ],
  },
  IsolationContainerNotRunning: is('isolation_container_expected_up', 0),
  IsolationContainerHostNamespace: is('isolation_container_host_namespace', 1, `${CONTAINER},ns="net"`),
  IsolationContainerPrivileged: is('isolation_container_privileged', 1),
  IsolationContainerProcessEscaped: {
    holds: [
      gauge('isolation_container_finding', 1, finding('process_escaped', 'critical')),
      gauge('isolation_container_escaped_processes', 1),
    ],
    // For a moment each quarter of an hour: a process that the engine moves into the container.
    not: [
      {
        metric: 'isolation_container_finding',
        labels: finding('process_escaped', 'critical'),
        at: (seconds) => (seconds % (15 * MINUTE) === 0 ? 1 : undefined),
      },
      {
        metric: 'isolation_container_escaped_processes',
        labels: CONTAINER,
        at: (seconds) => Number(seconds % (15 * MINUTE) === 0),
      },
    ],
  },
  IsolationContainerCriticalFinding: {
    holds: [
      gauge('isolation_container_finding', 1, finding('engine_socket', 'critical')),
      gauge('isolation_container_isolation_level', 0),
    ],
    not: [
      gauge('isolation_container_finding', 1, finding('seccomp_off', 'high')),
      gauge('isolation_container_isolation_level', 0),
      // Fixed after some minutes, again and again.
      {
        metric: 'isolation_container_finding',
        labels: finding('engine_socket', 'critical'),
        at: (seconds) => (seconds % (15 * MINUTE) < 5 * MINUTE ? 1 : undefined),
      },
    ],
  },
  IsolationContainerDrifted: {
    holds: [lastTime(50, DRIFT, 0, finding('stronger_process', 'high')), clock(0)],
    not: [
      gauge(DRIFT, -3600, finding('stronger_process', 'high')),
      gauge(DRIFT, 60, finding('net_raw', 'low')),
      clock(0),
    ],
  },
  IsolationAcceptEntriesExpired: is('isolation_exporter_accept_entries', 1, 'state="expired"'),
  IsolationAcceptEntriesUnmatched: is('isolation_exporter_accept_entries', 1, 'state="unmatched"'),
  IsolationSourceDown: is('isolation_source_up', 0, 'source="docker"'),
  IsolationDetailSourceDown: is('isolation_source_up', 0, 'source="kmsg"'),
  IsolationCollectorFailing: is('isolation_scrape_collector_success', 0, 'collector="memory"'),
  IsolationExporterClockSkew: { holds: [clock(120)], not: [clock(20)] },
  IsolationKernelMessagesLost: {
    holds: [every(5, 'isolation_kmsg_lost_records_total', '')],
    not: [gauge('isolation_kmsg_lost_records_total', 7, '')],
    since: 5 * MINUTE,
  },
};
