import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform, PlatformOfSuite } from '../test/platforms/platforms-table.ts';

/** What a suite shows on each of its platforms, and what else on some, by the title of the tests. */
interface Suite {
  readonly works: string;
  readonly more: Readonly<Record<string, string>>;
}

/** Suites that make their platforms themselves, such as a guest with an engine, and what each shows if all of its tests pass. */
const SUITES: Readonly<Record<string, Suite>> = {
  kubelet: {
    works:
      'static pods of all classes under their names, with and without a socket; limits, levels, namespaces, traffic, diagnose',
    more: {
      'a node of Kubernetes with runc and the systemd driver':
        'starts, OOM kills of a group, resizes in place, deleted pods, restarts of kubelet and containerd; values as in its own metrics; the pod of the base manifests as shipped, alerts on missing limits',
    },
  },
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
    .flatMap(([suite, { works, more }]) => {
      const tests = resultsOf(suite);
      return [...new Set(tests.map(titleOf))].flatMap((title) => {
        const ofIt = tests.filter((test) => titleOf(test) === title);
        const platform = ofIt.find(({ meta }) => meta?.platform !== undefined)?.meta?.platform;
        if (platform === undefined || ofIt.some(({ status }) => status !== 'passed')) return [];
        return {
          ...platform,
          works: [works, ...(more[title] === undefined ? [] : [more[title]])],
          date: new Date().toISOString().slice(0, 10),
        };
      });
    });
}

const titleOf = ({ ancestorTitles }: TestResult): string => ancestorTitles[0] ?? '';

function resultsOf(suite: string): readonly TestResult[] {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-platforms-'));
  const report = join(directory, 'report.json');
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`];
  const command = ['vitest', 'run', '--project', 'live', ...reporters, `test/live/${suite}.live.test.ts`];
  spawnSync('npx', command, { stdio: 'inherit', env: { ...process.env, LAB: 'all' } });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly { readonly assertionResults: readonly TestResult[] }[];
  };
  rmSync(directory, { recursive: true });
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}
