import { afterAll, beforeAll, expect, test } from 'vitest';
import { LAB_IMAGE } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { eventually } from '../lab/machine.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { untilComplete, within, words } from './docker-containers.ts';
import { type Paging, startPaging } from './paging.ts';

const ALERT = 'IsolationContainerOOMKilled';
const NAME = 'between-scrapes';

/** The same alert from the last scrape alone. It shows that the scrapes which fail here would resolve it. */
const CONTROL = 'OOMKilledByLastScrape';
const CONTROL_RULES = `
groups:
  - name: control
    rules:
      - alert: ${CONTROL}
        expr: time() - isolation_container_last_oom_kill_timestamp_seconds{container="${NAME}"} < 900
        labels: { severity: critical }
`;

/** Runs out of memory once it has a certain directory, and is removed at once. */
const VICTIM = `run -d --rm --name ${NAME} --network none --memory 16m --memory-swap 16m`;
const ON_DEMAND = 'until [ -e /dev/shm/go ]; do sleep 0.1; done; exec tail /dev/zero';

describeOnReleases(
  'an OOM kill pages although scrapes fail',
  (release) => {
    let paging: Paging;
    beforeAll(async () => {
      paging = await startPaging(host, {
        interval: '1s',
        release,
        flags: [
          // The kernel log still has kills of other suites. Those that are reported resolve long after this one has ended.
          '--oom.retention=2m',
          // For a Prometheus that ingests start timestamps.
          ...(release.features.includes('created-timestamp-zero-ingestion') ? ['--web.created-timestamps'] : []),
        ],
        rules: { 'control.yml': CONTROL_RULES },
      });
    });
    afterAll(() => paging?.[Symbol.asyncDispose]());

    /** The outcomes of all scrapes so far. */
    const scrapes = async (): Promise<readonly { readonly at: number; readonly succeeded: boolean }[]> => {
      const answer = await paging.prometheus.ask(`query?query=${encodeURIComponent('up[10m]')}`);
      const { result } = answer as { readonly result: readonly { readonly values: readonly [number, string][] }[] };
      return (result[0]?.values ?? []).map(([at, up]) => ({ at, succeeded: up === '1' }));
    };
    const untilScrapes = (what: string, count: number, succeeded: boolean) =>
      within(host, what, async () => (await scrapes()).slice(-count).every((scrape) => scrape.succeeded === succeeded));

    /** Stops the exporter for longer than three scrapes wait. */
    const whileScrapesFail = async (act: () => Promise<unknown>): Promise<void> => {
      await paging.exporter.kill('SIGSTOP');
      try {
        await untilScrapes('a failed scrape', 1, false);
        await act();
        await untilScrapes('three failed scrapes', 3, false);
      } finally {
        await paging.exporter.kill('SIGCONT');
      }
    };

    const sent = async (isMeant: (alertname: string) => boolean) =>
      (await paging.receiver.received()).flatMap(({ at, path, alerts }) =>
        alerts
          .filter(({ labels }) => isMeant(labels['alertname'] ?? '') && (labels['container'] ?? NAME) === NAME)
          .map(({ status, labels }) => ({ at, path, status, alert: labels['alertname'], of: labels['container'] })),
      );

    test('once', async () => {
      const { docker, exporter, notified } = paging;
      await docker.cli(...words(VICTIM), LAB_IMAGE, 'sh', '-c', ON_DEMAND);
      await untilComplete(host, exporter, [NAME]);

      await whileScrapesFail(async () => {
        await docker.cli('exec', NAME, 'mkdir', '/dev/shm/go');
        await eventually(
          'the container is gone',
          async () => (await docker.cli('ps', '-aq', '--filter', `name=${NAME}`)) === '' || undefined,
          { timeoutMs: 30_000 },
        );
      });
      const page = await notified('/pager', { alertname: ALERT, container: NAME });
      expect(page.annotations['description']).toContain(`killed a process of container ${NAME} on ${exporter.address}`);
      const killedAt =
        (await exporter.scrape()).value('isolation_container_last_oom_kill_timestamp_seconds', { container: NAME }) ??
        NaN;
      await notified('/pager', { alertname: CONTROL });

      await whileScrapesFail(() => Promise.resolve());
      await eventually(
        'the control is sent again',
        async () => {
          const states = (await sent((name) => name === CONTROL)).map(({ status }) => status);
          return (states.includes('resolved') && states.at(-1) === 'firing') || undefined;
        },
        { timeoutMs: 60_000 },
      );
      await untilScrapes('five scrapes', 5, true);

      expect(await sent((name) => name.includes('OOMKill') && name !== CONTROL)).toEqual([
        { at: page.at, path: '/pager', status: 'firing', alert: ALERT, of: NAME },
      ]);
      const failed = (await scrapes()).filter(({ succeeded }) => !succeeded).map(({ at }) => at);
      expect(failed.some((at) => at > killedAt && at < page.at)).toBe(true);
      expect(failed.some((at) => at > page.at)).toBe(true);
    });
  },
  ['docker', 'alertmanager'],
);
