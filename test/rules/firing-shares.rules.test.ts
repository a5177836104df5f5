import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { host } from '../lab/host.ts';
import { describeLong } from '../lab/live.ts';
import { newerDebianProgram } from '../lab/newer-debian.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { OLDEST } from '../lab/prometheus-releases.ts';
import { CONDITIONS } from './conditions.ts';
import { FAILURES, type Failing, FLAPPING, INTERVALS, type Shares, sharesFile, sharesIn } from './firing-shares.ts';
import { type SharesTable, sharesTable, storedShares } from './firing-shares-table.ts';
import { rules } from './rule-files.ts';

/** How a release runs tests of rules. */
interface Tool {
  readonly name: string;
  readonly command: string;
  readonly rules: string;
  readonly language: 'promql' | 'metricsql';
  readonly isOldest?: boolean;
}

const CASES = INTERVALS.flatMap((interval) =>
  (Object.keys(FAILURES) as Failing[]).map((failing) => ({ interval, failing })),
);

/** All cases take a quarter of an hour for a release; `LAB=all` runs them, and with `-u` rewrites the table. */
const isFull = process.env['LAB'] === 'all';
const SAMPLE = [{ interval: 120, failing: '1 in 3' }] as const;

const deployed = (file: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/${file}`, import.meta.url)), 'utf8');

function suite({ name, command, rules: file, language, isOldest = false }: Tool): void {
  const text = deployed(file);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-shares-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const measure = async (interval: number, failing: Failing, alerts = text): Promise<Shares> => {
    writeFileSync(join(folder, 'alerts.yml'), alerts);
    writeFileSync(join(folder, 'test.yml'), sharesFile(interval, failing, language));
    const { stdout, stderr } = await host.run(`cd ${folder} && ${command}`, { timeoutMs: 600_000 });
    return sharesIn(stdout + stderr);
  };

  test('each alert fires while its condition holds, and only then', { timeout: 3_600_000 }, async () => {
    const measured: Record<string, Shares> = {};
    for (const { interval, failing } of isFull ? CASES : SAMPLE) {
      const shares = await measure(interval, failing);
      measured[`${interval} ${failing}`] = shares;
      const tooLittle = Object.entries(shares).filter(([alert, { holds }]) =>
        // Without a failed scrape its condition does not hold.
        alert === FLAPPING && failing === 'none' ? holds > 0 : holds < 95,
      );
      expect(tooLittle, `${interval} s, ${failing}`).toEqual([]);
      expect(Object.entries(shares).filter(([, { not }]) => not > 0)).toEqual([]);
    }
    if (isFull) {
      const table = sharesTable((interval, failing) => measured[`${interval} ${failing}`] ?? {});
      await expect(`${JSON.stringify(table, null, 2)}\n`).toMatchFileSnapshot(storedShares(name));
      return;
    }
    const stored = JSON.parse(readFileSync(storedShares(name), 'utf8')) as SharesTable;
    for (const { interval, failing } of SAMPLE) {
      const shares = Object.entries(measured[`${interval} ${failing}`] ?? {});
      const column = shares.map(([alert]) => [
        alert,
        stored[alert]?.[`${interval} s`]?.split(' ')[Object.keys(FAILURES).indexOf(failing)],
      ]);
      expect(shares.map(([alert, { holds }]) => [alert, String(holds)])).toEqual(column);
    }
  });

  // Shows that the method notices, for which one release is enough.
  if (!isOldest) return;
  test('a rule without its look-back falls short', async () => {
    const bare = text.replaceAll(/last_over_time\((isolation_container_privileged\{[^}]*\})\[5m\]\)/g, '$1');
    expect(bare).not.toBe(text);
    const { IsolationContainerPrivileged: share } = await measure(60, '1 in 9', bare);
    expect(share?.holds).toBeLessThan(50);
  });
}

test('every alert has a condition', () => {
  const apart = ['IsolationExporterDown', 'IsolationExporterAbsent', FLAPPING];
  expect([...Object.keys(CONDITIONS), ...apart].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
});

describeOnReleases('how long alerts fire while scrapes fail', (release) =>
  suite({
    name: release.name,
    command: `${release.promtool} test rules test.yml`,
    rules: 'prometheus/alerts.yml',
    language: 'promql',
    isOldest: release === OLDEST,
  }),
);

describeLong('how long alerts fire while scrapes fail, VictoriaMetrics', ['newer-debian'], () =>
  suite({
    name: 'VictoriaMetrics',
    command: `${newerDebianProgram('vmalert-tool')} unittest --files=test.yml -disableAlertgroupLabel`,
    rules: 'victoria-metrics/alerts.yml',
    language: 'metricsql',
  }),
);
