import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { fleetTable, measuredExposition } from './fleet-cost.ts';

const ROOT = new URL('../', import.meta.url);
const PAGE = fileURLToPath(new URL('docs/fleet.md', ROOT));
const FLEET = { hosts: 2000, containersPerHost: 500, lifeHours: 24 };

it('docs/fleet.md has the cost by what was measured', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const table = fleetTable(FLEET, measuredExposition(ROOT));
  const filled = page.replace(
    /(<!-- cost -->\n\n)[^]*?(\n\n<!-- \/cost -->)/,
    (_, before: string, after: string) => `${before}${table}${after}`,
  );
  expect(filled).toContain('| Scrape interval |');
  await expect(filled).toMatchFileSnapshot(PAGE);
});

it('counts what a fleet costs', () => {
  const measured = { perContainer: 100, perHost: 200, lineBytes: 100 };
  const table = fleetTable({ hosts: 1000, containersPerHost: 10, lifeHours: 24 }, measured);
  expect(table).toContain(
    '**1.2 million series**: 100 of each container and 200 of each host, so 1,200 of each target;',
  );
  expect(table).toContain('**4.9 GB of memory** at 4 KiB for each series: 1 Prometheus');
  // 1.2 million series / 15 s × 86,400 s × 1.5 bytes.
  expect(table).toContain('| 15 s | 0.1 million | 10 GB | 0.1 Gbit/s |');
});

it('sends all that the rules record, and no series of a single container but those of OOM kills', () => {
  const folder = 'deploy/prometheus/fleet';
  const read = (path: string): unknown => parse(readFileSync(new URL(path, ROOT), 'utf8'));
  const { groups } = read(`${folder}/rules.yml`) as { groups: { rules: { record: string }[] }[] };
  const recorded = groups.flatMap(({ rules }) => rules.map(({ record }) => record));
  const golden = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8');
  const families = [...new Set(golden.match(/\bisolation_container_\w+/g))];
  expect([recorded.length > 5, families.length > 50]).toEqual([true, true]);
  for (const file of ['remote-write-mimir.yml', 'remote-write-thanos.yml']) {
    const config = read(`${folder}/${file}`) as {
      remote_write: { write_relabel_configs: { regex: string; action: string }[] }[];
    };
    const [{ regex, action } = { regex: '', action: '' }] = config.remote_write[0]?.write_relabel_configs ?? [];
    const isSent = (name: string) => new RegExp(`^(?:${regex})$`).test(name);
    expect(action).toBe('keep');
    expect(recorded.filter((name) => !isSent(name))).toEqual([]);
    expect(families.filter(isSent).toSorted()).toEqual([
      'isolation_container_last_oom_kill_timestamp_seconds',
      'isolation_container_oom_events_total',
    ]);
  }
});
