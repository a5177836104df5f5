import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Disables engines, because this machine may have some. */
const DIAGNOSE = [process.execPath, PROGRAM, 'diagnose', '--docker.host=', '--podman.host=', '--cri.endpoint='];

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The JSON output. */
interface Diagnosis {
  readonly deployment: string;
  readonly passed: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly remedies?: Readonly<Record<string, string>>;
  }[];
}

async function run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ending> {
  const [program = '', ...argv] = command;
  const child = spawn(program, argv, {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Runs it behind a command prefix, and parses its JSON. It exits with 0 if and only if all checks passed. */
async function diagnose(before: readonly string[], ...options: readonly string[]): Promise<Diagnosis> {
  const { code, stdout, stderr } = await run([...before, ...DIAGNOSE, '--output=json', ...options]);
  expect(stderr).toBe('');
  const diagnosis: Diagnosis = JSON.parse(stdout);
  expect(code).toBe(diagnosis.passed ? 0 : 1);
  expect(diagnosis.passed).toBe(diagnosis.checks.every(({ status }) => status === 'ok' || status === 'note'));
  return diagnosis;
}

const check = ({ checks }: Diagnosis, name: string): Diagnosis['checks'][number] | undefined =>
  checks.find((each) => each.name === name);

const isRoot = process.getuid?.() === 0;

/** Whether any user can run Node and the program: every directory above them must be searchable by all. */
const isOpenToAll =
  isRoot &&
  spawnSync('setpriv', ['--reuid=65534', '--clear-groups', 'test', '-r', PROGRAM, '-a', '-x', process.execPath])
    .status === 0;

beforeAll(() => {
  if (!existsSync(PROGRAM)) throw new Error('dist/cli.js is not there; npm run build');
});

describe('isolation-exporter diagnose', () => {
  it('prints a table, and exits with 1 if a check failed', async () => {
    const { code, stdout, stderr } = await run(DIAGNOSE);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^isolation-exporter \d+\.\d+\.\d+, run [^\n]+\n\n(ok|FAILED) +user  /);
    expect(stdout).toMatch(code === 0 ? /\nAll \d+ checks passed/ : /\n\d+ of \d+ checks failed/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    // The output is not a terminal.
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    ['as usual', {}, true],
    ['with NO_COLOR', { NO_COLOR: '1' }, false],
    ['if it is dumb', { TERM: 'dumb' }, false],
  ])('is in colour on a terminal %s', async (_, environment, coloured) => {
    // script(1) runs a command in its own terminal.
    const command = DIAGNOSE.map((word) => `'${word}'`).join(' ');
    const { stdout } = await run(['script', '-qec', command, '/dev/null'], { TERM: 'xterm', ...environment });
    expect(stdout).toMatch(/user +(root|uid \d+)/);
    expect(stdout.includes('\u001b[')).toBe(coloured);
  });

  it('checks the file of accepted findings', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-diagnose-'));
    const file = join(directory, 'accept.yml');
    const entry = 'match: { container: web }, findings: [net_raw], reason: ok, expires';
    writeFileSync(file, `accept:\n  - { ${entry}: 2999-12-31 }\n  - { ${entry}: 2020-12-31 }\n`);
    const option = `--findings.accept-file=${file}`;
    expect(check(await diagnose([], option), 'accept file')).toMatchObject({
      status: 'note',
      message: `${file}: 2 entries, 1 of them expired (line 3)`,
    });
    writeFileSync(file, 'accept: [{}]\n');
    expect(check(await diagnose([], option), 'accept file')).toMatchObject({
      status: 'failed',
      message: `${file}: line 1, entry 1: match: missing: name containers by engine, namespace, pod, container, image, labels`,
      remedies: { kubernetes: 'correct the ConfigMap, and mount it without subPath' },
    });
    rmSync(directory, { recursive: true });
    expect(check(await diagnose([], option), 'accept file')?.message).toMatch(
      /ENOENT: "[^"]+accept\.yml" |ENOENT: no such/,
    );
    expect(check(await diagnose([]), 'accept file')).toMatchObject({ status: 'ok', message: 'not used' });
  });

  it.skipIf(!isRoot)('reports what root has', async () => {
    const diagnosis = await diagnose([]);
    expect(check(diagnosis, 'user')).toMatchObject({ status: 'ok', message: 'root' });
    expect(check(diagnosis, 'capabilities')).toMatchObject({ status: 'ok' });
    expect(check(diagnosis, 'cgroup tree')).toMatchObject({ status: 'ok' });
    expect(check(diagnosis, '/proc/<pid>/ns')).toMatchObject({ status: 'ok' });
    expect(check(diagnosis, 'docker')).toMatchObject({ status: 'ok' });
  });

  it.skipIf(!isOpenToAll)('reports what another user lacks', async () => {
    const setpriv = 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all'.split(' ');
    const diagnosis = await diagnose(setpriv);
    expect(diagnosis.passed).toBe(false);
    expect(check(diagnosis, 'user')).toMatchObject({ status: 'ok', message: 'uid 65534' });
    expect(check(diagnosis, 'capabilities')).toMatchObject({
      status: 'failed',
      message: 'no CAP_SYS_PTRACE; it has none',
      remedies: {
        systemd: expect.stringContaining('AmbientCapabilities=CAP_SYS_PTRACE'),
        docker: '--user 0:0 --cap-add SYS_PTRACE',
      },
    });
    expect(check(diagnosis, '/proc/<pid>/ns')).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/PID 1.* of other users/),
    });
    // Neither check needs a privilege.
    expect(check(diagnosis, 'cgroup tree')).toMatchObject({ status: 'ok' });
    expect(check(diagnosis, 'OOM kills')?.status).not.toBe('failed');
  });

  it.skipIf(!isOpenToAll)('reports CAP_SYS_PTRACE of another user', async () => {
    const setpriv =
      'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+sys_ptrace --ambient-caps=+sys_ptrace'.split(' ');
    const diagnosis = await diagnose(setpriv);
    expect(check(diagnosis, 'capabilities')).toMatchObject({ status: 'ok', message: 'it has CAP_SYS_PTRACE' });
    expect(check(diagnosis, '/proc/<pid>/ns')).toMatchObject({ status: 'ok' });
  });

  it.skipIf(!isRoot)('reports its own pid namespace, with remedies', async () => {
    const diagnosis = await diagnose('unshare --pid --fork --mount-proc'.split(' '));
    expect(diagnosis.passed).toBe(false);
    expect(check(diagnosis, 'pid namespace')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('its own'),
      remedies: { docker: '--pid host', kubernetes: 'hostPID: true' },
    });
    expect(check(diagnosis, '/proc/<pid>/ns')).toMatchObject({ status: 'note' });
    expect(check(diagnosis, 'cgroup tree')).toMatchObject({ status: 'ok' });
  });

  it.skipIf(!isRoot)('reports that capabilities have no effect outside its own user namespace', async () => {
    const diagnosis = await diagnose('unshare --user --map-root-user'.split(' '));
    expect(check(diagnosis, 'user')).toMatchObject({ status: 'failed', remedies: { docker: '--userns host' } });
  });

  it.skipIf(!isRoot)('names the option of a procfs that hides processes', async () => {
    const hidden = ['unshare', '--mount', 'sh', '-c', 'mount -t proc -o subset=pid proc /mnt && exec "$@"', '-'];
    const diagnosis = await diagnose(hidden, '--path.procfs=/mnt');
    expect(check(diagnosis, 'hidepid')).toMatchObject({ status: 'failed', remedies: { systemd: 'ProcSubset=all' } });
  });

  it('reports where it looked for cgroups, and that the exporter does not start', async () => {
    const diagnosis = await diagnose([], '--path.cgroupfs=/nowhere');
    expect(diagnosis.passed).toBe(false);
    expect(check(diagnosis, 'cgroup tree')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('"/nowhere"'),
      missing: expect.stringContaining('does not start'),
    });
    expect(check(diagnosis, 'containers')).toMatchObject({ status: 'unknown' });
  });

  it('reports a path that is not a procfs', async () => {
    const diagnosis = await diagnose([], '--path.procfs=/nowhere');
    expect(check(diagnosis, 'pid namespace')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('/nowhere is not a procfs'),
    });
  });

  it('reports why an engine does not answer', async () => {
    const diagnosis = await diagnose([], '--docker.host=tcp://127.0.0.1:1', '--podman.host=/nowhere.sock');
    expect(check(diagnosis, 'docker')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(check(diagnosis, 'podman')).toMatchObject({ status: 'failed', message: 'nothing at /nowhere.sock' });
  });

  it('shows remedies for the requested deployment', async () => {
    const bogus = [...DIAGNOSE, '--path.cgroupfs=/nowhere'];
    const all = await run([...bogus, '--remedies=all']);
    for (const head of ['by hand:', '[Service]:', 'docker run:', 'pod spec:']) expect(all.stdout).toContain(head);
    const one = await run([...bogus, '--remedies=kubernetes']);
    expect(one.stdout).toContain('pod spec: a read-only hostPath volume of /sys/fs/cgroup');
    expect(one.stdout).not.toMatch(/by hand:|\[Service\]:|docker run:/);
  });

  it.each([
    ['an unknown flag', ['--outputs=json'], /unknown option '--outputs' \(Did you mean --output\?\)/],
    ['a wrong value', ['--output=xml'], /--output: expected table or json, not "xml"/],
    ['something more', ['twice'], /too many arguments/],
  ])('prints one line about %s', async (_, argv, message) => {
    const { code, stdout, stderr } = await run([process.execPath, PROGRAM, 'diagnose', ...argv]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });
});
