/** Selects what the variables job and instance say. Linters look for exactly these two matchers. */
const HOSTS = 'job=~"$job", instance=~"$instance"';

/** Selects what the variables of the container board say. */
const CONTAINER = `${HOSTS}, engine=~"$engine", namespace=~"$namespace", pod=~"$pod", container="$container"`;

/** Of a pod's network the series have no container. */
const CONTAINER_OR_POD = `${HOSTS}, engine=~"$engine", namespace=~"$namespace", pod=~"$pod", container=~"$container|"`;

/** The labels that make a series a container's. */
export const IDENTITY = 'job, instance, engine, namespace, pod, container';

/** A metric of the selected hosts. */
export function onHosts(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${[HOSTS, ...matchers].join(', ')}}`;
}

const EXPORTER = 'isolation_exporter_build_info';

/**
 * What Prometheus itself says of the exporters, such as `up`. Where all jobs are chosen, the matchers take in whatever else
 * is scraped; these are the jobs that had an exporter within the last day, also while none of them answers.
 */
export function ofTargets(metric: string): string {
  return `(${onHosts(metric)} and on (job) last_over_time(${onHosts(EXPORTER)}[1d]))`;
}

/** What every program with a client library says of its process: of the exporters only. */
export function ofExporters(series: string): string {
  return `(${series} and on (job, instance) ${onHosts(EXPORTER)})`;
}

/** A metric of the selected container. */
export function ofContainer(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${[CONTAINER, ...matchers].join(', ')}}`;
}

/** A counter that the selected container may share with its pod, as `grow` makes it: not those of other pods. */
export function ofContainerOrPod(counter: string, grow: (counter: string) => string): string {
  const pods = ofContainer('isolation_container_info');
  return `${grow(`${counter}{${CONTAINER_OR_POD}}`)} and on (job, instance, engine, namespace, pod) ${pods}`;
}

/** How fast a counter grows, for one second. */
export function rate(counter: string): string {
  return `rate(${counter}[$__rate_interval])`;
}

/** How much a counter grew, about one point of the graph long. */
export function growth(counter: string): string {
  return `increase(${counter}[$__rate_interval])`;
}

/** How much a counter of events grew over the whole time range. Prometheus extrapolates; events are whole. */
function eventsInRange(counter: string): string {
  return `round(increase(${counter}[$__range]))`;
}

/**
 * OOM kills of each selected container over the whole time range. A counter that is first scraped at 1 has not increased: a
 * container that was killed before it was ever scraped has at least the one kill whose time is known.
 */
export function killsInRange(): string {
  const counted = eventsInRange(ofContainer('isolation_container_oom_kills_total'));
  const lastKill = `max_over_time(${ofContainer('isolation_container_last_oom_kill_timestamp_seconds')}[$__range])`;
  return `${counted} > 0 or ${lastKill} > bool (time() - $__range_s) or ${counted}`;
}

/** A part of a whole that is not 0. */
export function share(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** How many series have a value; nothing, rather than 0, where there are no series at all. */
export function countOf(series: string, value: number): string {
  return `sum(${series} == bool ${value})`;
}
