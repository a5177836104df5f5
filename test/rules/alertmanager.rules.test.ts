import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { type AlertLabels, startAlertmanager } from '../lab/alertmanager.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote } from '../lab/machine.ts';
import { startWebhookReceiver } from '../lab/webhook-receiver.ts';
import { PROMETHEUS_FOLDER, rules } from './rule-files.ts';

/** The shipped configuration. */
const CONFIG = fileURLToPath(new URL('../../deploy/alertmanager/alertmanager.yml', import.meta.url));
const CONFIG_TEXT = readFileSync(CONFIG, 'utf8');

/** In seconds: that of all shipped configurations, and Prometheus' default. */
const LONGEST_EVALUATION = Math.max(
  60,
  ...readdirSync(PROMETHEUS_FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yml') && !file.includes('tests/'))
    .flatMap((file) => [
      ...readFileSync(`${PROMETHEUS_FOLDER}${file}`, 'utf8').matchAll(/evaluation_interval: (\d+)([sm])/g),
    ])
    .map(([, count, unit]) => Number(count) * (unit === 'm' ? 60 : 1)),
);

/** The receiver of each alert. */
const RECEIVERS: Readonly<Record<string, 'pager' | 'tickets' | 'nobody'>> = {
  IsolationContainerOOMKilled: 'pager',
  IsolationHostOOMKill: 'pager',
  IsolationOOMKillUnattributed: 'pager',
  IsolationOOMKillFoundAfterGap: 'tickets',
  IsolationContainerOOMKillLoop: 'pager',
  IsolationContainerMemoryLimitMissing: 'pager',
  IsolationContainerCPULimitMissing: 'nobody',
  IsolationContainerPidsLimitMissing: 'nobody',
  IsolationContainerMemoryNearLimit: 'tickets',
  IsolationContainerCPUThrottlingHigh: 'nobody',
  IsolationContainerMemoryPressureHigh: 'tickets',
  IsolationContainerMemoryLimitHit: 'nobody',
  IsolationContainerPidsLimitHit: 'tickets',
  IsolationContainerRestartsFrequent: 'tickets',
  IsolationContainerUnhealthy: 'tickets',
  IsolationContainerNotRunning: 'pager',
  IsolationContainerHostNamespace: 'tickets',
  IsolationContainerPrivileged: 'tickets',
  IsolationContainerProcessEscaped: 'pager',
  IsolationContainerCriticalFinding: 'tickets',
  IsolationContainerDrifted: 'tickets',
  IsolationAcceptEntriesExpired: 'tickets',
  IsolationAcceptEntriesUnmatched: 'nobody',
  IsolationExporterDown: 'pager',
  IsolationExporterAbsent: 'pager',
  IsolationExporterScrapesFailing: 'tickets',
  IsolationSourceDown: 'tickets',
  IsolationDetailSourceDown: 'nobody',
  IsolationCollectorFailing: 'tickets',
  IsolationExporterClockSkew: 'tickets',
  IsolationKernelMessagesLost: 'tickets',
};

/** Which alerts inhibit which others of the same exporter. No other pair does. */
const INHIBITED_BY: Readonly<Record<string, readonly string[]>> = {
  IsolationHostOOMKill: ['IsolationContainerOOMKilled', 'IsolationOOMKillUnattributed'],
  IsolationExporterScrapesFailing: ['IsolationExporterDown'],
  IsolationSourceDown: ['IsolationExporterDown'],
  IsolationDetailSourceDown: ['IsolationExporterDown'],
  IsolationCollectorFailing: ['IsolationExporterDown'],
  IsolationExporterClockSkew: ['IsolationExporterDown'],
  IsolationKernelMessagesLost: ['IsolationExporterDown'],
};

const severityOf = new Map(rules.map(({ alert, labels }) => [alert, labels['severity'] ?? '']));

describeLive('what is shipped for Alertmanager', ['alertmanager'], () => {
  const amtool = (...words: readonly string[]) => host.run(`amtool ${quote(...words)}`);

  test('is a valid configuration', async () => {
    expect(await amtool('check-config', CONFIG)).toMatchObject({ code: 0 });
  });

  test('sends all that there is', () => {
    expect(Object.keys(RECEIVERS)).toEqual(rules.map(({ alert }) => alert));
  });

  test.each(Object.entries(RECEIVERS))('sends %s to %s', async (alert, receiver) => {
    const flags = [`--config.file=${CONFIG}`, `--verify.receivers=${receiver}`];
    const labels = [`alertname=${alert}`, `severity=${severityOf.get(alert)}`, 'job=isolation-exporter', 'instance=h1'];
    expect(await amtool('config', 'routes', 'test', ...flags, ...labels)).toMatchObject({
      stdout: `${receiver}\n`,
      code: 0,
    });
  });

  test('pages on missing limits by one line', async () => {
    const line = /^ *- \{.*IsolationContainerMemoryLimitMissing.*\n/m;
    expect(CONFIG_TEXT).toMatch(line);
    const without = quote(CONFIG_TEXT.replace(line, ''));
    const alert = 'IsolationContainerMemoryLimitMissing';
    const script = `file=$(mktemp) && trap 'rm "$file"' EXIT && printf %s ${without} > "$file"
      amtool config routes test --config.file="$file" alertname=${alert} severity=${severityOf.get(alert)}`;
    expect(await host.run(script)).toMatchObject({ stdout: 'tickets\n', code: 0 });
  });

  /** Sends alerts to a real Alertmanager, and returns those it inhibits, as lines made from their labels. */
  const expectKeptBack = async (
    alerts: readonly AlertLabels[],
    line: (labels: AlertLabels) => string,
    expected: readonly string[],
  ) => {
    await using alertmanager = await startAlertmanager(host, CONFIG_TEXT.replaceAll('localhost:9095', 'localhost:9'));
    await alertmanager.tell(alerts);
    const keptBack = async () => {
      const states = (await alertmanager.alerts()).map(({ labels, status }) => ({ labels, state: status.state }));
      if (states.length < alerts.length || states.some(({ state }) => state === 'unprocessed')) return undefined;
      return states
        .filter(({ state }) => state === 'suppressed')
        .map(({ labels }) => line(labels))
        .toSorted();
    };
    await vi.waitFor(async () => expect(await keptBack()).toEqual(expected.toSorted()), { timeout: 20_000 });
  };

  test('waits with the count of the host for the alert that names the container', async () => {
    await using receiver = await startWebhookReceiver(host);
    // Ten times as fast as shipped.
    const fast = CONFIG_TEXT.replaceAll('localhost:9095', receiver.address).replaceAll(
      /group_wait: (\d)0s/g,
      'group_wait: $1s',
    );
    await using alertmanager = await startAlertmanager(host, fast);
    const alertOf = (alertname: string) => ({
      alertname,
      severity: severityOf.get(alertname) ?? '',
      job: 'isolation-exporter',
      instance: 'h1',
    });
    await alertmanager.tell([alertOf('IsolationHostOOMKill')]);
    // The longest evaluation interval.
    await setTimeout(LONGEST_EVALUATION * 100);
    await alertmanager.tell([alertOf('IsolationContainerOOMKilled')]);
    await setTimeout(5000);
    const sent = (await receiver.received()).flatMap(({ alerts }) => alerts.map(({ labels }) => labels['alertname']));
    expect(sent).toEqual(['IsolationContainerOOMKilled']);
  });

  test('keeps back what another alert tells, and no more', async () => {
    const alerts = rules.map(({ alert }) => alert);
    const pairs = alerts.flatMap((source) =>
      alerts.filter((it) => it !== source).map((target) => ({ source, target })),
    );
    const labelsOf = (alert: string, instance: string) => ({
      alertname: alert,
      severity: severityOf.get(alert) ?? '',
      job: 'isolation-exporter',
      cluster: 'c1',
      instance,
    });
    // Each pair on its own host: a possible source and a possible target, the latter also in another cluster and of another job.
    const told = pairs.flatMap(({ source, target }) => {
      const [one, other] = [source, target].map((alert) => labelsOf(alert, `${source} and ${target}`));
      return [one ?? {}, other ?? {}, { ...other, cluster: 'c2' }, { ...other, job: 'other' }];
    });
    const expected = Object.entries(INHIBITED_BY).flatMap(([target, sources]) =>
      sources.flatMap((source) =>
        // Each pair occurs in both orders.
        [`${source} and ${target}`, `${target} and ${source}`].map(
          (instance) => `${target} of ${instance} isolation-exporter c1`,
        ),
      ),
    );
    const line = ({ alertname, instance, job, cluster }: AlertLabels) =>
      `${alertname} of ${instance} ${job} ${cluster}`;
    await expectKeptBack(told, line, expected);
  });

  test('tells each kill, whatever else there is to tell', async () => {
    const all = rules.map(({ alert, labels }) => ({
      ...labels,
      alertname: alert,
      job: 'isolation-exporter',
      instance: 'h1',
    }));
    await expectKeptBack(all, ({ alertname = '' }) => alertname, Object.keys(INHIBITED_BY));
  });
});
