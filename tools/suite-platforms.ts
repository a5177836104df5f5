import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform, PlatformOfSuite } from '../test/platforms/platforms-table.ts';

/** Suites that make their platforms themselves, such as a guest with an engine, and what each shows if all of its tests pass. */
const SUITES: Readonly<Record<string, string>> = {
  kubelet:
    'static pods of all classes under their names, with and without a socket; limits, levels, namespaces, traffic; with runc also starts, OOM kills, deleted pods, restarts of kubelet and containerd, and values as in its own metrics',
};

/** A test in the report of a run. */
interface TestResult {
  readonly status: string;
  readonly ancestorTitles: readonly string[];
  readonly meta?: { readonly platform?: PlatformOfSuite };
}

/**
 * Runs suites that make their own platforms, with `LAB=all`, and returns those on which all tests passed.
 *
 * @param wanted the names of engines; empty for all.
 */
export function suitePlatforms(wanted: readonly string[]): readonly Platform[] {
  return Object.entries(SUITES)
    .filter(([suite]) => wanted.length === 0 || wanted.includes(suite))
    .flatMap(([suite, works]) => {
      const tests = resultsOf(suite);
      return [...new Set(tests.map(titleOf))].flatMap((title) => {
        const ofIt = tests.filter((test) => titleOf(test) === title);
        const platform = ofIt.find(({ meta }) => meta?.platform !== undefined)?.meta?.platform;
        if (platform === undefined || ofIt.some(({ status }) => status !== 'passed')) return [];
        return { ...platform, works: [works], date: new Date().toISOString().slice(0, 10) };
      });
    });
}

const titleOf = ({ ancestorTitles }: TestResult): string => ancestorTitles[0] ?? '';

function resultsOf(suite: string): readonly TestResult[] {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-platforms-'));
  const report = join(directory, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const command = ['vitest', 'run', '--project', 'live', ...reporters, `test/live/${suite}.live.test.ts`];
  spawnSync('npx', command, { stdio: 'inherit', env: { ...process.env, LAB: 'all' } });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly { readonly assertionResults: readonly TestResult[] }[];
  };
  rmSync(directory, { recursive: true });
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}
