import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { containerReport, hostReport } from '../../test/reports.ts';
import type { Log } from '../log.ts';
import { parseListenAddress } from '../config/values.ts';
import type { HostReport } from '../report/host-report.ts';
import type { Pieces } from '../exposition/buffers.ts';
import { Encoder } from '../exposition/encode.ts';
import type { ScrapeRequest } from './metrics-handler.ts';
import type { ServerLimits } from './socket.ts';
import { listen } from './server.ts';
import type { Server, ServerHandlers } from './server.ts';
import { readWebRules } from './web-rules.ts';

interface Setup {
  readonly addresses?: readonly string[];
  readonly telemetryPath?: string;
  readonly cadvisorPath?: string;
  readonly maxRequests?: number;
  readonly handlers?: Partial<ServerHandlers>;
  readonly limits?: Partial<ServerLimits>;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

let cleanups: (() => unknown)[] = [];
let logged: string[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
  logged = [];
});

async function start(setup: Setup = {}): Promise<Server & { readonly address: string }> {
  const record = (_: object, message: string): void => void logged.push(message);
  const log: Log = { debug: record, info: record, warn: record, error: record };
  const addresses = (setup.addresses ?? ['127.0.0.1:0']).map((text) => parseListenAddress(text)!);
  const server = await listen(
    {
      listenAddresses: addresses,
      telemetryPath: setup.telemetryPath ?? '/metrics',
      cadvisorPath: setup.cadvisorPath,
      maxRequests: setup.maxRequests ?? 40,
      configFile: undefined,
    },
    {
      version: { name: 'isolation-exporter', version: '1.2.3', revision: undefined },
      collectors: ['cpu', 'memory'],
      scrape: async () => [Buffer.from('a 1\n')],
      report: async () => hostReport(containerReport('web')),
      isHealthy: () => true,
      ...setup.handlers,
    },
    { log, rules: readWebRules(undefined, log), ...(setup.limits === undefined ? {} : { limits: setup.limits }) },
  );
  cleanups.push(() => server[Symbol.asyncDispose]());
  return { ...server, address: server.addresses[0] ?? '' };
}

function get(
  address: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; agent?: Agent; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, agent, body } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(`http://${address}${path}`, { method, headers, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function open(address: string): Promise<Socket> {
  const socket = connect(Number(/\d+$/.exec(address)?.[0]), '127.0.0.1');
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes, and returns everything received until the server closes the connection. */
async function raw(address: string, bytes: string | Buffer): Promise<string> {
  const socket = await open(address);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

/** A scrape that waits until the test releases it. */
function gate() {
  const waiting: ((body: Pieces) => void)[] = [];
  const requests: ScrapeRequest[] = [];
  return {
    requests,
    scrape: (request: ScrapeRequest): Promise<Pieces> => {
      requests.push(request);
      return new Promise((resolve) => waiting.push(resolve));
    },
    release: (body = 'a 1\n') => waiting.splice(0).forEach((resolve) => resolve([Buffer.from(body)])),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('the telemetry path', () => {
  test('answers with type and length', async () => {
    const { address } = await start();
    const { status, headers, body } = await get(address, '/metrics');
    expect({ status, body: body.toString() }).toEqual({ status: 200, body: 'a 1\n' });
    expect(headers).toMatchObject({ 'content-type': TEXT, 'content-length': '4', vary: 'Accept, Accept-Encoding' });
    expect(headers['content-encoding']).toBeUndefined();
  });

  test('negotiates OpenMetrics and tells the scrape', async () => {
    const formats: string[] = [];
    const scrape = async ({ format }: ScrapeRequest): Promise<Pieces> => (
      formats.push(format),
      [Buffer.from('# EOF\n')]
    );
    const { address } = await start({ handlers: { scrape } });
    const { headers } = await get(address, '/metrics', {
      headers: { Accept: 'application/openmetrics-text;version=1.0.0;escaping=underscores' },
    });
    expect(headers['content-type']).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores',
    );
    expect(formats).toEqual(['openmetrics']);
  });

  test('compresses when asked to', async () => {
    const text = 'isolation_container_memory_bytes{container="grün"} 1\n'.repeat(10_000);
    const { address } = await start({ handlers: { scrape: async () => [Buffer.from(text)] } });
    const { headers, body } = await get(address, '/metrics', { headers: { 'Accept-Encoding': 'gzip' } });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(body.length) });
    expect(body.length).toBeLessThan(text.length / 10);
    expect(gunzipSync(body).toString()).toBe(text);
    expect((await get(address, '/metrics', { headers: { 'Accept-Encoding': 'gzip;q=0' } })).body.toString()).toBe(text);
  });

  test('answers HEAD with the headers of GET', async () => {
    const { address } = await start();
    const { status, headers, body } = await get(address, '/metrics', { method: 'HEAD' });
    expect({ status, length: headers['content-length'], type: headers['content-type'] }).toEqual({
      status: 200,
      length: '4',
      type: TEXT,
    });
    expect(body.length).toBe(0);
  });

  test('can be elsewhere, even at the root', async () => {
    const elsewhere = await start({ telemetryPath: '/m/x' });
    expect((await get(elsewhere.address, '/m/x')).body.toString()).toBe('a 1\n');
    expect((await get(elsewhere.address, '/metrics')).status).toBe(404);
    const root = await start({ telemetryPath: '/' });
    expect((await get(root.address, '/')).body.toString()).toBe('a 1\n');
  });

  test('are under the names of cAdvisor at a path of their own, only as text', async () => {
    const cadvisor = { collectors: ['cpu'], scrape: async () => [Buffer.from('container_a 1\n')] };
    const { address } = await start({ cadvisorPath: '/metrics/cadvisor', handlers: { cadvisor } });
    const { body, headers } = await get(address, '/metrics/cadvisor', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0' },
    });
    expect([body.toString(), headers['content-type']]).toEqual(['container_a 1\n', TEXT]);
    expect((await get(address, '/metrics')).body.toString()).toBe('a 1\n');
    expect((await get(address, '/metrics/cadvisor?collect[]=memory')).status).toBe(400);
    const off = await start({ handlers: { cadvisor } });
    expect((await get(off.address, '/metrics/cadvisor')).status).toBe(404);
  });

  test('turns the timeout of the client into a deadline', async () => {
    const { requests, scrape, release } = gate();
    const { address } = await start({ handlers: { scrape } });
    const before = performance.now();
    const answer = get(address, '/metrics', { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '10' } });
    await until(() => requests.length === 1);
    release();
    await answer;
    expect(requests[0]?.deadline).toBeGreaterThanOrEqual(before + 9_500);
    expect(requests[0]?.deadline).toBeLessThanOrEqual(performance.now() + 9_500);
    expect(requests[0]?.format).toBe('text');
  });

  test('shares a scrape between clients with the same timeout, so that an impatient one cuts off only its own', async () => {
    const { requests, scrape, release } = gate();
    const { address } = await start({ handlers: { scrape } });
    const answers = ['0.001', '10', '10', undefined].map((timeout) =>
      get(address, '/metrics', {
        headers: timeout === undefined ? {} : { 'X-Prometheus-Scrape-Timeout-Seconds': timeout },
      }),
    );
    await until(() => requests.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    await Promise.all(answers);
    const now = performance.now();
    const isOver = requests.map(({ deadline }) => deadline !== undefined && deadline < now);
    expect(isOver.toSorted()).toEqual([false, false, true]);
    expect(requests.filter(({ deadline }) => deadline === undefined)).toHaveLength(1);
  });

  test('hides the reason of a failure from the client and logs it', async () => {
    const scrape = () => Promise.reject(new Error('secret'));
    const { address } = await start({ handlers: { scrape } });
    const answers = await Promise.all([get(address, '/metrics'), get(address, '/metrics')]);
    for (const { status, body, headers } of answers) {
      expect(status).toBe(500);
      expect(headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(body.toString()).toBe('The scrape failed; see the log of the exporter.\n');
    }
    expect(new Set(logged)).toEqual(new Set(['scrape failed']));
  });
});

describe('collect[] and exclude[]', () => {
  test.each([
    ['?collect[]=memory&collect[]=cpu&collect[]=cpu', { collect: ['cpu', 'memory'] }],
    ['?collect%5B%5D=cpu', { collect: ['cpu'] }],
    ['?exclude[]=cpu', { exclude: ['cpu'] }],
    ['?something=else', {}],
    ['?', {}],
  ])('%s', async (query, selection) => {
    const requests: ScrapeRequest[] = [];
    const scrape = async (request: ScrapeRequest): Promise<Pieces> => (requests.push(request), []);
    const { address } = await start({ handlers: { scrape } });
    expect((await get(address, `/metrics${query}`)).status).toBe(200);
    expect(requests).toEqual([{ format: 'text', ...selection }]);
  });

  test.each([
    ['?collect[]=cpu&exclude[]=memory', 'Either collect[] or exclude[] can be given, not both.\n'],
    ['?collect[]=gpu', 'Unknown or disabled collector "gpu"; there are: cpu, memory.\n'],
    ['?exclude[]=', 'Unknown or disabled collector ""; there are: cpu, memory.\n'],
    ['?collect[]=%1b%5B2J%22%0A', 'Unknown or disabled collector "\ufffd[2J\\"\\n"; there are: cpu, memory.\n'],
    ['?collect[]=%ff%zz', 'Unknown or disabled collector "\ufffd%zz"; there are: cpu, memory.\n'],
  ])('%s is refused', async (query, line) => {
    const { address } = await start();
    const { status, body } = await get(address, `/metrics${query}`);
    expect({ status, line: body.toString() }).toEqual({ status: 400, line });
  });
});

describe('at the same time', () => {
  test('the same scrape runs once, and others run besides', async () => {
    const { requests, scrape, release } = gate();
    const { address } = await start({ handlers: { scrape } });
    // Requests in one pipeline arrive in order, so when the last one has arrived, all others have.
    const one = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
    const answers = raw(
      address,
      one('/metrics') +
        one('/metrics') +
        one('/metrics', 'Accept-Encoding: gzip\r\n') +
        one('/metrics?collect[]=cpu') +
        one('/metrics?exclude[]=cpu') +
        one('/metrics', 'Accept: application/openmetrics-text\r\nConnection: close\r\n'),
    );
    await until(() => requests.length === 4);
    release();
    expect((await answers).match(/HTTP\/1\.1 200 /g)).toHaveLength(6);
    expect(requests).toHaveLength(4);
  });

  test('no more requests than allowed are served, and the slots are given back', async () => {
    const { requests, scrape, release } = gate();
    const { address } = await start({ maxRequests: 2, handlers: { scrape } });
    const answers = [get(address, '/metrics'), get(address, '/metrics?collect[]=cpu')];
    await until(() => requests.length === 2);
    const { status, body } = await get(address, '/metrics');
    expect({ status, body: body.toString() }).toEqual({
      status: 503,
      body: 'Limit of concurrent requests reached (2), try again later.\n',
    });
    expect((await get(address, '/-/healthy')).status).toBe(200);
    release();
    await Promise.all(answers);
    const next = get(address, '/metrics');
    await until(() => requests.length === 3);
    release();
    expect((await next).status).toBe(200);
  });

  test('a client that gave up gives its slot back', async () => {
    const { requests, scrape, release } = gate();
    const { address } = await start({ maxRequests: 1, handlers: { scrape } });
    const socket = await open(address);
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => requests.length === 1);
    socket.destroy();
    let status: number | undefined = 503;
    while (status === 503) status = (await get(address, '/metrics?collect[]=x')).status;
    expect(status).toBe(400);
    release();
  });

  test('with 0 there is no limit', async () => {
    const { address } = await start({ maxRequests: 0 });
    expect((await get(address, '/metrics')).status).toBe(200);
  });
});

describe('the other pages', () => {
  test.each([
    ['/-/healthy', 'healthy'],
    ['/healthz', 'healthy'],
    ['/-/ready', 'ready'],
  ])('%s', async (path, word) => {
    const { address } = await start();
    const { status, body } = await get(address, path);
    expect({ status, body: body.toString() }).toEqual({ status: 200, body: `isolation-exporter is ${word}.\n` });
  });

  test('shows the status page at /', async () => {
    const { address } = await start();
    const { status, headers, body } = await get(address, '/');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(body.toString()).toContain('<bdi class="name">web</bdi>');
    expect((await get(address, '/?search=nobody')).body.toString()).not.toContain('<bdi class="name">web</bdi>');
  });

  test.each(['/nothing', '/metrics/', '//metrics', '/%6detrics', '/-/', '/..'])('%s is not there', async (path) => {
    const { address } = await start();
    const text = await raw(address, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is not allowed', async (method) => {
    const { address } = await start();
    const body = 'x'.repeat(100_000);
    const options = { method, body, headers: { 'Content-Length': `${body.length}` } };
    const { status, headers } = await get(address, '/metrics', options);
    expect({ status, allow: headers.allow, connection: headers.connection }).toEqual({
      status: 405,
      allow: 'GET, HEAD',
      connection: 'close',
    });
  });

  test('an exception is a 500 and not the end', async () => {
    const report = () => Promise.reject(new Error('secret'));
    const { address } = await start({ handlers: { report } });
    const { status, body } = await get(address, '/');
    expect(status).toBe(500);
    expect(body.toString()).not.toContain('secret');
    expect(logged).toEqual(['request failed']);
  });
});

describe('hostile clients', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', '400'],
    ['binary', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), '400'],
    ['a line that is no header', 'GET / HTTP/1.1\r\nHost: x\r\n\u0000\r\n\r\n', '400'],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', '400'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', '400'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, '431'],
    ['a URL without end', `GET /metrics?${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, '431'],
  ])('%s', async (_, bytes, status) => {
    const { address } = await start();
    expect((await raw(address, bytes)).slice(9, 12)).toBe(status);
    expect((await get(address, '/metrics')).status).toBe(200);
    expect(logged).toEqual([]);
  });

  test('CONNECT is turned away', async () => {
    const { address } = await start();
    await raw(address, 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect((await get(address, '/metrics')).status).toBe(200);
  });

  test('an upgrade is an ordinary request', async () => {
    const { address } = await start();
    const headers = 'Host: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n';
    expect(await raw(address, `GET /-/healthy HTTP/1.1\r\n${headers}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a long URL and 10 kB of a collector', async () => {
    const { address } = await start();
    expect((await get(address, `/metrics?x=${'y'.repeat(10_000)}`)).status).toBe(200);
    const { status, body } = await get(address, `/metrics?collect[]=${'y'.repeat(10_000)}`);
    expect(status).toBe(400);
    expect(body.length).toBeLessThan(400);
  });

  test('headers given twice', async () => {
    const { address } = await start();
    const twice = (name: string, value: string): string => `${name}: ${value}\r\n`.repeat(2);
    const headers = `Host: x\r\nConnection: close\r\n${twice('Accept', 'application/openmetrics-text')}${twice('X-Prometheus-Scrape-Timeout-Seconds', '10')}${twice('Accept-Encoding', 'identity')}`;
    const text = await raw(address, `GET /metrics HTTP/1.1\r\n${headers}\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).toContain('Content-Type: application/openmetrics-text;');
  });

  test('requests in a pipeline are answered in order', async () => {
    const { address } = await start({ handlers: { scrape: async () => [Buffer.from('metrics\n')] } });
    const one = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const text = await raw(
      address,
      one('/metrics') + one('/-/healthy') + one('/nothing') + one('/metrics', 'Connection: close\r\n'),
    );
    expect([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => match[1])).toEqual(['200', '200', '404', '200']);
  });

  test('the whole URL in the request line', async () => {
    const { address } = await start();
    expect(await raw(address, 'GET http://x/-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain(
      'is healthy',
    );
    expect(await raw(address, 'GET http://x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain(
      '<!doctype html>',
    );
  });

  test('a client that never finishes its headers', async () => {
    const { address } = await start({ limits: { headers: 50, request: 100, checkInterval: 10 } });
    expect(await raw(address, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow:')).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a client that never says anything', async () => {
    const { address } = await start({ limits: { headers: 50, request: 100, checkInterval: 10 } });
    await raw(address, '');
  });

  test('a client that does not fetch its answer', async () => {
    const body = Buffer.alloc(64 * 1024 * 1024, 'a 1\n');
    const { address } = await start({
      maxRequests: 1,
      handlers: { scrape: async () => [body] },
      limits: { response: 50 },
    });
    const socket = await open(address);
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    socket.pause();
    // This client has the only slot until its time limit.
    let status: number | undefined;
    while (status !== 200) status = (await get(address, '/metrics', { method: 'HEAD' })).status;
  });

  test('a client that fetches its answer while others are answered', async () => {
    // Each answer is too large for the buffers of a connection, and no two are equal.
    const padding = 'x'.repeat(1000);
    let scrapes = 0;
    const scrape = async ({ format }: ScrapeRequest): Promise<Pieces> => {
      const encoder = new Encoder(format);
      scrapes += 1;
      encoder.family({ name: `scrape_${scrapes}`, type: 'gauge', help: 'x' });
      for (let row = 0; row < 10_000; row += 1) encoder.sample(`row="${row}",padding="${padding}"`, scrapes);
      return encoder.finish();
    };
    const whole = (text: string): boolean => {
      const [, , first = '', ...rest] = text.trimEnd().split('\n');
      const [name, , value] = /^(scrape_\d+)\{row="(0)",padding="x+"\} (\d+)$/.exec(first)?.slice(1) ?? [];
      const rows = rest.filter((line) => line !== '# EOF');
      const expected = (row: number): string => `${name}{row="${row}",padding="${padding}"} ${value}`;
      return rows.length === 9_999 && rows.every((line, at) => line === expected(at + 1));
    };
    const { address } = await start({ handlers: { scrape } });
    const slow = await open(address);
    slow.write('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(slow, 'readable');
    for (const accept of ['text/plain', 'application/openmetrics-text;version=1.0.0']) {
      for (const encoding of ['identity', 'gzip']) {
        const headers = { accept, 'accept-encoding': encoding };
        const answers = await Promise.all([1, 2, 3].map(() => get(address, '/metrics', { headers })));
        for (const { body } of answers) {
          expect(whole((encoding === 'gzip' ? gunzipSync(body) : body).toString())).toBe(true);
        }
      }
    }
    const late = Buffer.concat(await slow.toArray()).toString();
    expect(whole(late.slice(late.indexOf('\r\n\r\n') + 4))).toBe(true);
  });

  test('a client that hangs up while its requests wait for each other', async () => {
    let finish: ((report: HostReport) => void) | undefined;
    const report = () => new Promise<HostReport>((resolve) => (finish = resolve));
    const { address } = await start({ maxRequests: 5, handlers: { report } });
    const socket = await open(address);
    // This answer comes after the page in the pipeline, and the page is not ready yet.
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n' + 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5));
    await expect.poll(async () => (await get(address, '/metrics')).status).toBe(503);
    socket.destroy();
    await expect.poll(async () => (await get(address, '/metrics')).status).toBe(200);
    finish?.(hostReport());
  });

  test('clients that disconnect at any point', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'isolation_container_memory_bytes 1\n');
    const { address } = await start({ handlers: { scrape: async () => [body] } });
    for (const bytesToRead of [0, 1, 100_000]) {
      for (const encoding of ['gzip', 'identity']) {
        const socket = await open(address);
        socket.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${encoding}\r\n\r\n`);
        let read = 0;
        if (bytesToRead > 0)
          for await (const chunk of socket) if ((read += chunk.length) >= bytesToRead || encoding === 'gzip') break;
        socket.destroy();
      }
    }
    expect((await get(address, '/metrics')).body.length).toBe(body.length);
    expect(logged).toEqual([]);
  });

  test('a daemon whose event loop stood still is not healthy, and still gives metrics', async () => {
    const { address } = await start({ handlers: { isHealthy: () => false } });
    for (const path of ['/-/healthy', '/healthz']) expect((await get(address, path)).status).toBe(503);
    for (const path of ['/metrics', '/-/ready', '/']) expect((await get(address, path)).status).toBe(200);
  });

  test('more idle connections than allowed: the longest idle one is closed', async () => {
    const { address } = await start({ limits: { connections: 3 } });
    const sockets = [await open(address), await open(address), await open(address)];
    const closed: number[] = [];
    sockets.forEach((socket, index) => socket.on('close', () => closed.push(index)));
    expect((await get(address, '/metrics')).status).toBe(200);
    expect((await get(address, '/-/healthy')).status).toBe(200);
    await until(() => closed.length > 0);
    expect(closed).toEqual([0]);
    sockets.forEach((socket) => socket.destroy());
  });

  test('a connection whose request is under way is closed only if there is no idle one', async () => {
    const { requests, scrape, release } = gate();
    const { address } = await start({ handlers: { scrape }, limits: { connections: 2 } });
    const scraped = get(address, '/metrics');
    await until(() => requests.length === 1);
    for (let index = 0; index < 5; index += 1) await open(address);
    expect((await get(address, '/-/healthy')).status).toBe(200);
    release();
    expect((await scraped).status).toBe(200);
  });
});

describe('listening', () => {
  test('at several addresses', async () => {
    const { addresses } = await start({ addresses: ['127.0.0.1:0', 'localhost:0', ':0'] });
    expect(addresses).toHaveLength(3);
    for (const address of addresses) {
      const port = /\d+$/.exec(address)?.[0];
      expect((await get(`localhost:${port}`, '/-/healthy')).status).toBe(200);
    }
  });

  test('at an address that is taken', async () => {
    const { address } = await start();
    await expect(start({ addresses: [address] })).rejects.toThrow(
      `Cannot listen on ${address}: address already in use`,
    );
  });

  test('lets go of all addresses if one cannot be had', async () => {
    const taken = await start();
    const free = await start();
    await free[Symbol.asyncDispose]();
    await expect(start({ addresses: [free.address, taken.address] })).rejects.toThrow('address already in use');
    await start({ addresses: [free.address] });
  });

  test.each([
    ['192.0.2.1:0', 'this host does not have the address'],
    [`${'x'.repeat(64)}:0`, 'unknown host'],
  ])('at %s', async (address, reason) => {
    await expect(start({ addresses: [address] })).rejects.toThrow(`Cannot listen on ${address}: ${reason}`);
  });
});

describe('the end', () => {
  test('comes at once for idle connections', async () => {
    const server = await start({ limits: { grace: 600_000 } });
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    await get(server.address, '/metrics', { agent });
    await server[Symbol.asyncDispose]();
    await expect(get(server.address, '/metrics')).rejects.toThrow('ECONNREFUSED');
  });

  test('waits for a response that is under way', async () => {
    const { requests, scrape, release } = gate();
    const server = await start({ handlers: { scrape }, limits: { grace: 600_000 } });
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    const answer = get(server.address, '/metrics', { agent });
    await until(() => requests.length === 1);
    const end = server[Symbol.asyncDispose]();
    await expect(get(server.address, '/metrics')).rejects.toThrow('ECONNREFUSED');
    release();
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await end;
  });

  test('does not wait for ever', async () => {
    const { requests, scrape } = gate();
    const server = await start({ handlers: { scrape }, limits: { grace: 20 } });
    const answer = get(server.address, '/metrics');
    answer.catch(() => {});
    await until(() => requests.length === 1);
    await server[Symbol.asyncDispose]();
    await expect(answer).rejects.toThrow('socket hang up');
  });

  test('can come twice', async () => {
    const server = await start();
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
});
