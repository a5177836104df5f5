import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { newerDebianProgram } from '../lab/newer-debian.ts';
import { PROMETHEUS_FOLDER, ruleTests } from './rule-files.ts';

const RULES = fileURLToPath(new URL('../../deploy/victoria-metrics/alerts.yml', import.meta.url));

describeLive('what is shipped for VictoriaMetrics', ['newer-debian'], () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-vmalert-'));
    cpSync(RULES, join(folder, 'alerts.yml'));
    cpSync(`${PROMETHEUS_FOLDER}tests`, join(folder, 'tests'), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = async (command: string) => {
    const { stdout, stderr, code } = await host.run(`cd ${folder} && ${command}`, { timeoutMs: 240_000 });
    return { code, said: stdout + stderr };
  };

  test('is accepted by vmalert', async () => {
    const { code, said } = await run(`${newerDebianProgram('vmalert')} -dryRun -rule=alerts.yml`);
    expect(code, said).toBe(0);
  });

  // The tests are those of the rules for Prometheus, with the same values in the same texts.
  test.each([...ruleTests.keys()])('does what tests/%s says', async (file) => {
    const tool = newerDebianProgram('vmalert-tool');
    const { code, said } = await run(`${tool} unittest --files=tests/${file} -disableAlertgroupLabel`);
    expect(code, said).toBe(0);
    expect(said).toContain('SUCCESS');
  });

  test('would say if a rule did something else', async () => {
    const tool = newerDebianProgram('vmalert-tool');
    cpSync(`${PROMETHEUS_FOLDER}alerts.yml`, join(folder, 'alerts.yml'));
    const { code, said } = await run(`${tool} unittest --files=tests/health.yml -disableAlertgroupLabel`);
    cpSync(RULES, join(folder, 'alerts.yml'));
    expect(code).not.toBe(0);
    expect(said).toContain('IsolationKernelMessagesLost');
  });
});
