import { mkdtempSync, rmSync } from 'node:fs';
import { createPathCheck } from '../probes/path-check.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createRawServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EngineHost } from '../config/values.ts';
import { QUICK } from '../../test/quick-timings.ts';
import { EngineSource } from './engine-source.ts';
import { DOCKER } from './name-sources.ts';
import type { NameSource } from './name-source.ts';

const probes = new PathProbes({ info() {}, warn() {} });
afterAll(() => probes[Symbol.dispose]());

const WEB = 'ab'.repeat(32);
const DB = 'cd'.repeat(32);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A fake engine with the part of Docker's API that names need. */
class FakeEngine {
  readonly containers = new Map<
    string,
    {
      name: string;
      labels?: object;
      runtime?: unknown;
      state?: string;
      /** More of the answer to an inspection. */
      life?: object;
    }
  >();
  /** Responses that replace the usual ones, by the beginning of the path. */
  readonly instead = new Map<string, Answer>();
  /** Past events, with their times in seconds. */
  readonly past: { readonly time: number; readonly [key: string]: unknown }[] = [];
  /** The paths of all requests. */
  readonly asked: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #streams = new Set<ServerResponse>();
  #server: Server | undefined;

  listen(where: string | { port: number; host: string }): Promise<AddressInfo | string | null> {
    const server = createServer((request, response) => this.#answer(request, response));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
    });
    this.#server = server;
    return new Promise((resolve) => void server.listen(where, () => resolve(server.address())));
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#streams.clear();
    return new Promise((resolve) => {
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
      this.#server = undefined;
    });
  }

  tell(line: string | object): void {
    for (const stream of this.#streams) stream.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  tellOf(action: string, id: string): void {
    const attributes = { ...this.containers.get(id)?.labels, name: this.containers.get(id)?.name, image: 'nginx:1' };
    this.tell({ Type: 'container', Action: action, Actor: { ID: id, Attributes: attributes } });
  }

  /** Adds an event that happened so many seconds ago. */
  remember(action: string, id: string, name: string, ago: number): void {
    const time = Math.floor(Date.now() / 1000) - ago;
    this.past.push({ time, Type: 'container', Action: action, Actor: { ID: id, Attributes: { name } } });
  }

  inspections(id: string): number {
    return this.asked.filter((path) => path === `/containers/${id}/json`).length;
  }

  get streams(): number {
    return this.#streams.size;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.asked.push(path);
    for (const [start, answer] of this.instead) if (path.startsWith(start)) return answer(request, response);
    if (path === '/_ping') response.end('OK');
    else if (path.startsWith('/events?')) this.#stream(path, response);
    else if (path === '/containers/json') response.end(JSON.stringify(this.#list(false)));
    else if (path.startsWith('/containers/json?')) response.end(JSON.stringify(this.#list(true)));
    else this.#inspect(path, response);
  }

  #stream(path: string, response: ServerResponse): void {
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
    response.writeHead(200).flushHeaders();
    const since = Number(/since=(\d+)/.exec(path)?.[1] ?? Infinity);
    for (const event of this.past) if (event.time >= since) response.write(`${JSON.stringify(event)}\n`);
  }

  #list(hasEnded: boolean): unknown {
    const listed = [...this.containers].filter(
      ([, { state }]) => ['exited', 'created'].includes(state ?? '') === hasEnded,
    );
    return listed.map(([id, { name, labels, state = 'running' }]) => ({
      Id: id,
      Names: [`/other/link`, `/${name}`],
      Image: 'sha256:1234',
      State: state,
      Labels: labels ?? {},
    }));
  }

  #inspect(path: string, response: ServerResponse): void {
    const id = path.split('/')[2] ?? '';
    const container = this.containers.get(id);
    if (container === undefined) return void response.writeHead(404).end('{"message":"No such container"}');
    const { name, labels = {}, runtime = 'runc', life } = container;
    response.end(
      JSON.stringify({
        Id: id,
        Name: `/${name}`,
        Config: { Image: 'nginx:1', Labels: labels },
        HostConfig: { Runtime: runtime },
        ...life,
      }),
    );
  }
}

const directory = { path: '' };
let engine: FakeEngine;
let source: NameSource | undefined;
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const poll = { timeout: 4_000, interval: 5 };
const UNLISTED = 'cannot list the containers that have ended';

beforeEach(() => {
  vi.clearAllMocks();
  directory.path = mkdtempSync(join(tmpdir(), 'isolation-exporter-engine-'));
  engine = new FakeEngine();
  engine.containers.set(WEB, { name: 'web', labels: { 'com.docker.compose.project': 'shop' } });
});

afterEach(async () => {
  await source?.[Symbol.asyncDispose]();
  source = undefined;
  await engine.close();
  rmSync(directory.path, { recursive: true });
});

function start(options: { host?: EngineHost; isDefault?: boolean; timings?: object } = {}): NameSource {
  const { host = unix(socketPath()), isDefault = false } = options;
  source = new EngineSource({
    checkPath: createPathCheck(probes),
    ...DOCKER,
    places: [DOCKER.placeOf(host)],
    isDefault,
    log,
    timings: { ...QUICK, ...options.timings },
  });
  return source;
}

function unix(path: string): EngineHost {
  return { kind: 'unix', path, text: path };
}

function socketPath(): string {
  return join(directory.path, 'docker.sock');
}

async function started(more: object = {}): Promise<NameSource> {
  await engine.listen(socketPath());
  const names = start({ timings: more });
  await expect.poll(() => names.up, poll).toBe(true);
  await expect.poll(() => engine.streams, poll).toBe(1);
  return names;
}

describe('lives', () => {
  const finished = { FinishedAt: '2026-11-29T16:05:02.5Z', ExitCode: 137, OOMKilled: true };
  const exit = { code: 137, at: Date.UTC(2026, 10, 29, 16, 5, 2, 500) / 1000, oomKilled: true };
  const endedIds = (): string[] => source?.ended?.containers.map(({ id }) => id) ?? [];

  test('a health check has the result of the last event, which needs no inspection', async () => {
    engine.containers.set(WEB, { name: 'web', life: { State: { Running: true, Health: { Status: 'starting' } } } });
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.lifeOf?.(WEB), poll).toEqual({ health: 'starting' });
    const asked = engine.inspections(WEB);
    engine.tellOf('health_status: unhealthy', WEB);
    await expect.poll(() => names.lifeOf?.(WEB), poll).toEqual({ health: 'unhealthy' });
    expect(engine.inspections(WEB)).toBe(asked);
  });

  test('a result is unknown while the engine does not answer, and is asked for afterwards', async () => {
    engine.containers.set(WEB, { name: 'web', life: { State: { Running: true, Health: { Status: 'healthy' } } } });
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.lifeOf?.(WEB)?.health, poll).toBe('healthy');
    for (const path of ['/_ping', '/containers', '/events']) engine.instead.set(path, () => {});
    await expect.poll(() => names.up, poll).toBe(false);
    expect(names.lifeOf?.(WEB)).toEqual({});
    engine.containers.set(WEB, { name: 'web', life: { State: { Running: true, Health: { Status: 'unhealthy' } } } });
    engine.instead.clear();
    await expect.poll(() => names.lifeOf?.(WEB)?.health, poll).toBe('unhealthy');
  });

  test('many results are asked for at once afterwards, which is no flood of events', async () => {
    const ids = Array.from({ length: 30 }, (_, nth) => nth.toString(16).padStart(64, '0'));
    const life = { State: { Running: true, Health: { Status: 'healthy' } } };
    for (const [nth, id] of ids.entries()) engine.containers.set(id, { name: `job-${nth}`, life });
    const names = await started();
    for (const id of ids) names.want(id);
    const healthy = (): number => ids.filter((id) => names.lifeOf?.(id)?.health === 'healthy').length;
    await expect.poll(healthy, poll).toBe(30);
    for (const socket of engine.sockets) socket.destroy();
    await expect.poll(healthy, poll).toBe(0);
    await expect.poll(healthy, { ...poll, timeout: 1_500 }).toBe(30);
    expect(names.limitHits.get('inspection_rate')).toBe(0);
  });

  test('containers that ended before are listed, and inspected once', async () => {
    engine.containers.set(DB, { name: 'db', state: 'exited', life: { State: { Running: false, ...finished } } });
    const names = await started();
    await expect.poll(() => names.ended?.containers[0]?.life.exit, poll).toEqual(exit);
    expect(names.ended).toMatchObject({ engine: 'docker', count: 1, containers: [{ id: DB, names: { name: 'db' } }] });
    expect(names.running?.has(DB)).toBe(false);
    expect(engine.inspections(DB)).toBe(1);
  });

  test('a health check counts also if the clock was set back since the connection was made', async () => {
    engine.containers.set(WEB, { name: 'web', life: { State: { Running: true, Health: { Status: 'healthy' } } } });
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.lifeOf?.(WEB)?.health, poll).toBe('healthy');
    const now = Date.now;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 7_200_000);
    onTestFinished(() => clock.mockRestore());
    const time = Math.floor(Date.now() / 1_000);
    const Actor = { ID: WEB, Attributes: { name: 'web', image: 'nginx:1' } };
    engine.tell({ Type: 'container', Action: 'health_status: unhealthy', Actor, time });
    await expect.poll(() => names.lifeOf?.(WEB)?.health, poll).toBe('unhealthy');
    // A new connection does not ask for events of the future only.
    for (const socket of engine.sockets) socket.destroy();
    const since = (): number[] =>
      engine.asked.flatMap((path) => (path.startsWith('/events?') ? Number(/since=(\d+)/.exec(path)?.[1]) : []));
    await expect.poll(() => since().length, poll).toBeGreaterThan(1);
    expect(since().at(-1)).toBeLessThanOrEqual(Date.now() / 1_000);
  });

  test('one that ends keeps its end when it is started again, and is gone when it is removed', async () => {
    const names = await started();
    names.want(WEB);
    await expect.poll(() => engine.inspections(WEB), poll).toBe(1);
    engine.containers.set(WEB, { name: 'web', state: 'exited', life: { State: { Running: false, ...finished } } });
    engine.tellOf('die', WEB);
    await expect.poll(() => names.ended?.containers[0]?.life.exit, poll).toEqual(exit);
    engine.containers.set(WEB, {
      name: 'web',
      life: {
        RestartCount: 1,
        State: { Running: true, ...finished, ExitCode: 0 },
        HostConfig: { RestartPolicy: { Name: 'always' } },
      },
    });
    engine.tellOf('start', WEB);
    await expect.poll(endedIds, poll).toEqual([]);
    await expect.poll(() => names.lifeOf?.(WEB), poll).toEqual({ restarts: 1, exit });
    engine.tellOf('die', WEB);
    await expect.poll(endedIds, poll).toEqual([WEB]);
    engine.tellOf('destroy', WEB);
    await expect.poll(endedIds, poll).toEqual([]);
  });

  test('one that has ended follows what is changed about it: its name, and its restart policy', async () => {
    const restarts = { RestartCount: 3, HostConfig: { RestartPolicy: { Name: 'on-failure' } } };
    const state = { State: { Running: false, ...finished } };
    engine.containers.set(DB, { name: 'db', state: 'exited', life: { ...state, ...restarts } });
    const names = await started();
    await expect.poll(() => names.ended?.containers[0]?.life, poll).toEqual({ restarts: 3, exit });
    engine.containers.set(DB, { name: 'db-old', state: 'exited', life: state });
    engine.tellOf('rename', DB);
    await expect
      .poll(() => names.ended?.containers[0], poll)
      .toMatchObject({ names: { name: 'db-old' }, life: { exit } });
    await expect.poll(() => names.ended?.containers[0]?.life, poll).toEqual({ exit });
  });

  test('one that has ended follows what was changed, or ended again, while the engine did not answer', async () => {
    engine.containers.set(DB, { name: 'db', state: 'exited', life: { State: { Running: false, ...finished } } });
    const names = await started();
    await expect.poll(() => names.ended?.containers[0]?.life.exit, poll).toEqual(exit);
    for (const path of ['/_ping', '/containers', '/events']) engine.instead.set(path, () => {});
    await expect.poll(() => names.up, poll).toBe(false);
    const again = { ...finished, ExitCode: 1, OOMKilled: false };
    engine.containers.set(DB, { name: 'db-old', state: 'exited', life: { State: { Running: false, ...again } } });
    engine.instead.clear();
    await expect.poll(() => names.ended?.containers[0]?.names.name, poll).toBe('db-old');
    await expect.poll(() => names.ended?.containers[0]?.life.exit, poll).toMatchObject({ code: 1, oomKilled: false });
  });

  test('one that was never started counts as ended if it should run, before and after the connection is made', async () => {
    const labels = { 'isolation-exporter.should-run': 'true' };
    const life = { State: { Running: false, ExitCode: 127, FinishedAt: '0001-01-01T00:00:00Z' } };
    const before = 'a'.repeat(64);
    engine.containers.set(before, { name: 'before', state: 'created', labels, life });
    engine.containers.set('b'.repeat(64), { name: 'data', state: 'created', life });
    const names = await started();
    await expect.poll(endedIds, poll).toEqual([before]);
    expect(names.ended?.containers[0]).toMatchObject({ names: { name: 'before', shouldRun: true }, life: {} });
    engine.containers.set(DB, { name: 'db', state: 'created', labels, life });
    engine.tellOf('create', DB);
    engine.tellOf('create', 'b'.repeat(64));
    await expect.poll(endedIds, poll).toEqual([before, DB]);
    engine.tellOf('start', DB);
    await expect.poll(endedIds, poll).toEqual([before]);
  });

  test('an engine that cannot list what has ended still gives names', async () => {
    engine.instead.set('/containers/json?', (_, response) => void response.writeHead(403).end());
    const names = await started();
    expect(names.namesOf(WEB)?.name).toBe('web');
    await expect.poll(() => log.warn.mock.calls.map(([, text]) => text.split(';')[0]), poll).toEqual([UNLISTED]);
    expect(names.ended).toBeUndefined();
  });

  test('a list of ended containers that is cut off counts as a limit', async () => {
    engine.instead.set('/containers/json?', (_, response) => {
      const entry = JSON.stringify({ Id: WEB, Names: ['/web'], State: 'exited' });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`[${Array.from({ length: 20_001 }, () => entry).join(',')}]`);
    });
    const names = await started({ list: 4_000, ping: 4_000, inspect: 4_000 });
    await expect.poll(() => names.limitHits.get('list_size'), poll).toBe(1);
  });

  test('the oldest of many that have ended are counted and left out', async () => {
    for (let nth = 0; nth < 103; nth += 1) {
      engine.containers.set(nth.toString(16).padStart(64, '0'), { name: `job-${nth}`, state: 'exited' });
    }
    const names = await started({ list: 4_000, ping: 4_000, inspect: 4_000 });
    await expect.poll(() => names.ended?.count, poll).toBe(103);
    const shown = endedIds();
    expect(shown).toHaveLength(100);
    // The engine lists the newest first.
    expect(shown.at(-1)).toBe('0'.repeat(64));
    expect(names.limitHits.get('ended_containers')).toBe(3);
  });
});

describe('names', () => {
  test('takes many names from the list, and the details from an inspection', async () => {
    // The time limit is generous, because this process may be slow on a busy machine.
    const names = await started({ ping: 4_000, list: 4_000, inspect: 4_000 });
    expect(names.namesOf(WEB)).toEqual({ name: 'web', image: 'sha256:1234', composeProject: 'shop' });
    expect(engine.inspections(WEB)).toBe(0);
    names.want(WEB);
    await expect
      .poll(() => names.namesOf(WEB), poll)
      .toEqual({ name: 'web', image: 'nginx:1', runtime: 'runc', composeProject: 'shop' });
    expect(log.info).toHaveBeenCalledTimes(1);
    expect(log.warn).not.toHaveBeenCalled();
  });

  test('keeps the object until something changes', async () => {
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.namesOf(WEB)?.runtime, poll).toBe('runc');
    const before = names.namesOf(WEB);
    names.want(WEB);
    engine.tellOf('update', WEB);
    await expect.poll(() => engine.inspections(WEB), poll).toBe(2);
    expect(names.namesOf(WEB)).toBe(before);
  });

  test('takes a new name from an event, and ignores other lines', async () => {
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.namesOf(WEB)?.runtime, poll).toBe('runc');
    engine.containers.set(WEB, { name: 'shop' });
    for (const line of ['', '{', '7', 'null', '{"Type":"container"}', '{"Actor":7,"Action":"rename"}'])
      engine.tell(line);
    engine.tellOf('rename', WEB);
    await expect.poll(() => names.namesOf(WEB)?.name, poll).toBe('shop');
    await expect.poll(() => names.namesOf(WEB)?.composeProject, poll).toBeUndefined();
  });

  test('names a container by its event if it is gone before it can be inspected', async () => {
    const names = await started();
    engine.containers.set(DB, { name: 'db' });
    engine.tellOf('start', DB);
    await expect.poll(() => names.namesOf(DB), poll).toEqual({ name: 'db', image: 'nginx:1' });
    engine.containers.delete(DB);
    names.want(DB);
    await expect.poll(() => engine.inspections(DB), poll).toBeGreaterThan(1);
    expect(names.namesOf(DB)?.name).toBe('db');
  });

  test('inspects a container again that the engine does not report yet, but not for ever', async () => {
    const names = await started();
    names.want(DB);
    await expect.poll(() => engine.inspections(DB), poll).toBe(2);
    engine.containers.set(DB, { name: 'db' });
    await expect.poll(() => names.namesOf(DB)?.name, poll).toBe('db');
    names.want('unknown');
    await expect.poll(() => engine.inspections('unknown'), poll).toBe(5);
    await pause(150);
    expect(engine.inspections('unknown')).toBe(5);
    // The names stay until the engine sends an event about the container.
    engine.containers.set('unknown', { name: 'known' });
    engine.tellOf('start', 'unknown');
    await expect.poll(() => names.namesOf('unknown')?.runtime, poll).toBe('runc');
  });

  test('inspects only a few containers at a time', async () => {
    let most = 0;
    let now = 0;
    engine.instead.set('/containers/id', (_, response) => {
      most = Math.max(most, (now += 1));
      setTimeout(() => {
        now -= 1;
        response.end('{}');
      }, 5);
    });
    // If an inspection were abandoned, another would start before the engine has answered the first.
    const names = await started({ inspect: 4_000 });
    for (let index = 0; index < 50; index += 1) names.want(`id${index}`);
    await expect.poll(() => engine.asked.filter((path) => path.includes('/id')).length, poll).toBeGreaterThan(50);
    expect(most).toBe(4);
  });

  test('knows which containers run, from the list and from events', async () => {
    engine.containers.set(DB, { name: 'db', state: 'restarting' }).set('paused', { name: 'p', state: 'paused' });
    engine.remember('start', DB, 'db', 60);
    const names = await started();
    const running = () => [...(names.running ?? [])];
    expect(running()).toEqual([WEB, 'paused']);
    engine.tellOf('start', DB);
    await expect.poll(running, poll).toEqual([WEB, 'paused', DB]);
    engine.tellOf('die', WEB);
    engine.tellOf('destroy', 'paused');
    await expect.poll(running, poll).toEqual([DB]);
  });

  test('ignores an answer about another container', async () => {
    engine.instead.set(`/containers/${DB}`, (_, response) => response.end(JSON.stringify({ Id: WEB, Name: '/web' })));
    const names = await started();
    names.want(DB);
    await expect.poll(() => engine.inspections(DB), poll).toBeGreaterThan(1);
    expect(names.namesOf(DB)).toBeUndefined();
  });

  test('keeps the names of a container that is gone for a while', async () => {
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.namesOf(WEB)?.runtime, poll).toBe('runc');
    names.forget(WEB);
    expect(names.namesOf(WEB)?.name).toBe('web');
    names.want(WEB);
    await pause(150);
    expect(names.namesOf(WEB)?.name).toBe('web');
    names.forget(WEB);
    await expect.poll(() => names.namesOf(WEB), poll).toBeUndefined();
  });

  test('drops names that nobody asked for when the engine removes the container', async () => {
    const names = await started();
    expect(names.namesOf(WEB)?.name).toBe('web');
    engine.tellOf('destroy', WEB);
    await expect.poll(() => names.namesOf(WEB), poll).toBeUndefined();
  });

  test.each(['start', 'die', 'destroy', 'remove'])(
    'names a container that was removed before by its last event: %s',
    async (action) => {
      engine.remember(action, DB, 'db', 600);
      engine.remember('rename', WEB, 'old-name', 600);
      const names = await started();
      names.want(DB);
      await expect.poll(() => names.namesOf(DB)?.name, poll).toBe('db');
      expect(names.namesOf(WEB)?.name).toBe('web');
    },
  );

  test('keeps the name of a removed container only while somebody wants it', async () => {
    engine.remember('destroy', DB, 'db', 600);
    engine.remember('destroy', 'other', 'other', 600);
    const names = await started();
    await expect.poll(() => names.namesOf(DB)?.name, poll).toBe('db');
    names.want(DB);
    await expect.poll(() => names.namesOf('other'), poll).toBeUndefined();
    expect(names.namesOf(DB)?.name).toBe('db');
  });

  test('asks for events as old as the kills that are exported, and later for those that it missed', async () => {
    const names = await started({ history: 60_000, heartbeat: 20 });
    const since = (): number[] =>
      engine.asked.flatMap((path) => (path.startsWith('/events?') ? Number(/since=(\d+)/.exec(path)?.[1]) : []));
    expect(Math.abs((since().at(0) ?? 0) - (Date.now() / 1000 - 60))).toBeLessThan(20);
    await pause(50);
    for (const socket of engine.sockets) socket.destroy();
    await expect.poll(() => since().length, poll).toBeGreaterThan(1);
    expect(since().at(-1)).toBeGreaterThan(Date.now() / 1000 - 30);
    expect(names.namesOf(WEB)?.name).toBe('web');
  });

  test('keeps two long names apart that begin alike', async () => {
    const [first, second] = [`${'x'.repeat(2_000)}1`, `${'x'.repeat(2_000)}2`];
    engine.containers.set(WEB, { name: first });
    engine.containers.set(DB, { name: second });
    const names = await started();
    const [web, db] = [names.namesOf(WEB)?.name, names.namesOf(DB)?.name];
    expect(web).not.toBe(db);
    expect(Math.max(web?.length ?? 0, db?.length ?? 0)).toBeLessThanOrEqual(1_000);
  });

  test('connects over TCP', async () => {
    const bound = await engine.listen({ host: '127.0.0.1', port: 0 });
    if (typeof bound !== 'object' || bound === null) throw new Error('no port');
    const names = start({ host: { kind: 'tcp', protocol: 'http', host: '127.0.0.1', port: bound.port, text: '' } });
    await expect.poll(() => names.namesOf(WEB)?.name, poll).toBe('web');
  });

  test('ignores DOCKER_HOST of the environment', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    expect((await started()).namesOf(WEB)?.name).toBe('web');
    vi.unstubAllEnvs();
  });
});

describe('an engine that is not there', () => {
  test('is no failure by default, and is found once it starts', async () => {
    const names = start({ isDefault: true });
    names.want(WEB);
    await pause(60);
    expect(names.up).toBeUndefined();
    expect(log.warn).not.toHaveBeenCalled();
    await engine.listen(socketPath());
    await expect.poll(() => names.namesOf(WEB)?.runtime, poll).toBe('runc');
    expect(names.up).toBe(true);
    await engine.close();
    await expect.poll(() => names.up, poll).toBe(false);
  });

  test('is waited for as soon as its default socket is there', async () => {
    await engine.listen(socketPath());
    const names = start({ isDefault: true });
    await expect.poll(() => names.up, poll).toBeDefined();
  });

  test('is a failure if a user has configured it, and is logged once', async () => {
    const names = start();
    expect(names.up).toBe(false);
    await expect.poll(() => log.warn.mock.calls.length, poll).toBe(1);
    await pause(100);
    expect(log.warn).toHaveBeenCalledTimes(1);
    await engine.listen(socketPath());
    await expect.poll(() => log.info.mock.calls.length, poll).toBe(1);
    expect(names.up).toBe(true);
  });
});

describe('an engine that fails', () => {
  const silence: Answer = () => {};
  const pour =
    (text: string): Answer =>
    (_, response) => {
      response.on('error', () => {});
      const go = (): void => {
        while (!response.destroyed && response.write(text));
        if (!response.destroyed) response.once('drain', go);
      };
      go();
    };

  const failures: Record<string, readonly [path: string, Answer]> = {
    'hangs, as after SIGSTOP': ['/', silence],
    'hangs only at the ping': ['/_ping', silence],
    'has a ping without end': ['/_ping', pour('OK'.repeat(10_000))],
    'has an error without end': [
      '/_ping',
      (request, response) => pour('x'.repeat(9_999))(request, response.writeHead(500)),
    ],
    'has no list': ['/containers/json', (_, response) => response.writeHead(500).end('{"message":"no"}')],
    'has a list without end': ['/containers/json', pour(' '.repeat(1_000_000))],
    'has garbage for a list': ['/containers/json', (_, response) => response.end('<html>\0')],
    'has an object for a list': ['/containers/json', (_, response) => response.end('{"Id":"x"}')],
    'drops connections': ['/', (request) => request.socket.destroy()],
    'breaks off in an answer': [
      '/containers/json',
      (request, response) => {
        response.writeHead(200, { 'Content-Length': 1_000 }).write('[');
        setTimeout(() => request.socket.destroy(), 5);
      },
    ],
    'has no events': ['/events', (_, response) => response.writeHead(400).end('no')],
    'has an event without end': ['/events', pour('x'.repeat(100_000))],
    'ends its events': ['/events', (_, response) => response.end()],
  };

  test.each(Object.entries(failures))(
    'and %s: names stay, one line is logged, and it is found again',
    async (_, [path, answer]) => {
      // The next heartbeat or a new connection notices that calls fail. Heartbeats are off here: a heartbeat during the
      // failure would find the engine up again.
      const atHeartbeat = path === '/' || path === '/_ping';
      const names = await started(atHeartbeat ? {} : { heartbeat: 60_000 });
      names.want(WEB);
      await expect.poll(() => names.namesOf(WEB)?.runtime, poll).toBe('runc');
      engine.instead.set(path, answer);
      if (!atHeartbeat) for (const socket of engine.sockets) socket.destroy();
      await expect.poll(() => names.up, poll).toBe(false);
      await pause(300);
      expect(names.namesOf(WEB)?.name).toBe('web');
      expect(log.warn.mock.calls.length).toBe(1);
      engine.instead.clear();
      await expect.poll(() => names.up, poll).toBe(true);
      engine.containers.set(WEB, { name: 'shop' });
      await expect.poll(() => engine.streams, poll).toBeGreaterThan(0);
      engine.tellOf('rename', WEB);
      await expect.poll(() => names.namesOf(WEB)?.name, poll).toBe('shop');
    },
  );

  test.each<readonly [string, Answer]>([
    ['hangs', silence],
    ['has no end', pour('x'.repeat(100_000))],
    ['is an error', (_, response) => response.writeHead(500).end()],
    ['is garbage', (_, response) => response.end('\0')],
    ['is null', (_, response) => response.end('null')],
  ])('and only what it says of a container %s: the list has named it', async (_, answer) => {
    engine.instead.set(`/containers/${WEB}`, answer);
    const names = await started();
    names.want(WEB);
    await expect.poll(() => engine.inspections(WEB), poll).toBeGreaterThan(1);
    expect(names.namesOf(WEB)?.name).toBe('web');
    expect(names.up).toBe(true);
  });

  test('and speaks no HTTP', async () => {
    const sockets = new Set<Socket>();
    const server = createRawServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.write('SSH-2.0-x\r\n'.repeat(10_000));
    });
    await new Promise<void>((resolve) => {
      server.listen(socketPath(), resolve);
    });
    const names = start();
    await expect.poll(() => log.warn, poll).toHaveBeenCalled();
    // This is enough time for more attempts.
    await pause(100);
    expect(names.up).toBe(false);
    expect(log.warn).toHaveBeenCalledTimes(1);
    await names[Symbol.asyncDispose]();
    // Nobody reads from these sockets, so they never end, and closing the server would wait for them.
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  test('and restarts, with the same containers under other names', async () => {
    const names = await started();
    names.want(WEB);
    await expect.poll(() => names.namesOf(WEB)?.runtime, poll).toBe('runc');
    await engine.close();
    await expect.poll(() => names.up, poll).toBe(false);
    engine.containers.set(WEB, { name: 'shop' });
    engine.containers.set(DB, { name: 'db' });
    names.want(DB);
    await engine.listen(socketPath());
    await expect.poll(() => names.namesOf(DB)?.runtime, poll).toBe('runc');
    expect(names.namesOf(WEB)?.name).toBe('shop');
    expect(log.warn).toHaveBeenCalledTimes(1);
    await expect.poll(() => log.info.mock.calls.length, poll).toBe(2);
  });
});

describe('the end', () => {
  test.each(['/_ping', '/events', '/containers/json', '/containers/a', '/none'])(
    'comes at once, also while %s hangs, and leaves no connection',
    async (path) => {
      engine.instead.set(path, () => {});
      await engine.listen(socketPath());
      const names = start({ timings: { ping: 60_000, list: 60_000, inspect: 60_000 } });
      names.want(WEB);
      names.forget(DB);
      await expect
        .poll(() => engine.asked.some((asked) => asked.startsWith(path === '/none' ? '/events' : path)), poll)
        .toBe(true);
      const begin = performance.now();
      await names[Symbol.asyncDispose]();
      expect(performance.now() - begin).toBeLessThan(5_000);
      expect(names.up).toBe(false);
      await expect.poll(() => engine.sockets.size, poll).toBe(0);
    },
  );

  test('is immediate if there is no engine', async () => {
    const names = start({ isDefault: true });
    await names[Symbol.asyncDispose]();
    expect(names.up).toBeUndefined();
  });

  test('leaves no timer', async () => {
    const names = await started();
    names.want('unknown');
    names.forget(WEB);
    await expect.poll(() => names.ended, poll).toBeDefined();
    await names[Symbol.asyncDispose]();
    const { length } = engine.asked;
    await pause(200);
    expect(engine.asked).toHaveLength(length);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
