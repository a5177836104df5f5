import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containersOf } from '../manifest.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const HOST = fileURLToPath(new URL('../fixtures/guest-v2-docker-systemd', import.meta.url));
const containers = containersOf('guest-v2-docker-systemd');
const ON_THE_HOST = [
  `--path.procfs=${HOST}/proc`,
  `--path.cgroupfs=${HOST}/cgroup`,
  '--path.kmsg=',
  '--docker.host=',
  '--podman.host=',
  '--cri.endpoint=',
  '--web.listen-address=127.0.0.1:0',
  '--log.format=json',
];

/** How long the program may take to start, on a machine that is busy with other tests. */
const START_MS = 30_000;
/** The time limit for stopping. After 2 s the program ends itself by force, with another exit code. */
const STOP_MS = 5_000;

/** The exit code and all output of a process. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process and its output so far. */
interface Running {
  readonly child: ChildProcess;
  readonly ending: Promise<Ending>;
  stderr(): string;
}

/** One response, with its body as received. */
interface Response {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Things that a failed test may leave behind. */
const running = new Set<ChildProcess>();

function start(argv: readonly string[]): Running {
  return startCommand([process.execPath, PROGRAM, ...argv]);
}

function startCommand([command = '', ...argv]: readonly string[]): Running {
  const child = spawn(command, argv, {
    cwd: REPOSITORY,
    // The environment of these tests must not configure the program.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part));
  running.add(child);
  const closed = once(child, 'close').finally(() => running.delete(child));
  const ending = Promise.all([text(child.stdout), closed]).then(([stdout]): Ending => ({
    code: child.exitCode,
    signal: child.signalCode,
    stdout,
    stderr: said,
  }));
  return { child, ending, stderr: () => said };
}

function run(...argv: readonly string[]): Promise<Ending> {
  return start(argv).ending;
}

/** Waits until the program listens. Returns its URL: `http://127.0.0.1:12345`. */
async function originOf({ child, stderr }: Running): Promise<string> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const address = /"addresses":\["([^"]+)"\]/.exec(stderr())?.[1];
    if (address !== undefined) return `http://${address}`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It does not listen: ${stderr()}`);
}

/** Sends a request without `fetch`, which requests compression by itself. */
async function request(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    }).on('error', reject);
  });
}

/** The collectors that appear in an exposition. */
function collectorsIn(exposition: string): string[] {
  return [...exposition.matchAll(/^isolation_scrape_collector_success\{collector="(\w+)"\}/gm)].map(
    ([, name = '']) => name,
  );
}

beforeAll(() => {
  if (!existsSync(PROGRAM)) throw new Error('dist/cli.js is not there; npm run build');
});

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

describe('the running program', () => {
  let program: Running;
  let origin = '';

  beforeAll(async () => {
    program = start(ON_THE_HOST);
    origin = await originOf(program);
  });

  afterAll(async () => {
    program.child.kill('SIGKILL');
    await program.ending;
  });

  it('shows metrics as text', async () => {
    const { status, headers, body } = await request(`${origin}/metrics`);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['content-encoding']).toBeUndefined();
    const lines = body.toString().split('\n');
    expect(lines).toContain(
      `isolation_container_memory_limit_bytes{engine="docker",container="${containers.get('web')}"} 67108864`,
    );
    expect(lines).toContain(
      `isolation_container_oom_kills_total{engine="docker",container="${containers.get('leaky')}"} 1`,
    );
    expect(lines).toContain(`isolation_containers{engine="docker"} ${containers.size}`);
    expect(lines.at(-1)).toBe('');
  });

  it('shows metrics as OpenMetrics', async () => {
    const { status, headers, body } = await request(`${origin}/metrics`, {
      accept: 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5',
    });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(body.toString()).toContain('# TYPE isolation_container_oom_kills counter\n');
    expect(body.toString()).toMatch(/\n# EOF\n$/);
    expect(body.toString().match(/^# EOF$/gm)).toHaveLength(1);
  });

  it('compresses on request', async () => {
    const { headers, body } = await request(`${origin}/metrics`, { 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    const unpacked = gunzipSync(body).toString();
    expect(unpacked).toContain(`isolation_containers{engine="docker"} ${containers.size}\n`);
    expect(body.length).toBeLessThan(unpacked.length / 2);
  });

  it('runs the requested collectors', async () => {
    const { status, body } = await request(`${origin}/metrics?collect[]=cpu&collect[]=oom`);
    expect(status).toBe(200);
    expect(collectorsIn(body.toString()).toSorted()).toEqual(['cpu', 'oom']);
    expect(body.toString()).not.toContain('isolation_container_memory_limit_bytes');
  });

  it('omits excluded collectors', async () => {
    const everything = await request(`${origin}/metrics`);
    const { status, body } = await request(`${origin}/metrics?exclude[]=cpu`);
    expect(status).toBe(200);
    const others = collectorsIn(everything.body.toString()).filter((name) => name !== 'cpu');
    expect(others).toContain('memory');
    expect(collectorsIn(body.toString())).toEqual(others);
  });

  it.each([
    ['a collector that does not exist', 'collect[]=nothing', /"nothing"; there are: .*\bcpu\b/],
    ['leaving out a collector that does not exist', 'exclude[]=nothing', /"nothing"; there are: .*\bcpu\b/],
    ['both at once', 'collect[]=cpu&exclude[]=oom', /collect\[\] or exclude\[\]/],
  ])('refuses %s', async (_, query, message) => {
    const { status, body } = await request(`${origin}/metrics?${query}`);
    expect(status).toBe(400);
    expect(body.toString()).toMatch(message);
  });

  it.each(['/-/healthy', '/-/ready', '/healthz', '/'])('answers at %s', async (path) => {
    const { status, body } = await request(origin + path);
    expect(status).toBe(200);
    expect(body.length).toBeGreaterThan(0);
  });

  it('answers 404 elsewhere', async () => {
    expect((await request(`${origin}/nothing`)).status).toBe(404);
  });

  it('does not log scrapes', async () => {
    // Problems of this host are logged once, in the first scrape.
    await request(`${origin}/metrics`);
    const before = program.stderr();
    for (const query of ['', '?collect[]=cpu', '?collect[]=nothing']) await request(`${origin}/metrics${query}`);
    expect(program.stderr()).toBe(before);
    expect(before.trim().split('\n')).toHaveLength(2);
  });
});

describe('the end of the program', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('follows %s quickly, with exit code 0', async (signal) => {
    const program = start(ON_THE_HOST);
    const origin = await originOf(program);
    expect((await request(`${origin}/metrics`)).status).toBe(200);
    const asked = performance.now();
    program.child.kill(signal);
    const { code, stdout, stderr } = await program.ending;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(performance.now() - asked).toBeLessThan(STOP_MS);
    expect(stderr).toContain('"msg":"stopping"');
    expect(stderr).not.toMatch(/"level":"(warn|error)"/);
  });

  it('takes two signals at once for one request, as Ctrl-C is in a terminal under npm', async () => {
    const program = start(ON_THE_HOST);
    await originOf(program);
    program.child.kill('SIGINT');
    program.child.kill('SIGTERM');
    const { code, stderr } = await program.ending;
    expect(code).toBe(0);
    expect(stderr.match(/"msg":"stopping"/g)).toHaveLength(1);
    expect(stderr).not.toMatch(/"level":"(warn|error)"/);
  });

  it('follows a signal that npm passes on through a shell', async () => {
    const { scripts } = JSON.parse(readFileSync(`${REPOSITORY}/package.json`, 'utf8')) as {
      scripts: Record<'start', string>;
    };
    // A build would replace files that other tests need.
    const script = scripts.start.replace('npm run build', 'true');
    const program = startCommand(['sh', '-c', `${script} "$@"`, 'sh', ...ON_THE_HOST]);
    await originOf(program);
    program.child.kill('SIGTERM');
    // The exit of the program itself, not of a shell that leaves it running.
    expect(await once(program.child, 'exit')).toEqual([0, null]);
  });
});

describe('a program that does not run', () => {
  it('can be called by its name, as through npx or a link', async () => {
    const { code, stdout } = await startCommand([PROGRAM, '--version']).ending;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^isolation-exporter /) });
  });

  it('shows its version', async () => {
    const { code, stdout, stderr } = await run('--version');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^isolation-exporter \d+\.\d+\.\d+ \(.*node v\d+\.\d+\.\d+, linux \w+\)\n$/);
  });

  it.each([
    ['an unknown flag', '--web.listen-adress=:1', /--web\.listen-address/],
    ['a wrong value', '--log.level=loud', /--log\.level: expected .*"loud"/],
    ['an unknown command', 'sing', /'sing'/],
  ])('says in one line what is wrong with %s', async (_, argument, message) => {
    const { code, stdout, stderr } = await run(argument);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it.each([
    ['is not there', `${HOST}/nothing.yml`, /nothing\.yml: ENOENT/],
    [
      'is not right',
      fileURLToPath(new URL('../../package.json', import.meta.url)),
      /package\.json: name: no such setting/,
    ],
  ])('says in one line that its web configuration %s', async (_, file, message) => {
    const { code, stdout, stderr } = await run(...ON_THE_HOST, `--web.config.file=${file}`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it.each([
    ['nothing', `${HOST}/nothing`],
    ['something else', `${HOST}/docker`],
  ])('says in one line that there are no cgroups but %s', async (_, path) => {
    const { code, stdout, stderr } = await run(...ON_THE_HOST, `--path.cgroupfs=${path}`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^isolation-exporter: [^\n]+\n$/);
    expect(stderr).toContain(path);
  });
});
