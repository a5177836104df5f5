import { mkdtempSync, rmSync } from 'node:fs';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { placeOfCri } from './cri.ts';
import type { EnginePlace } from './engine-client.ts';
import { inTime } from './in-time.ts';

const ID = 'ab'.repeat(32);
const OK = { ':status': 200, 'content-type': 'application/grpc' };

/** How a fake runtime treats connections and calls. */
interface Behaviour {
  readonly session?: (session: ServerHttp2Session) => void;
  readonly stream?: (stream: ServerHttp2Stream) => void;
}

let directory: string;
let server: Http2Server;
let place: EnginePlace;
let behaviour: Behaviour;
/** The sockets of the server, and those that this process has opened to it. */
const accepted = new Set<Socket>();
const opened: Socket[] = [];
const onOpened = (message: unknown): void => {
  if (typeof message === 'object' && message !== null && 'socket' in message) opened.push(message.socket as Socket);
};
const held = (): number => opened.filter(({ destroyed }) => !destroyed).length;

beforeEach(async () => {
  opened.length = 0;
  subscribe('net.client.socket', onOpened);
  directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-cri-hostile-'));
  server = createServer();
  server.on('connection', (socket: Socket) => {
    accepted.add(socket);
    socket.on('error', () => {}).on('close', () => accepted.delete(socket));
  });
  server.on('session', (session) => {
    session.on('error', () => {});
    behaviour.session?.(session);
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    behaviour.stream?.(stream);
  });
  server.on('sessionError', () => {});
  const path = join(directory, 'cri.sock');
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  place = placeOfCri(path);
});

afterEach(async () => {
  place.close();
  // Closing the channel leaves no connection behind.
  await expect.poll(held, { timeout: 5_000 }).toBe(0);
  unsubscribe('net.client.socket', onOpened);
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => void server.close(resolve));
  rmSync(directory, { recursive: true });
});

/** Makes all calls of a session several times, like a session that restarts again and again. */
async function askAll(times: number, ms = 300): Promise<string[]> {
  const all: string[] = [];
  for (let time = 0; time < times; time += 1) {
    const client = await place.connect(() => {});
    const limit = { ms, signal: new AbortController().signal, what: 'test' };
    const outcomes = await Promise.allSettled([
      inTime((signal) => client.ping(signal), limit),
      inTime((signal) => client.list(signal), limit),
      inTime((signal) => client.inspect(ID, signal), limit),
    ]);
    all.push(...outcomes.map(({ status }) => status));
  }
  return all;
}

/** A gRPC message: a flag (1: compressed), the length in four bytes, the bytes. */
function frame(bytes: Buffer, options: { flag?: number; length?: number } = {}): Buffer {
  const { flag = 0, length = bytes.length } = options;
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

function answering(
  bytes: Buffer,
  headers: object = {},
  trailers: Record<string, string> = { 'grpc-status': '0' },
): Behaviour {
  return {
    stream(stream) {
      stream.respond({ ...OK, ...headers }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end(bytes);
    },
  };
}

const many = 50_000;
const behaviours: Record<string, Behaviour> = {
  'says goodbye to each connection': { session: (session) => session.goaway(0) },
  'says goodbye with an error': { session: (session) => session.goaway(11, 0, Buffer.from('too_many_pings')) },
  'says goodbye to each call': { stream: (stream) => stream.session?.goaway(2) },
  'destroys each connection': { session: (session) => session.destroy() },
  'resets each call': { stream: (stream) => stream.close(7) },
  'refuses each call, to be tried again': { stream: (stream) => stream.close(0x7) },
  'floods with settings': {
    session(session) {
      for (let index = 0; index < 1_000 && !session.destroyed; index += 1)
        session.settings({ initialWindowSize: 65_535 + index });
    },
  },
  'floods with pings': {
    session(session) {
      for (let index = 0; index < 9 && !session.destroyed; index += 1) session.ping(() => {});
    },
  },
  'answers each call with silence': { stream: (stream) => stream.respond(OK) },
  'does not even begin to answer': {},
  'ends without a status': answering(Buffer.alloc(0), {}, {}),
  'has another status of HTTP': {
    stream: (stream) => stream.respond({ ':status': 302, location: 'ftp://x/' }, { endStream: true }),
  },
  'is no gRPC': {
    stream: (stream) => (stream.respond({ ':status': 200, 'content-type': 'text/html' }), stream.end('<html>')),
  },
  'has a status that is no number': answering(Buffer.alloc(0), {}, { 'grpc-status': 'x'.repeat(1_000) }),
  'promises 4 GB': answering(frame(Buffer.from('x'), { length: 0xff_ff_ff_ff })),
  'promises more than it has': answering(frame(Buffer.from('x'), { length: 1_000 })),
  'has two messages for one': answering(Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.from('\n\0'))])),
  'has a hundred thousand messages for one': answering(
    Buffer.concat(Array.from({ length: 100_000 }, () => frame(Buffer.alloc(0)))),
  ),
  'has garbage for a message': answering(frame(Buffer.from('\u00ff\u00ff\u00ff\u00ff', 'latin1'))),
  'has groups nested without end': answering(frame(Buffer.alloc(many, 0x0b))),
  'says compressed and is not': answering(frame(Buffer.from('x'), { flag: 1 }), { 'grpc-encoding': 'gzip' }),
  'says compressed and not how': answering(frame(Buffer.from('x'), { flag: 1 })),
  'has 256 MB of zeros, compressed': answering(frame(gzipSync(Buffer.alloc(1 << 28)), { flag: 1 }), {
    'grpc-encoding': 'gzip',
  }),
  'has trailers that are too large': answering(Buffer.alloc(0), {}, { 'grpc-status': '0', x: 'y'.repeat(60_000) }),
  'has a binary trailer of garbage': answering(
    Buffer.alloc(0),
    {},
    { 'grpc-status': '2', 'grpc-status-details-bin': '%%%' },
  ),
  'has a message of percent signs': answering(
    Buffer.alloc(0),
    {},
    { 'grpc-status': '2', 'grpc-message': '%%%E0%A4%A' },
  ),
  'asks to wait': answering(Buffer.alloc(0), {}, { 'grpc-status': '14', 'grpc-retry-pushback-ms': '999999999' }),
};

// An error outside of the calls would end the daemon, so it fails the test run.
test.each(Object.entries(behaviours))(
  'a runtime that %s costs neither the daemon nor a connection',
  async (_, attack) => {
    behaviour = attack;
    expect((await askAll(3)).length).toBe(9);
    expect(opened.length).toBeGreaterThan(0);
    expect(held()).toBeLessThanOrEqual(1);
  },
);

test('a storm of goodbyes does not make a storm of connections', async () => {
  let connections = 0;
  behaviour = {
    session(session) {
      connections += 1;
      session.goaway(0);
    },
  };
  await askAll(5);
  expect(connections).toBeLessThan(40);
});

test('a message that is small on the wire and huge in memory is refused', async () => {
  behaviour = answering(frame(gzipSync(Buffer.alloc(1 << 28)), { flag: 1 }), { 'grpc-encoding': 'gzip' });
  const before = process.memoryUsage().rss;
  await askAll(2, 5_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
});
