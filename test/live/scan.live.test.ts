import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Outcome, quote } from '../lab/machine.ts';
import { sarifErrors } from '../sarif-schema.ts';
import { scanErrors } from '../scan-schema.ts';
import { words } from './docker-containers.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** The JSON output. */
interface Scan {
  readonly containers: readonly {
    readonly container: string;
    readonly id: string;
    readonly level: { readonly number: number };
    readonly namespaces: Readonly<Record<string, { readonly host: string }>>;
    readonly memory: { readonly limited: string; readonly limitBytes?: number };
    readonly pids: { readonly limited: string; readonly limit?: number };
    readonly findings: readonly { readonly id: string; readonly answer: string }[];
  }[];
}

interface SarifLog {
  readonly runs: readonly [
    {
      readonly results: readonly {
        readonly ruleId: string;
        readonly kind: string;
        readonly baselineState?: string;
      }[];
    },
  ];
}

describeLive('isolation-exporter scan', ['docker'], () => {
  let docker: Docker;
  const ids = new Map<string, string>();

  beforeAll(async () => {
    docker = await startDocker(host);
    const start = async (name: string, options: string): Promise<void> => {
      ids.set(name, await docker.run('--name', name, ...words(options), LAB_IMAGE));
    };
    await start('plain', '--network none --memory 64m --cpus 0.5 --pids-limit 100');
    await start('exposed', '--pid host --network host --ipc host');
    await start('unlimited', '--network none');
    await start('steers', `--network none --memory 64m --volume ${docker.socket}:/run/engine.sock`);
    // Such a process has a parent outside, as the first one has.
    for (const name of ['plain', 'exposed']) await docker.cli('exec', '-d', name, 'sleep', '1000000');
  });
  afterAll(() => docker?.[Symbol.asyncDispose]());

  const scan = (...options: readonly string[]): Promise<Outcome> =>
    host.run(
      quote(
        process.execPath,
        PROGRAM,
        'scan',
        `--docker.host=unix://${docker.socket}`,
        '--podman.host=',
        '--cri.endpoint=',
        ...options,
      ),
    );
  /** Other Docker daemons may run on this machine. */
  const own = (...options: readonly string[]): Promise<Outcome> =>
    scan(...[...ids.values()].flatMap((id) => ['--container', id]), ...options);

  test('is a table with names, limits, namespaces and findings', async () => {
    const { code, stdout, stderr } = await own();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout.split(/\n\n/);
    const rowOf = (name: string): string => rows.find((row) => new RegExp(`^${name} +docker `, 'm').test(row)) ?? '';
    expect(rowOf('plain')).toMatch(/plain +docker +(≥ )?\d \w+ +64 MiB +0\.5 +100 +user/);
    expect(rowOf('unlimited')).toMatch(/unlimited +docker +(≥ )?\d \w+ +no limit +no limit +no limit +user/);
    expect(rowOf('unlimited')).toMatch(/\n {2}medium {4}.*memory_unlimited, pids_unlimited/);
    expect(rowOf('exposed')).toMatch(/ pid net .*ipc/);
    expect(rowOf('exposed')).toMatch(/\n {2}high {6}host_pid_namespace, host_network_namespace, host_ipc_namespace/);
    expect(rowOf('steers')).toMatch(/\n {2}critical {2}engine_socket\n/);
    expect(rowOf('plain')).not.toMatch(/\n {2}(critical|high|medium) /);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('is JSON with the same facts', async () => {
    const { code, stdout } = await own('--output=json');
    expect(code).toBe(0);
    const { containers }: Scan = JSON.parse(stdout);
    const of = (name: string) => containers.find(({ id }) => id === ids.get(name));
    const found = (name: string) => of(name)?.findings.flatMap(({ id, answer }) => (answer === 'yes' ? [id] : []));
    expect(containers.map(({ container }) => container).toSorted()).toEqual([...ids.keys()].toSorted());
    expect(of('plain')).toMatchObject({
      memory: { limited: 'yes', limitBytes: 64 * 1024 ** 2 },
      pids: { limited: 'yes', limit: 100 },
      namespaces: { pid: { host: 'no' }, net: { host: 'no' }, user: { host: 'yes' } },
    });
    expect(of('exposed')).toMatchObject({
      memory: { limited: 'no' },
      namespaces: { pid: { host: 'yes' }, net: { host: 'yes' }, ipc: { host: 'yes' }, mnt: { host: 'no' } },
    });
    expect(found('steers')).toContain('engine_socket');
    expect(of('steers')?.level.number).toBe(0);
    expect(found('plain')).not.toContain('engine_socket');
  });

  test('is SARIF as its schema wants it', async () => {
    const { code, stdout } = await own('--output=sarif');
    expect(code).toBe(0);
    const log: SarifLog = JSON.parse(stdout);
    expect(sarifErrors(log)).toEqual([]);
    const failed = log.runs[0].results.filter(({ kind }) => kind === 'fail').map(({ ruleId }) => ruleId);
    expect(failed).toEqual(expect.arrayContaining(['engine_socket', 'host_pid_namespace', 'memory_unlimited']));
  });

  test.each([
    ['critical', ['--fail-on=critical'], 1],
    ['of that container', ['--container=plain', '--fail-on=medium'], 0],
    ['of that finding', ['--container=exposed', '--fail-on=host_ipc_namespace'], 1],
    ['without any', ['--container=exposed'], 0],
    ['for a container that is not there', ['--container=nobody', '--fail-on=info'], 2],
  ])('ends as CI needs it: %s', async (_, options, expected) => {
    const isForAll = !options.some((option) => option.startsWith('--container'));
    const { code, stdout, stderr } = isForAll ? await own(...options) : await scan(...options);
    expect(code, `${stdout}\n${stderr}`).toBe(expected);
  });

  test('fails a pipeline on what is new since the baseline, and on nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'isolation-exporter-scan-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const baseline = join(folder, 'baseline.json');
    const named = ['plain', 'exposed', 'unlimited', 'steers'].flatMap((name) => ['--container', name]);
    const write = await scan(...named, `--write-baseline=${baseline}`);
    expect(write.code, write.stderr).toBe(0);

    // Another container with the same name and findings is known.
    const options = ['--network', 'none', '--memory', '64m', '--cpus', '0.5', '--pids-limit', '100'];
    await docker.remove('plain');
    const again = await docker.run('--name', 'plain', ...options, LAB_IMAGE);
    const same = await scan(...named, `--baseline=${baseline}`, '--fail-on=info');
    expect(same.code, `${same.stdout}\n${same.stderr}`).toBe(0);
    expect(same.stdout).toMatch(/: 0 new, \d+ known, 0 fixed\.\n/);

    // With less isolation, it is not.
    await docker.remove(again);
    ids.set('plain', await docker.run('--name', 'plain', ...options, '--ipc', 'host', '--read-only', LAB_IMAGE));
    const worse = await scan(...named, `--baseline=${baseline}`, '--fail-on=info', '--output=sarif');
    expect(worse.code).toBe(1);
    expect(worse.stderr).toBe('isolation-exporter: --fail-on: plain: host_ipc_namespace\n');
    const log: SarifLog = JSON.parse(worse.stdout);
    expect(sarifErrors(log)).toEqual([]);
    const added = log.runs[0].results.filter(({ baselineState }) => baselineState === 'new');
    expect(added.map(({ ruleId }) => ruleId)).toEqual(['host_ipc_namespace']);
    const fixed = await scan(...named, `--baseline=${baseline}`);
    expect(fixed.stdout).toContain('Fixed since: plain: root_file_system_writable\n');
  });

  test('checks by a standard', async () => {
    const { code, stdout } = await scan('--container=exposed', '--standard=pss-baseline', '--output=json');
    expect(code).toBe(0);
    expect(scanErrors(JSON.parse(stdout))).toEqual([]);
    expect(stdout).toMatch(/"control": "Host Namespaces",\s+"title": "Host Namespaces",\s+"violates": "yes"/);
  });

  test('says nothing of a container as soon as it is gone', async () => {
    const id = await docker.run('--name', 'brief', '--network', 'none', LAB_IMAGE);
    expect((await scan(`--container=${id}`)).code).toBe(0);
    await docker.remove(id);
    expect((await scan(`--container=${id}`)).code).toBe(2);
  });
});
