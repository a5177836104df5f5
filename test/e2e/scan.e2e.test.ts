import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { containersOf } from '../manifest.ts';
import { junitErrors } from '../junit-schema.ts';
import { sarifErrors } from '../sarif-schema.ts';
import { scanErrors } from '../scan-schema.ts';
import { type Ending, FIXTURES, PROGRAM, run, scanOf } from './scan-program.ts';

const HOST = 'host-v1-docker';

/** Containers of the captured host. */
const EXPOSED = containersOf(HOST).get('node-agent') ?? '';
const LIMITED = containersOf(HOST).get('web') ?? '';

/** The JSON output. */
interface Scan {
  readonly containers: readonly {
    readonly engine: string;
    readonly container: string;
    readonly level?: { readonly number: number; readonly certain: boolean };
    readonly namespaces: Readonly<Record<string, { readonly host: string }>>;
    readonly memory: object;
    readonly findings: readonly { readonly id: string; readonly answer: string }[];
  }[];
}

const scan = (...options: readonly string[]): Promise<Ending> => run(scanOf(HOST, ...options));

beforeAll(() => {
  if (!existsSync(PROGRAM)) throw new Error('dist/cli.js is not there; npm run build');
});

describe.each(readdirSync(FIXTURES))('isolation-exporter scan of %s', (host) => {
  const { size } = containersOf(host);
  const golden = readFileSync(new URL(`../golden/${host}/findings.prom`, import.meta.url), 'utf8');

  it('shows every container, and nothing else', async () => {
    const { code, stdout, stderr } = await run(scanOf(host));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^CONTAINER +ENGINE +LEVEL +MEMORY +CPU +PIDS +HOST NS\n/);
    const shown = [...stdout.matchAll(/^(\S+) +(docker|podman) /gm)].map(([, name, engine]) => `${engine} ${name}`);
    const levels = golden.matchAll(/^isolation_container_isolation_level\{engine="(\w+)",container="([^"]+)"/gm);
    expect(shown.toSorted()).toEqual([...levels].map(([, engine, name]) => `${engine} ${name}`).toSorted());
    expect(shown).toHaveLength(size);
    expect(stdout).toContain(`\n${size} containers. Findings: `);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    // The output is not a terminal.
    expect(stdout).not.toContain('\u001b');
  });

  it('agrees with the metrics in JSON', async () => {
    const { code, stdout } = await run(scanOf(host, '--output=json'));
    expect(code).toBe(0);
    expect(scanErrors(JSON.parse(stdout))).toEqual([]);
    const { containers }: Scan = JSON.parse(stdout);
    expect(containers).toHaveLength(size);
    for (const { engine, container, level, findings } of containers) {
      const said = findings.filter(({ answer }) => answer !== 'no').map(({ id, answer }) => `${id} ${answer}`);
      const labels = `\\{engine="${engine}",container="${container}"`;
      const samples = golden.matchAll(
        new RegExp(`^isolation_container_finding(_unknown)?${labels},finding="(\\w+)",.*\\} 1$`, 'gm'),
      );
      const known = [...samples].map(([, unknown, id]) => `${id} ${unknown === undefined ? 'yes' : 'unknown'}`);
      expect(said.toSorted()).toEqual(known.toSorted());
      expect(golden).toMatch(new RegExp(`^isolation_container_isolation_level${labels}\\} ${level?.number}$`, 'm'));
      expect(golden).toMatch(
        new RegExp(`^isolation_container_isolation_level_certain${labels}\\} ${Number(level?.certain)}$`, 'm'),
      );
    }
  });

  it('prints SARIF that is valid by the schema', async () => {
    const { code, stdout } = await run(scanOf(host, '--output=sarif'));
    expect(code).toBe(0);
    expect(sarifErrors(JSON.parse(stdout))).toEqual([]);
    expect(stdout).toContain('"ruleId": ');
  });

  it('prints JUnit XML that is valid by the schema', async () => {
    const { code, stdout } = await run(scanOf(host, '--output=junit'));
    expect(code).toBe(0);
    expect(await junitErrors(stdout)).toEqual([]);
    expect(stdout.match(/<testsuite /g)).toHaveLength(size);
  });

  it('prints Markdown', async () => {
    const { code, stdout } = await run(scanOf(host, '--output=markdown'));
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^### isolation-exporter scan\n\n\\*\\*${size} containers, findings: `));
  });
});

describe('isolation-exporter scan', () => {
  it('shows the requested containers', async () => {
    const { code, stdout } = await scan('--container', EXPOSED, '--container', LIMITED.slice(0, 8), '--output=json');
    const { containers }: Scan = JSON.parse(stdout);
    expect({ code, names: containers.map(({ container }) => container).toSorted() }).toEqual({
      code: 0,
      names: [LIMITED, EXPOSED],
    });
    expect(containers.find(({ container }) => container === EXPOSED)).toMatchObject({
      namespaces: { pid: { host: 'yes' }, net: { host: 'yes' }, mnt: { host: 'no' } },
      memory: { limited: 'no' },
    });
    expect(containers.find(({ container }) => container === LIMITED)).toMatchObject({
      namespaces: { pid: { host: 'no' } },
      memory: { limited: 'yes', limitBytes: 67_108_864 },
    });
  });

  it.each([
    ['nothing', [], 0],
    ['a severity', ['--fail-on=high'], 1],
    ['a milder severity', ['--fail-on=low'], 1],
    ['a finding', ['--fail-on=host_network_namespace'], 1],
    ['a finding that is there elsewhere', ['--fail-on=host_network_namespace', `--container=${LIMITED}`], 0],
    ['two of which one is there', ['--fail-on=host_uts_namespace', '--fail-on=memory_unlimited'], 1],
    ['a finding that is not there', ['--fail-on=host_uts_namespace'], 0],
  ])('fails on %s or not', async (_, options, expected) => {
    const { code, stdout, stderr } = await scan(...options);
    expect(code).toBe(expected);
    expect(stdout).toMatch(/^CONTAINER /);
    if (expected === 1) expect(stderr).toMatch(/^isolation-exporter: --fail-on: [0-9a-f]{12}: \w+/);
    else expect(stderr).not.toMatch(/--fail-on: /);
  });

  it.each([
    [['--output=xml'], /--output: expected table, json, sarif, junit or markdown, not "xml"/],
    [['--fail-on=severe'], /--fail-on: expected critical, .*unknown, not "severe"/],
    [['--fail-on=high', '--fail-on=severe'], /--fail-on: .*, not "severe"/],
    [['--explain=severe'], /--explain: .*, not "severe"/],
    [['--standard=pci-dss'], /--standard: expected cis-docker, pss-baseline, .*, not "pci-dss"/],
    [['--baseline=/nonexistent/base.json'], /--baseline: \/nonexistent\/base.json: ENOENT: /],
    [['--baseline=/etc/hostname'], /--baseline: \/etc\/hostname: not JSON/],
    [['--write-baseline=/nonexistent/base.json'], /--write-baseline: ENOENT: .*\/nonexistent/],
    [['--fail-on='], /--fail-on: expected a name, not ""/],
    [['--fail-on=high', '--fail-on='], /--fail-on: expected a name, not ""/],
    [['--standard='], /--standard: expected cis-docker, pss-baseline, .*, not ""/],
    [['--baseline='], /--baseline: expected the path of a file, not ""/],
    [['--write-baseline='], /--write-baseline: expected the path of a file, not ""/],
    [['--explain='], /--explain: expected a name, not ""/],
    [['--container='], /--container: expected a name, not ""/],
    [['--container=nobody'], /--container: there is no running container "nobody"/],
    [['--container=a\u001b[2Jb'], /--container: there is no running container "a\\u001b\[2Jb"/],
    [['--log.level=debug'], /unknown option '--log.level=debug'/],
    [['web'], /too many arguments/],
  ])('is used wrongly with %j', async (options, message) => {
    const { code, stdout, stderr } = await scan(...options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it('prints one line if there are no cgroups', async () => {
    const { code, stdout, stderr } = await scan(`--path.cgroupfs=${FIXTURES}/nothing`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: [^\n]+\n$/);
  });

  it('leaves the state file of the daemon alone, which is in the environment of `docker exec`', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-scan-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const environment = { ISOLATION_EXPORTER_OOM_STATE_FILE: join(directory, 'oom.json') };
    writeFileSync(join(directory, 'oom.json'), 'of a daemon');
    expect(await run(scanOf(HOST), environment)).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(directory)).toEqual(['oom.json']);
    expect(readFileSync(join(directory, 'oom.json'), 'utf8')).toBe('of a daemon');
  });

  it('explains findings without a scan', async () => {
    const { code, stdout, stderr } = await run([process.execPath, PROGRAM, 'scan', '--explain', 'engine_socket']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^engine_socket \(critical\): .*\n\n[^]*\n {2}docker run {2}[^]*\nReferences\n {2}CIS Docker Benchmark 1\.6\.0: 5\.32 .*\n {4}https:/,
    );
    const list = await run([process.execPath, PROGRAM, 'scan', '--explain', 'list']);
    expect(list.stdout).toMatch(/^critical\n[^]* {2}engine_socket {2}/);
  });

  it.each([
    ['as usual', {}, true],
    ['with NO_COLOR', { NO_COLOR: '1' }, false],
    ['if it is dumb', { TERM: 'dumb' }, false],
  ])('is in colour on a terminal %s', async (_, environment, coloured) => {
    // script(1) runs a command in its own terminal.
    const command = scanOf(HOST)
      .map((word) => `'${word}'`)
      .join(' ');
    const { stdout } = await run(['script', '-qec', command, '/dev/null'], { TERM: 'xterm', ...environment });
    expect(stdout).toMatch(/[0-9a-f]{12}.* docker /);
    expect(stdout.includes('\u001b[')).toBe(coloured);
  });
});

describe('names from an engine', () => {
  const socket = `/tmp/isolation-exporter-scan-${process.pid}.sock`;
  let engine: Server;
  let hang = false;
  let silentMs = 0;

  // It answers like Docker, with the real ids and a name that no real engine would accept.
  beforeAll(async () => {
    const answer = (url: string, response: ServerResponse): void => {
      if (url.includes('/_ping')) response.end('OK');
      else if (url.includes('/events')) response.writeHead(200).flushHeaders();
      else response.end(JSON.stringify([{ Id: fullId(EXPOSED), Names: ['/we\u001b[31mb\n2'], Image: 'lab:1' }]));
    };
    engine = createServer(({ url = '' }, response) => {
      if (!hang) setTimeout(() => answer(url, response), silentMs);
    }).listen(socket);
    await once(engine, 'listening');
  });
  afterAll(() => {
    engine.closeAllConnections();
    engine.close();
  });

  const name = 'we\u001b[31mb\n2';

  it('are waited for, and made safe for the terminal', async () => {
    const { code, stdout } = await scan(`--docker.host=unix://${socket}`, '--container', name);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^we\ufffd\[31mb\ufffd2 +docker /m);
    expect(stdout).not.toContain(LIMITED);
  });

  it('are waited for longer if one is requested', async () => {
    // Finding a name takes three answers.
    silentMs = 1_000;
    const { code, stdout } = await scan(`--docker.host=unix://${socket}`, '--container', name, '--output=json');
    silentMs = 0;
    expect(code).toBe(0);
    const { containers }: Scan = JSON.parse(stdout);
    expect(containers.map(({ container }) => container)).toEqual([name]);
  });

  it('are not waited for for ever', async () => {
    hang = true;
    const { code, stdout } = await scan(`--docker.host=unix://${socket}`);
    expect(code).toBe(0);
    for (const id of [EXPOSED, LIMITED]) expect(stdout).toMatch(new RegExp(`^${id} +docker `, 'm'));
    expect(stdout).toContain('\nNo names from docker: containers are shown by id.\n');
  });
});

describe('an output that cannot be written', () => {
  const inShell = (redirect: string, ...options: readonly string[]): Promise<Ending> =>
    run(['bash', '-c', `set -o pipefail; "$@" ${redirect}`, 'bash', ...scanOf(HOST, ...options)]);

  it.each(['table', 'json', 'junit'])('is an error on a full disk: %s', async (output) => {
    expect(await inShell('> /dev/full', `--output=${output}`)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'isolation-exporter: Cannot write to standard output: ENOSPC\n',
    });
  });

  it('is none if its reader has seen enough', async () => {
    expect(await inShell('| head -c 1', '--output=json')).toEqual({ code: 0, stdout: '{', stderr: '' });
  });
});

/** The whole id of a container of the captured host. */
function fullId(short: string): string {
  const found = readdirSync(`${FIXTURES}/${HOST}/cgroup/pids/docker`).find((name) => name.startsWith(short));
  if (found === undefined) throw new Error(`${short} was not captured`);
  return found;
}
