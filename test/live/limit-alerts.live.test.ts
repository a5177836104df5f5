import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { removeCgroups } from '../lab/remains.ts';
import { untilComplete, within, words } from './docker-containers.ts';
import { makeCgroups } from './limit-tree.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

const RULES = readFileSync(new URL('../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8');

/** Memory that cannot be dropped, and the time until the limits are set. */
const KEEP = 'dd if=/dev/zero of=/dev/shm/kept bs=1048576 count=46; until [ -e /dev/shm/go ]; do sleep 1; done';

/** What the containers do below their limits. A shell that cannot fork ends: there is room for one that nobody else takes. */
const LOADS = {
  left: `${KEEP}
    while :; do
      (for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait)
      dd if=/dev/zero of=/cache bs=1048576 count=12
      sleep 1
    done`,
  right: `${KEEP}; while :; do :; done`,
} as const;

/** Of the alerts that Prometheus' API lists. */
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

describeLive('alerts on limits of a cgroup above', ['docker', 'prometheus'], () => {
  const parent = `isolation-exporter-alerts-${process.pid}`;
  let docker: Docker;
  let exporter: Exporter;
  let prometheus: Prometheus;

  beforeAll(async () => {
    docker = await startDocker(host);
    for (const [name, load] of Object.entries(LOADS)) {
      const flags = words(`--name ${name} --network none --cgroup-parent=/${parent}`);
      await docker.run(...flags, LAB_IMAGE, 'sh', '-c', load);
    }
    const kept = async (name: string) => (await docker.cli('exec', name, 'ls', '/dev/shm')) === 'kept';
    await within(host, 'the load', async () => (await kept('left')) && kept('right'));
    for (const name of ['left', 'right']) await docker.cli('exec', name, 'mkdir', '/dev/shm/go');
    await makeCgroups(
      host,
      `limit ${parent} memory ${100 * 1024 * 1024}; limit ${parent} cpu 10000; limit ${parent} pids 8`,
    );
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilComplete(host, exporter, ['left', 'right']);
    prometheus = await startConfiguredPrometheus(host, {
      // Nobody waits for a quarter of an hour here, or for 300 periods; all else is as shipped.
      'alerts.yml': RULES.replaceAll(/^( +)for: \w+$/gm, '$1for: 0s').replaceAll('> 300 and', '> 30 and'),
      'prometheus.yml': `{ global: { scrape_interval: 2s, evaluation_interval: 2s }, rule_files: [alerts.yml], scrape_configs: [{ job_name: isolation-exporter, static_configs: [{ targets: ['${exporter.address}'] }] }] }`,
    });
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
    await removeCgroups(host, parent);
  });

  test.each(['CPUThrottlingHigh', 'PidsLimitHit', 'MemoryNearLimit', 'MemoryLimitHit'])(
    'IsolationContainer%s fires and names the cgroup',
    async (name) => {
      const firing = async (container: string) => {
        const { alerts } = (await prometheus.ask('alerts')) as { readonly alerts: readonly Alert[] };
        return alerts.find(
          ({ labels, state }) =>
            state === 'firing' &&
            labels['alertname'] === `IsolationContainer${name}` &&
            labels['container'] === container,
        );
      };
      await within(host, 'the alert', async () => (await firing('left')) !== undefined, 120_000);
      const alert = await firing('left');
      expect(alert?.labels).toMatchObject({ scope: 'shared', cgroup: `/${parent}` });
      expect(alert?.annotations['description']).toContain(`cgroup /${parent} (shared)`);
    },
  );

  test('a limit that strangers share is a missing one', async () => {
    const alerts = 'ALERTS{alertstate="firing",container="left"}';
    const names = async () => (await prometheus.labels(alerts)).map(({ alertname }) => alertname);
    expect(await names()).toEqual(
      expect.arrayContaining(['Memory', 'CPU', 'Pids'].map((what) => `IsolationContainer${what}LimitMissing`)),
    );
  });
});
