import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { junitErrors } from '../junit-schema.ts';
import { containersOf } from '../manifest.ts';
import { scanErrors } from '../scan-schema.ts';
import { PROGRAM, run, scanOf } from './scan-program.ts';

const HOST = 'host-v1-docker';
const LIMITED = containersOf(HOST).get('web') ?? '';
const EXPOSED = containersOf(HOST).get('node-agent') ?? '';

const folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-pipeline-'));
const baseline = join(folder, 'baseline.json');
afterAll(() => rmSync(folder, { recursive: true }));

/** A step of a pipeline, as its author writes it: the shell ends with the status of the scan. */
function step(...options: readonly string[]): readonly string[] {
  const command = scanOf(HOST, ...options)
    .map((word) => `'${word}'`)
    .join(' ');
  return ['sh', '-euc', `${command}\necho passed`];
}

beforeAll(async () => {
  if (!existsSync(PROGRAM)) throw new Error('dist/cli.js is not there; npm run build');
  const { code, stderr } = await run(step('--write-baseline', baseline));
  expect(code).toBe(0);
  expect(stderr).toMatch(/^isolation-exporter: wrote .*baseline\.json: \d+ findings\n/);
});

/** Writes a baseline from before a finding. */
function withoutFinding(id: string): string {
  const yesterday = join(folder, 'yesterday.json');
  const text = readFileSync(baseline, 'utf8');
  const before = text.replace(new RegExp(`("container": "${EXPOSED}",\\s*"findings": \\[[^\\]]*)"${id}",\\s*`), '$1');
  expect(before).not.toBe(text);
  writeFileSync(yesterday, before);
  return yesterday;
}

describe('a step of a pipeline', () => {
  it('passes on the state of yesterday', async () => {
    const { code, stdout } = await run(step('--baseline', baseline, '--fail-on=info'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nCompared with .*baseline\.json: 0 new, \d+ known, 0 fixed\.\n/);
    expect(stdout).not.toContain('(new)');
    expect(stdout).toMatch(/\npassed\n$/);
  });

  it('fails on one new finding, and names it', async () => {
    const { code, stdout, stderr } = await run(
      step('--baseline', withoutFinding('host_pid_namespace'), '--fail-on=info'),
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `isolation-exporter: --fail-on: ${EXPOSED}: host_pid_namespace\n`,
    });
    expect(stdout).toContain('host_pid_namespace (new)');
    expect(stdout).toMatch(/: 1 new, \d+ known, 0 fixed\.\n/);
    expect(stdout).not.toContain('passed');
  });

  it('writes the same report for the pages of a pipeline', async () => {
    const options = ['--baseline', withoutFinding('host_network_namespace'), '--fail-on=critical'];
    const junit = await run(scanOf(HOST, '--output=junit', ...options));
    expect(junit.code).toBe(0);
    expect(await junitErrors(junit.stdout)).toEqual([]);
    expect(junit.stdout.match(/<failure /g)).toHaveLength(1);
    expect(junit.stdout).toContain('<failure message="new: high: The host\'s network namespace"');
    const markdown = await run(scanOf(HOST, '--output=markdown', ...options));
    expect(markdown.stdout).toContain('`host_network_namespace` (**new**)');
  });

  it('checks by a standard', async () => {
    const passes = await run(step('--standard=pss-baseline', `--container=${LIMITED}`, '--fail-on=info'));
    expect(passes.code).toBe(0);
    expect(passes.stdout).toMatch(/^docker\/[0-9a-f]{12} +violates nothing that is checked\n/);
    expect(passes.stdout).toMatch(/\nNot checked:\n {2}HostProcess: for Windows\n/);
    const fails = await run(step('--standard=pss-baseline', `--container=${EXPOSED}`, '--fail-on=info'));
    expect(fails.code).toBe(1);
    expect(fails.stdout).toContain('  violated  Host Namespaces: host_pid_namespace, host_network_namespace\n');
    expect(fails.stdout).not.toContain('memory_unlimited');
    const { stdout } = await run(scanOf(HOST, '--standard=cis-docker', '--output=json'));
    expect(scanErrors(JSON.parse(stdout))).toEqual([]);
    expect(stdout).toContain('"violates": "yes"');
  });

  it('writes the same file each time', async () => {
    const again = join(folder, 'again.json');
    await run(scanOf(HOST, '--write-baseline', again));
    expect(readFileSync(again, 'utf8')).toBe(readFileSync(baseline, 'utf8'));
  });

  it.each([
    ['', 'the file is empty'],
    ['{"version":"2.1.0","runs":[]}', 'not a baseline of this program'],
  ])('ends with 2 and one line if the baseline is %j', async (text, message) => {
    const wrong = join(folder, 'wrong.json');
    writeFileSync(wrong, text);
    const { code, stdout, stderr } = await run(step('--baseline', wrong, '--fail-on=info'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: --baseline: [^\n]+\n$/);
    expect(stderr).toContain(`wrong.json: ${message}`);
  });
});
