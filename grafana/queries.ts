/** Matchers for the variables job and instance, in the form that linters expect. */
export const HOSTS = 'job=~"$job", instance=~"$instance"';

/**
 * Matchers for the other variables, in raw strings of PromQL, where a format of Grafana's escapes exactly what must be escaped.
 * In double quotes Grafana's default escapes a single quote too, and a double quote only with the feature toggle
 * `prometheusSpecialCharsInLabelValues`. No name has a backtick (`src/exposition/series-labels.ts`).
 */
const ANY_OF = (name: string) => `${name}=~\`\${${name}:regex}\``;
export const ENGINE = ANY_OF('engine');
export const NAMESPACE = ANY_OF('namespace');
export const POD = ANY_OF('pod');
const PODS = [HOSTS, ENGINE, NAMESPACE, POD].join(', ');

/** The one container. */
const CONTAINER = `${PODS}, container=\`\${container:raw}\``;

/** Series of a pod's network have no container label. */
const CONTAINER_OR_POD = `${PODS}, container=~\`\${container:regex}|\``;

/** The labels that identify a container. */
export const IDENTITY = 'job, instance, engine, namespace, pod, container';

/** A metric of the selected hosts. */
export function onHosts(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${[HOSTS, ...matchers].join(', ')}}`;
}

const EXPORTER = 'isolation_exporter_build_info';

/**
 * A metric that Prometheus itself adds for the exporters, such as `up`. With all jobs selected, the matchers would include every
 * other target, so only jobs that had an exporter within the last day count, even while none answers.
 */
export function ofTargets(metric: string): string {
  return `(${onHosts(metric)} and on (job) last_over_time(${onHosts(EXPORTER)}[1d]))`;
}

/** A process metric of a client library, for the exporters only. */
export function ofExporters(series: string): string {
  return `(${series} and on (job, instance) ${onHosts(EXPORTER)})`;
}

/** A metric of the selected container. */
export function ofContainer(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${[CONTAINER, ...matchers].join(', ')}}`;
}

/** The clocks of the selected hosts. */
export const CLOCK = onHosts('isolation_exporter_clock_timestamp_seconds');

/** How long ago times by the clock of their host were, whether that clock is right or wrong. By Prometheus' clock for a host that is gone. */
export function ageOf(times: string): string {
  return `(-(${times} - on (job, instance) group_left () max by (job, instance) (${CLOCK})) or time() - ${times})`;
}

/** A counter that the selected container may share with its pod, not with other pods, transformed by `grow`. */
export function ofContainerOrPod(counter: string, grow: (counter: string) => string): string {
  const pods = ofContainer('isolation_container_info');
  return `${grow(`${counter}{${CONTAINER_OR_POD}}`)} and on (job, instance, engine, namespace, pod) ${pods}`;
}

/** The growth of a counter per second. */
export function rate(counter: string): string {
  return `rate(${counter}[$__rate_interval])`;
}

/** The growth of a counter over about one point of the graph. */
export function growth(counter: string): string {
  return `increase(${counter}[$__rate_interval])`;
}

/**
 * How much a counter of events has grown over a long range. `increase()` of VictoriaMetrics also counts the first sample of a series
 * that began in the range, such as all kills of a host that is new here, and Prometheus' extrapolates. The difference of two samples
 * does neither. Where the counter was reset, both servers count the same again.
 */
export function eventsIn(range: string, counter: string): string {
  const over = (name: string) => `${name}(${counter}[${range}])`;
  const difference = `${over('max_over_time')} - ${over('min_over_time')}`;
  return `(${difference} and ${over('resets')} == 0 or round(${over('increase')}))`;
}

/**
 * OOM kills of each selected container over the whole time range. A counter that is first scraped at 1 has no increase, so a
 * container with a kill before its first scrape counts at least the one kill whose time is known.
 */
export function killsInRange(): string {
  const counted = eventsIn('$__range', ofContainer('isolation_container_oom_events_total'));
  const lastKill = `max_over_time(${ofContainer('isolation_container_last_oom_kill_timestamp_seconds')}[$__range])`;
  return `${counted} > 0 or ${ageOf(lastKill)} < bool $__range_s or ${counted}`;
}

/** A share of a total that is not 0. */
export function share(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** How many series have a value; empty instead of 0 if there are no series. */
export function countOf(series: string, value: number): string {
  return `sum(${series} == bool ${value})`;
}
