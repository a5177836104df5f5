import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { boardFiles } from './dashboards/board-files.ts';

// Programs in Go that no package registry offers as such: they run where somebody has put them on the PATH.

const ROOT = new URL('../', import.meta.url);
const RULES = new URL('deploy/prometheus/alerts.yml', ROOT);

const boards = boardFiles().map(({ name }) => new URL(`grafana/dashboards/${name}.json`, ROOT).pathname);
whereInstalled(
  'dashboard-linter',
  boards.map((board) => ['lint', '--strict', board]),
);
// Offline: the checks that need no Prometheus.
whereInstalled(
  'pint',
  existsSync(RULES) ? [['--no-color', '--offline', '--log-level=warn', 'lint', RULES.pathname]] : [],
);

function whereInstalled(program: string, commands: readonly (readonly string[])[]): void {
  const isInstalled = spawnSync(program, ['--help']).error === undefined;
  describe.skipIf(!isInstalled)(isInstalled ? program : `${program} [skipped: it is not installed]`, () => {
    test('has nothing to say', () => {
      for (const words of commands) {
        const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
        expect(status, `${stdout}${stderr}`).toBe(0);
      }
    });
  });
}
