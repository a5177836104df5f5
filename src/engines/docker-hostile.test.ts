import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connectToDocker } from './docker.ts';
import type { EngineClient } from './engine-client.ts';
import { inTime } from './in-time.ts';

const ID = 'ab'.repeat(32);

/** A server that answers every connection in the same way, whatever the request. */
class RawServer {
  readonly sockets = new Set<Socket>();
  connections = 0;
  answer: (socket: Socket) => void = () => {};
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
      socket.once('data', () => this.answer(socket));
    });
  }

  listen(where: { port: number; host: string }): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(where, resolve));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-hostile-'));
const engine = new RawServer();
/** The target of redirects. No client may connect to it. */
const elsewhere = new RawServer();
let client: EngineClient;

beforeAll(async () => {
  // Uses TCP, because a Unix socket cannot be reset.
  await engine.listen({ host: '127.0.0.1', port: 0 });
  await elsewhere.listen({ host: '127.0.0.1', port: 0 });
  client = await connectToDocker({ protocol: 'http', host: '127.0.0.1', port: engine.port }, () => {});
});

afterAll(async () => {
  await engine.close();
  await elsewhere.close();
  rmSync(directory, { recursive: true });
});

/** Makes all calls to an engine, and returns the outcome of each. */
async function askAll(ms: number): Promise<string[]> {
  const stop = new AbortController();
  const limit = { ms, signal: stop.signal, what: 'test' };
  const events = async (signal: AbortSignal): Promise<void> => {
    for await (const event of (await client.events?.(0, signal)) ?? []) void event;
  };
  const questions = [
    inTime((signal) => client.ping(signal), limit),
    inTime((signal) => client.list(signal), limit),
    inTime((signal) => client.inspect(ID, signal), limit),
    inTime(events, limit),
  ];
  const outcomes = await Promise.allSettled(questions);
  return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'fulfilled' : String(outcome.reason)));
}

// An error outside of the calls would end the daemon, so it fails the test run.
describe('no answer is followed, kept open or fatal', () => {
  test('with any status code and a redirect to anywhere', async () => {
    const here = `http://127.0.0.1:${elsewhere.port}/`;
    const targets = [
      'ftp://x/',
      '//',
      '',
      'http://',
      here,
      `//127.0.0.1:${elsewhere.port}/`,
      'http://127.0.0.1:1/',
      'x:',
    ];
    // All statuses with a meaning, and some without.
    const statuses = Array.from({ length: 900 }, (_, index) => index + 100).filter(
      (status) => status % 100 < 12 || status === 226 || status === 418 || status === 451 || status % 100 === 99,
    );
    for (const status of statuses) {
      const target = targets[status % targets.length] ?? '';
      engine.answer = (socket) =>
        socket.end(`HTTP/1.1 ${status} X\r\nLocation: ${target}\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n`);
      const outcomes = await askAll(5_000);
      // A ping with an empty body succeeds, and so does a stream of events that ends.
      if (status === 200) expect([outcomes[0], outcomes[3]]).toEqual(['fulfilled', 'fulfilled']);
      else expect(outcomes.filter((outcome) => outcome === 'fulfilled')).toEqual([]);
    }
    for (const target of targets) {
      for (const status of [301, 302, 303, 307, 308]) {
        engine.answer = (socket) =>
          socket.write(`HTTP/1.1 ${status} X\r\nLocation: ${target}\r\nContent-Length: 0\r\n\r\n`);
        expect(await askAll(5_000)).not.toContain('fulfilled');
      }
    }
    expect(elsewhere.connections).toBe(0);
    await expect.poll(() => engine.sockets.size).toBe(0);
  });

  const ok = 'HTTP/1.1 200 OK\r\n';
  const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
  const head: Record<string, string> = {
    nothing: '',
    'half a status line': 'HTTP/1.',
    'no HTTP': 'SSH-2.0-x\r\n',
    'another version': 'HTTP/9.9 200 OK\r\n\r\n',
    'a status that is no number': 'HTTP/1.1 abc OK\r\n\r\n',
    'a head that never ends': `${ok}X: 1\r\n`,
    'a head that is too large': `${ok}X: ${'x'.repeat(100_000)}\r\n\r\n`,
    'two lengths': `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`,
    'a length and chunks': `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    'half of its body': `${ok}Content-Length: 1000\r\n\r\n[`,
    'more than its length': `${ok}Content-Length: 2\r\n\r\n[][]HTTP/1.1 200 OK\r\n\r\n`,
    'a chunk of garbage': `${chunked}zzzz\r\n[]\r\n`,
    'a chunk that is cut off': `${chunked}ffff\r\n[`,
    'a chunk of enormous size': `${chunked}ffffffffffffffffff\r\n[`,
    'a negative chunk': `${chunked}-1\r\n[`,
    trailers: `${chunked}2\r\n[]\r\n0\r\nX-Trailer: ${'x'.repeat(1_000)}\r\n\r\n`,
    'trailers that are too large': `${chunked}2\r\n[]\r\n0\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    'trailers that never end': `${chunked}2\r\n[]\r\n0\r\nX: 1\r\n`,
    'compressed garbage': `${ok}Content-Encoding: gzip\r\n\r\n\u001f\u008bnonsense`,
    'a switch of protocols': 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\0\0\0',
    'a switch to HTTP/2': 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0',
    'information and then nothing': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n',
    'deep brackets': `${ok}\r\n${'['.repeat(100_000)}`,
    'a second answer to one question': `${ok}Content-Length: 2\r\n\r\n[]${ok}Content-Length: 2\r\n\r\n[]`,
  };

  describe.each(['stays', 'ends', 'is reset'])('and then the connection %s', (then) => {
    test.each(Object.entries(head))('%s', async (_, bytes) => {
      engine.answer = (socket) => {
        socket.write(bytes, 'latin1', () => {
          if (then === 'ends') socket.end();
          else if (then === 'is reset') setTimeout(() => socket.resetAndDestroy(), 2);
        });
      };
      const outcomes = await askAll(100);
      expect(outcomes).toHaveLength(4);
      await expect.poll(() => engine.sockets.size).toBe(0);
    });
  });

  test.each<readonly [string, string, string]>([
    ['information', 'HTTP/1.1 102 Processing\r\n\r\n', ''],
    ['a head', `${ok}`, 'X: 1\r\n'],
    ['a body that is no JSON', `${ok}\r\n`, 'x'.repeat(10_000)],
    ['brackets', `${ok}\r\n[`, '{"Id":'.repeat(10_000)],
    ['containers', `${ok}\r\n[`, '{"Id":"a"},'.repeat(10_000)],
    ['chunks of one byte', chunked, '1\r\n \r\n'.repeat(1_000)],
    ['trailers', `${chunked}2\r\n[]\r\n0\r\n`, 'X: 1\r\n'],
  ])('with %s without end', async (_, first, next) => {
    engine.answer = (socket) => {
      const pour = (): void => {
        while (!socket.destroyed && socket.write(next || first));
        if (!socket.destroyed) socket.once('drain', () => setImmediate(pour));
      };
      socket.write(first);
      pour();
    };
    expect((await askAll(300)).filter((outcome) => outcome === 'fulfilled').length).toBeLessThan(2);
    await expect.poll(() => engine.sockets.size).toBe(0);
  });

  test('with no socket and a connection that is refused', async () => {
    for (const address of [
      { socketPath: join(directory, 'none') },
      { protocol: 'http', host: '127.0.0.1', port: 1 },
    ] as const) {
      const nobody = await connectToDocker(address, () => {});
      await expect(nobody.ping(new AbortController().signal)).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    }
  });

  test('with TLS that is not trusted, or is none', async () => {
    const nobody = await connectToDocker({ protocol: 'https', host: '127.0.0.1', port: elsewhere.port }, () => {});
    elsewhere.answer = (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n');
    await expect(nobody.ping(new AbortController().signal)).rejects.toThrow();
    elsewhere.connections = 0;
  });
});

test('the environment of Docker is not read', async () => {
  engine.answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
  const variables = {
    DOCKER_HOST: 'nonsense://:x:y',
    DOCKER_CERT_PATH: '/nonexistent',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_PATH_PREFIX: '/x',
    HTTP_PROXY: `http://127.0.0.1:${elsewhere.port}`,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const other = await connectToDocker({ protocol: 'http', host: '127.0.0.1', port: engine.port }, () => {});
  await other.ping(new AbortController().signal);
  vi.unstubAllEnvs();
  expect(elsewhere.connections).toBe(0);
});
