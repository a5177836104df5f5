import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const RULES = new URL('../deploy/prometheus/alerts.yml', import.meta.url).pathname;

// pint is not packaged, so this test runs only if it is on the PATH.
const isInstalled = spawnSync('pint', ['--help']).error === undefined;

describe.skipIf(!isInstalled)(isInstalled ? 'pint' : 'pint [skipped: it is not installed]', () => {
  test('reports no problems in the alerting rules', () => {
    // Offline: the checks that need no Prometheus.
    const words = ['--no-color', '--offline', '--log-level=warn', 'lint', RULES];
    const { status, stdout, stderr } = spawnSync('pint', words, { encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});
