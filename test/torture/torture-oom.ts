import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootGuest } from '../lab/guest.ts';
import { host } from '../lab/host.ts';
import { withSection } from '../page-section.ts';
import type { Machine } from '../lab/machine.ts';
import { renderTables, TABLES } from './reliability-table.ts';
import { runScenario, type ScenarioResult } from './run-scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);

/**
 * Tortures the built exporter with real OOM kills on this host (cgroup v1) and in an emulated guest (cgroup v2), and writes
 * what came of it into docs/reliability.md. Takes a quarter of an hour on the host and an hour in the guest, as root on a
 * machine where the live tests run.
 *
 * Usage: npm run torture:oom [-- v1|v2] [name of a scenario]. With arguments only those rows change.
 */
async function main(version: string | undefined, name: string | undefined): Promise<void> {
  if (version !== 'v2') await torture(host, 1, { title: 'cgroup v1, this host', name });
  if (version !== 'v1') await tortureGuest(name);
}

async function tortureGuest(name: string | undefined): Promise<void> {
  const directory = mkdtempSync('/tmp/isolation-exporter-torture-');
  try {
    await using guest = await bootGuest({ flavour: 'plain', directory: join(directory, 'plain'), owner: process.pid });
    await torture(guest, 2, { title: 'cgroup v2, an emulated guest', name });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes each result into the page at once: a run takes so long that it may be interrupted. */
async function torture(
  machine: Machine,
  version: 1 | 2,
  { title, name }: { readonly title: string; readonly name: string | undefined },
): Promise<void> {
  const results: ScenarioResult[] = [];
  for (const scenario of SCENARIOS) {
    if ((scenario.only ?? version) !== version || (name !== undefined && scenario.name !== name)) continue;
    const result = await runScenario(machine, scenario);
    console.error(JSON.stringify(result));
    results.push(result);
    const page = readFileSync(PAGE, 'utf8');
    writeFileSync(
      PAGE,
      withSection(page, TABLES, (before) => renderTables(SCENARIOS, [{ title, results }], before)),
    );
    // The kernel reports ten kills in five seconds in full. This pause lets the next scenario start with all ten.
    await machine.run('sleep 6');
  }
}

const [version, name] = process.argv.slice(2);
await main(version, name);
