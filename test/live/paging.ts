import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Alertmanager, startAlertmanager } from '../lab/alertmanager.ts';
import { type Docker, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { eventually, type Machine } from '../lab/machine.ts';
import { OLDEST, type PrometheusRelease } from '../lab/prometheus-releases.ts';
import { type NotifiedAlert, startWebhookReceiver, type WebhookReceiver } from '../lab/webhook-receiver.ts';
import { within } from './docker-containers.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

/** The path from a kill by the kernel to a page, through all shipped files. */
export interface Paging extends AsyncDisposable {
  readonly docker: Docker;
  readonly exporter: Exporter;
  readonly receiver: WebhookReceiver;
  readonly alertmanager: Alertmanager;
  readonly prometheus: Prometheus;
  /** Waits for a notification that contains an alert. Returns it with its time of arrival. */
  notified(path: string, labels: Readonly<Record<string, string>>): Promise<NotifiedAlert & { readonly at: number }>;
}

export interface PagingOptions {
  /** The interval of scrapes and evaluations. */
  readonly interval: string;
  /** Prometheus runs with the feature flags of this release. */
  readonly release?: PrometheusRelease;
  /** More flags of the exporter. */
  readonly flags?: readonly string[];
  /** More files in the directory of Prometheus, which its configuration names as rules. */
  readonly rules?: Readonly<Record<string, string>>;
}

/** Starts all parts of the path, and waits until Prometheus has scraped twice. */
export async function startPaging(machine: Machine, options: PagingOptions): Promise<Paging> {
  const { interval, release = OLDEST, flags = [], rules = {} } = options;
  const parts: AsyncDisposable[] = [];
  const dispose = async () => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
  };
  const started = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    parts.push(part);
    return part;
  };
  try {
    const docker = await started(startDocker(machine));
    const exporter = await started(
      startExporter(machine, { flags: [`--docker.host=unix://${docker.socket}`, ...flags] }),
    );
    const receiver = await started(startWebhookReceiver(machine));
    const alertmanager = await started(startAlertmanager(machine, alertmanagerConfig(receiver.address)));
    const prometheus = await started(
      startConfiguredPrometheus(
        machine,
        { ...prometheusFiles(exporter.address, alertmanager.address, interval, release, Object.keys(rules)), ...rules },
        { release, features: release.features },
      ),
    );
    // Prometheus must have scraped the host's count before the kill.
    await within(machine, 'two scrapes', async () => ((await prometheus.value(SCRAPES)) ?? 0) >= 2);
    const notified = notifications(machine, receiver);
    return { docker, exporter, receiver, alertmanager, prometheus, notified, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Waits for notifications, as {@link Paging.notified} does. */
export function notifications(machine: Machine, receiver: WebhookReceiver): Paging['notified'] {
  return (path, labels) =>
    eventually(
      `${path} gets ${JSON.stringify(labels)}`,
      async () => {
        for (const notification of await receiver.received()) {
          const alert = notification.alerts.find((one) => isLike(one, labels));
          if (notification.path === path && alert !== undefined) return { ...alert, at: notification.at };
        }
        return undefined;
      },
      { timeoutMs: 60_000 * machine.slowness },
    );
}

/** Whether an alert has at least these labels. */
export function isLike(alert: NotifiedAlert, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => alert.labels[name] === value);
}

const SCRAPES = 'count_over_time(isolation_host_oom_kills_total{job="isolation-exporter"}[1m])';

/** A file of `deploy/`. */
export const shipped = (file: string) => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');

/** Replaces a text, which must exist. */
export function adjust(text: string, pattern: RegExp, replacement: string): string {
  expect(text).toMatch(pattern);
  return text.replaceAll(pattern, replacement);
}

/** The shipped configuration with other addresses, and with seconds instead of minutes. */
export function alertmanagerConfig(receiver: string): string {
  let text = shipped('alertmanager/alertmanager.yml');
  text = adjust(text, /localhost:9095/g, receiver);
  text = adjust(text, /group_wait: (\d)0s/g, 'group_wait: $1s');
  return adjust(text, /group_interval: 1m/g, 'group_interval: 1s');
}

function prometheusFiles(
  exporter: string,
  alertmanager: string,
  interval: string,
  { globals }: PrometheusRelease,
  rules: readonly string[],
): Readonly<Record<string, string>> {
  let config = shipped('prometheus/prometheus.yml');
  config = adjust(config, /localhost:10061/g, exporter);
  config = adjust(config, /localhost:9093/g, alertmanager);
  config = adjust(config, /_interval: 15s/g, `_interval: ${interval}`);
  const more = Object.entries(globals).map(([name, value]) => `\n  ${name}: ${JSON.stringify(value)}`);
  config = adjust(config, /^global:$/gm, `global:${more.join('')}`);
  config = adjust(config, /^ +- alerts.yml$/gm, ['alerts.yml', ...rules].map((file) => `  - ${file}`).join('\n'));
  return { 'prometheus.yml': config, 'alerts.yml': adjust(shipped('prometheus/alerts.yml'), /for: 15m/g, 'for: 1s') };
}
