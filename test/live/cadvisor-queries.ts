import { host } from '../lab/host.ts';
import { within } from './docker-containers.ts';
import type { QueryApi } from './prometheus.ts';

/** A query in the form that others use for cAdvisor. */
interface Query {
  /** Where such queries are. */
  readonly from: string;
  readonly query: string;
}

/** Containers that Docker named. Dashboards select by `name`, by `image` or by a prefix of `id`. */
const NAMED = '{name=~".+"}';
const OF_AN_IMAGE = '{image!=""}';

const query = (from: string, ...queries: readonly string[]): readonly Query[] =>
  queries.map((text) => ({ from, query: text }));

/** Queries of dashboards and rules for hosts with Docker. Each finds something where containers work, talk and have limits. */
export const DOCKER_QUERIES: readonly Query[] = [
  ...query(
    'a board of containers and their host',
    `count(container_last_seen${NAMED})`,
    `count(rate(container_last_seen${NAMED}[10s]))`,
    `count(time() - container_last_seen${OF_AN_IMAGE} < 60)`,
    `sum(rate(container_cpu_user_seconds_total${OF_AN_IMAGE}[10s])) by (name) * 100`,
    `sum(rate(container_cpu_system_seconds_total${NAMED}[10s])) by (name)`,
    `sort_desc(sum(rate(container_cpu_usage_seconds_total${NAMED}[10s])) by (name))`,
    `sum(rate(container_cpu_usage_seconds_total${OF_AN_IMAGE}[10s])) / scalar(max(machine_cpu_cores)) * 100`,
    `sum(container_memory_rss${NAMED}) by (name)`,
    `sum(container_memory_usage_bytes${OF_AN_IMAGE}) by (name)`,
    `sum(container_memory_usage_bytes${OF_AN_IMAGE}) / scalar(max(machine_memory_bytes)) * 100`,
    `sum(container_memory_cache${NAMED}) by (name)`,
    `sum(container_memory_swap${NAMED}) by (name)`,
    `sum(container_spec_memory_limit_bytes${NAMED} - container_memory_usage_bytes${NAMED}) by (name)`,
    `sum(rate(container_network_receive_bytes_total${NAMED}[10s])) by (name)`,
    `- sum(rate(container_network_transmit_bytes_total${NAMED}[10s])) by (name)`,
    `sum(rate(container_network_receive_packets_dropped_total${NAMED}[10s])) by (interface)`,
    `sum(rate(container_network_transmit_errors_total${OF_AN_IMAGE}[10s])) by (name)`,
    `time() - container_start_time_seconds${NAMED}`,
    'cadvisor_version_info',
    'container_scrape_error == 0',
  ),
  ...query(
    'docker-mixin',
    `count(sum by (image) (container_last_seen${NAMED}))`,
    `sum(container_spec_memory_reservation_limit_bytes${NAMED}) / avg(machine_memory_bytes) * 100 > 0`,
    `avg(sum by (instance) (container_memory_usage_bytes${NAMED}) / avg by (instance) (machine_memory_bytes)) * 100`,
    `avg by (instance, name) (rate(container_cpu_usage_seconds_total${NAMED}[10s])) * 100`,
    `rate(container_network_receive_bytes_total${NAMED}[10s]) * 8`,
    `rate(container_network_transmit_packets_dropped_total${NAMED}[10s])`,
  ),
  ...query(
    'a board by compose project and service',
    'group by (container_label_com_docker_compose_project) (container_last_seen)',
    'sum by (container_label_com_docker_compose_service) (rate(container_cpu_usage_seconds_total{container_label_com_docker_compose_project="shop"}[10s]))',
    'sum by (container_label_com_docker_compose_project) (container_memory_working_set_bytes{container_label_com_docker_compose_project!=""})',
  ),
  ...query(
    'a board by cgroup',
    'sum by (id) (rate(container_cpu_usage_seconds_total{id=~"/docker/.*"}[10s]))',
    'topk(5, container_memory_working_set_bytes{id=~"/docker/.+"})',
    'container_memory_max_usage_bytes{id!="/"}',
    'rate(container_memory_failures_total{failure_type="pgfault", scope="container", id!="/"}[10s]) >= 0',
    'container_memory_failcnt{id!="/"}',
    'container_memory_mapped_file{id!="/"}',
    'container_processes{id!="/"}',
    'container_threads{id!="/"} / (container_threads_max{id!="/"} > 0)',
    'container_ulimits_soft{ulimit="max_open_files"}',
    'container_spec_cpu_shares{id!="/"}',
  ),
  ...query(
    'a file of rules',
    '(sum(rate(container_cpu_usage_seconds_total{name!=""}[10s])) by (instance, name) * 100) > 0.1',
    `sum(container_memory_working_set_bytes{name!=""}) by (instance, name)
      / sum(container_spec_memory_limit_bytes{name!=""} > 0) by (instance, name) * 100 > 0.1`,
    `sum(increase(container_cpu_cfs_throttled_periods_total{container=""}[10s])) by (id, name)
      / sum(increase(container_cpu_cfs_periods_total[10s])) by (id, name) > 0.25`,
    'rate(container_cpu_cfs_throttled_seconds_total{name!=""}[10s]) > 0',
    `sum(rate(container_cpu_usage_seconds_total{name!=""}[10s])) by (name)
      / sum(container_spec_cpu_quota{name!=""} / container_spec_cpu_period{name!=""}) by (name) > 0.5`,
    'increase(container_oom_events_total{name!=""}[10s]) >= 0',
  ),
];

/**
 * The panels of docker-mixin's board of containers and of the most copied board of Docker and its host that list containers. Not those
 * on disk space and disk I/O, nor those of node_exporter's metrics (docs/from-cadvisor.md).
 */
export const PANELS_OF_CONTAINERS: readonly Query[] = [
  ...query(
    'docker-mixin: containers',
    `sum by (name) (rate(container_cpu_usage_seconds_total${NAMED}[10s]))`,
    `avg by (name) (container_memory_usage_bytes${NAMED})`,
    `sum by (name) (container_memory_usage_bytes${NAMED} - container_memory_cache${NAMED})`,
    `sum by (name) (container_spec_memory_reservation_limit_bytes${NAMED})`,
    `sum by (name) (rate(container_network_receive_bytes_total${NAMED}[10s])) * 8`,
    `sum by (name) (rate(container_network_transmit_bytes_total${NAMED}[10s])) * 8`,
    `sum by (name) (rate(container_network_receive_packets_dropped_total${NAMED}[10s]))`,
    `sum by (name, image) (container_last_seen${NAMED})`,
  ),
  ...query(
    'Docker and host monitoring: containers',
    `sum by (name) (rate(container_cpu_usage_seconds_total${OF_AN_IMAGE}[10s])) * 100`,
    `sum by (name) (container_memory_rss${NAMED})`,
    `sum by (name) (container_memory_cache${NAMED})`,
    `sum by (name) (container_memory_swap${NAMED})`,
    `sum by (name) (container_spec_memory_limit_bytes${NAMED} - container_memory_usage_bytes${NAMED})`,
    `sum by (name) (rate(container_network_receive_bytes_total${NAMED}[10s]))`,
    `- sum by (name) (rate(container_network_transmit_bytes_total${NAMED}[10s]))`,
    `time() - sum by (name) (container_start_time_seconds${NAMED})`,
  ),
];

/** The facts about a node's pods that kube-state-metrics adds. */
const ON_THE_NODE = `* on (cluster, namespace, pod) group_left (node)
  topk by (cluster, namespace, pod) (1, max by (cluster, namespace, pod, node) (kube_pod_info{node!=""}))`;

const KUBELET = 'job="kubelet", metrics_path="/metrics/cadvisor"';

const memoryRule = (metric: string) => `${metric}{${KUBELET}, image!=""} ${ON_THE_NODE}`;

/** Queries in the form of recording rules, alerts and dashboards of kubernetes-mixin. */
export const KUBELET_QUERIES: readonly Query[] = [
  ...query(
    'a recording rule',
    `sum by (cluster, namespace, pod, container) (rate(container_cpu_usage_seconds_total{${KUBELET}, image!=""}[10s])) ${ON_THE_NODE}`,
    memoryRule('container_memory_working_set_bytes'),
    memoryRule('container_memory_rss'),
    memoryRule('container_memory_cache'),
    memoryRule('container_memory_swap'),
  ),
  ...query(
    'an alert',
    `sum(increase(container_cpu_cfs_throttled_periods_total{container!="", ${KUBELET}}[10s])) without (id, metrics_path, name, image, endpoint, job, node)
      / sum(increase(container_cpu_cfs_periods_total{${KUBELET}}[10s])) without (id, metrics_path, name, image, endpoint, job, node) >= 0`,
  ),
  ...query(
    'a dashboard of a namespace',
    `sum(container_memory_working_set_bytes{${KUBELET}, namespace="shop", container!="", image!=""}) by (pod)`,
    `sum(rate(container_cpu_usage_seconds_total{${KUBELET}, namespace="shop", pod="web-7d4b9c", container!=""}[10s])) by (container)`,
    `sum(container_memory_working_set_bytes{${KUBELET}, namespace="shop", container!=""}) by (container)
      / sum(container_spec_memory_limit_bytes{${KUBELET}, namespace="shop", container!=""} > 0) by (container)`,
    'sum(machine_memory_bytes)',
  ),
];

/** Waits until each query finds something. A scrape that a busy machine missed leaves a query empty for a moment. */
export async function untilAllFind(prometheus: QueryApi, queries: readonly Query[]): Promise<void> {
  let empty = queries;
  await within(host, 'each query finds something', async () => {
    const still: Query[] = [];
    for (const each of empty) if ((await prometheus.labels(each.query)).length === 0) still.push(each);
    empty = still;
    if (empty.length > 0) throw new Error(empty.map(({ from, query: text }) => `${from}: ${text}`).join('\n'));
    return true;
  });
}
