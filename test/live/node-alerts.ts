import { parse, stringify } from 'yaml';
import { type Alertmanager, startAlertmanager } from '../lab/alertmanager.ts';
import type { Machine } from '../lab/machine.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../lab/webhook-receiver.ts';
import { adjust, alertmanagerConfig, type Paging, notifications, shipped } from './paging.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

/** The way from an exporter on a node to a pager, through all shipped files. */
export interface NodeAlerts extends AsyncDisposable, Pick<Paging, 'notified'> {
  readonly prometheus: Prometheus;
  readonly alertmanager: Alertmanager;
  readonly receiver: WebhookReceiver;
  /** The labels of all alerts with this name that fire. */
  firing(alertname: string): Promise<readonly Readonly<Record<string, string>>[]>;
}

/** How often the emulated Prometheus scrapes and evaluates, in seconds. */
const INTERVAL_S = 20;

/** Starts all parts beside the node. @param target where the exporter listens. */
export async function startNodeAlerts(machine: Machine, target: string): Promise<NodeAlerts> {
  const parts: AsyncDisposable[] = [];
  const dispose = async () => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
  };
  try {
    const receiver = await startWebhookReceiver(machine);
    parts.push(receiver);
    const alertmanager = await startAlertmanager(machine, alertmanagerConfig(receiver.address));
    parts.push(alertmanager);
    const files = { 'prometheus.yml': config(target, alertmanager.address), 'alerts.yml': rules() };
    const prometheus = await startConfiguredPrometheus(machine, files);
    parts.push(prometheus);
    return {
      receiver,
      alertmanager,
      prometheus,
      notified: notifications(machine, receiver),
      firing: (alertname) => prometheus.labels(`ALERTS{alertstate="firing",alertname="${alertname}"}`),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The shipped configuration, with the name of the node as the instance, as the shipped PodMonitor sets it. */
function config(target: string, alertmanager: string): string {
  let text = shipped('prometheus/prometheus.yml');
  text = adjust(text, /localhost:9093/g, alertmanager);
  text = adjust(text, /_interval: 15s/g, `_interval: ${INTERVAL_S}s`);
  text = adjust(text, /^global:$/gm, `global:\n  scrape_timeout: ${INTERVAL_S}s`);
  return adjust(
    text,
    /targets: \['localhost:10061'\]/g,
    `targets: ['${target}']\n        labels: { instance: node-1 }`,
  );
}

interface Rule {
  readonly for?: string;
}

/** The rules of the shipped PrometheusRule. Nobody waits for a quarter of an hour here. */
function rules(): string {
  const { spec } = parse(shipped('kubernetes/base/prometheusrule.yaml')) as {
    readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
  };
  const groups = spec.groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, ...(rule.for !== undefined && { for: '1s' }) })),
  }));
  return stringify({ groups });
}
