import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameContainersBy } from './docker.ts';
import type { NameSource } from './name-source.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ID = 'ab'.repeat(32);
const timings = { call: 300, heartbeat: 100, lookForSocket: 20, longestBackOff: 100, keepForgotten: 50 };

/** Speaks as much of Docker's API as names take, well or badly. */
class FakeEngine {
  behaviour: 'normal' | 'hanging' | 'garbage' = 'normal';
  name = '/web';
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();

  constructor() {
    this.#server = createServer((request, response) => {
      if (this.behaviour === 'hanging') return;
      if (this.behaviour === 'garbage') response.end('<html>\0');
      else if (request.url?.startsWith('/_ping')) response.end('OK');
      else if (request.url?.startsWith('/events'))
        this.#streams.add(response.writeHead(200).on('close', () => this.#streams.delete(response)));
      else if (request.url?.startsWith('/containers/json')) response.end(JSON.stringify([{ Id: ID }]));
      else
        response.end(
          JSON.stringify({
            Name: this.name,
            Config: { Image: 'nginx:1', Labels: { 'com.docker.compose.project': 'shop' } },
            HostConfig: { Runtime: 7 },
          }),
        );
      if (request.url?.startsWith('/events')) response.flushHeaders();
    });
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(path, resolve));
  }

  rename(name: string): void {
    this.name = name;
    for (const stream of this.#streams)
      stream.write(`garbage\n${JSON.stringify({ Type: 'container', Action: 'rename', Actor: { ID } })}\n`);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

describe('nameContainersBy()', () => {
  let directory: string;
  let socketPath: string;
  let engine: FakeEngine;
  let source: NameSource | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-engine-'));
    socketPath = join(directory, 'docker.sock');
    engine = new FakeEngine();
  });
  afterEach(async () => {
    await source?.[Symbol.asyncDispose]();
    await engine.close();
    rmSync(directory, { recursive: true });
  });

  function start(isDefault = false): NameSource {
    source = nameContainersBy({
      name: 'docker',
      engines: new Set(['docker']),
      address: { socketPath },
      isDefault,
      log: silent,
      timings,
    });
    source.want(ID);
    return source;
  }
  const poll = { timeout: 10_000 };

  it('names a container, and takes fields of a wrong type as absent', async () => {
    await engine.listen(socketPath);
    start();
    await expect
      .poll(() => source?.namesOf(ID), poll)
      .toEqual({ name: 'web', image: 'nginx:1', composeProject: 'shop' });
    expect(source?.up).toBe(true);
  });

  it('keeps the same object until the engine tells of a change', async () => {
    await engine.listen(socketPath);
    start();
    await expect.poll(() => source?.namesOf(ID)?.name, poll).toBe('web');
    const names = source?.namesOf(ID);
    source?.want(ID);
    expect(source?.namesOf(ID)).toBe(names);
    engine.rename('/shop');
    await expect.poll(() => source?.namesOf(ID)?.name, poll).toBe('shop');
  });

  it('waits for an engine that starts later; a default one does not apply until then', async () => {
    start(true);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(source?.up).toBeUndefined();
    await engine.listen(socketPath);
    await expect.poll(() => source?.namesOf(ID)?.name, poll).toBe('web');
  });

  it.each(['hanging', 'garbage'] as const)(
    'notices an engine that turns %s, keeps the names, and comes back',
    async (behaviour) => {
      await engine.listen(socketPath);
      start();
      await expect.poll(() => source?.namesOf(ID)?.name, poll).toBe('web');
      engine.behaviour = behaviour;
      if (behaviour === 'garbage') await engine.close();
      await expect.poll(() => source?.up, poll).toBe(false);
      expect(source?.namesOf(ID)?.name).toBe('web');
      engine.behaviour = 'normal';
      if (behaviour === 'garbage') await engine.listen(socketPath);
      await expect.poll(() => source?.up, poll).toBe(true);
    },
  );

  it('stops at once, also while the engine hangs', async () => {
    engine.behaviour = 'hanging';
    await engine.listen(socketPath);
    await start()[Symbol.asyncDispose]();
    expect(source?.up).toBe(false);
  });

  it('forgets a container that is gone', async () => {
    await engine.listen(socketPath);
    start();
    await expect.poll(() => source?.namesOf(ID)?.name, poll).toBe('web');
    source?.forget(ID);
    await expect.poll(() => source?.namesOf(ID), poll).toBeUndefined();
  });
});
