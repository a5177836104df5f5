import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EngineClient } from './engine-client.ts';
import { connectToPodman } from './podman.ts';

const APP = 'ab'.repeat(32);
const POD = 'cd'.repeat(32);
const INFRA = 'ef'.repeat(32);
const LIBPOD = '/v4.0.0/libpod';

/** Answers by path; absent ones have status 404. As Podman 4.3 sends them. */
let answers: Map<string, unknown>;
let asked: string[];
let directory: string;
let server: Server;
let podman: EngineClient;
const { signal } = new AbortController();

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-podman-'));
  asked = [];
  answers = new Map<string, unknown>([
    [
      `${LIBPOD}/containers/json`,
      [
        { Id: INFRA, Names: ['cdcdcdcdcdcd-infra'], Image: 'pause:4', IsInfra: true, Pod: POD, PodName: 'shop' },
        { Id: APP, Names: ['app'], Image: 'localhost/lab:1', IsInfra: false, Pod: '', PodName: '', Labels: null },
      ],
    ],
    [
      `${LIBPOD}/containers/${APP}/json`,
      container({ Pod: POD, Config: { Labels: { 'io.kubernetes.docker.type': 'podsandbox' } } }),
    ],
    [`${LIBPOD}/pods/${POD}/json`, { Id: POD, Name: 'shop', Containers: [] }],
    ['/containers/json', [{ Id: APP, Names: ['/app'], Image: 'localhost/lab:1' }]],
    [
      `/containers/${APP}/json`,
      { Id: APP, Name: '/app', Config: { Image: 'localhost/lab:1' }, HostConfig: { Runtime: 'oci' } },
    ],
  ]);
  server = createServer(({ url = '' }, response) => {
    asked.push(url);
    const answer = url.startsWith('/events') ? answers.get('events') : answers.get(url);
    if (answer === undefined) response.writeHead(404).end('{}');
    else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  const socketPath = join(directory, 'socket');
  await new Promise<void>((resolve) => void server.listen(socketPath, resolve));
  podman = await connectToPodman({ socketPath }, () => {});
});
afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

function container(more: object = {}): object {
  return { Id: APP, Name: 'app', ImageName: 'localhost/lab:1', OCIRuntime: 'crun', Pod: '', IsInfra: false, ...more };
}

test('a list has pods, and which containers are infra containers', async () => {
  expect(await podman.list(signal)).toEqual({
    isComplete: true,
    running: new Set([INFRA, APP]),
    containers: [
      { id: INFRA, podId: POD, names: { name: 'cdcdcdcdcdcd-infra', image: 'pause:4', pod: 'shop', infra: true } },
      { id: APP, podId: undefined, names: { name: 'app', image: 'localhost/lab:1' } },
    ],
  });
});

test('an inspected container has its runtime and the name of its pod, and no label makes it an infra container', async () => {
  const names = { name: 'app', image: 'localhost/lab:1', runtime: 'crun', pod: 'shop' };
  expect(await podman.inspect(APP, signal)).toEqual({ id: APP, names, life: {} });
  await podman.inspect(APP, signal);
  expect(asked.filter((path) => path.includes('/pods/'))).toHaveLength(1);
});

test.each([{ IsInfra: true }, { IsService: true }])('%j is a container of its own', async (flag) => {
  answers.set(`${LIBPOD}/containers/${APP}/json`, container(flag));
  expect((await podman.inspect(APP, signal)).names.infra).toBe(true);
});

test('a container whose pod cannot be asked for is asked for again', async () => {
  answers.delete(`${LIBPOD}/pods/${POD}/json`);
  await expect(podman.inspect(APP, signal)).rejects.toThrow('status 404');
  answers.set(`${LIBPOD}/pods/${POD}/json`, { Name: 'shop' });
  expect((await podman.inspect(APP, signal)).names.pod).toBe('shop');
});

test('a service with only Docker’s API gives names, too', async () => {
  answers.delete(`${LIBPOD}/containers/json`);
  const names = { name: 'app', image: 'localhost/lab:1' };
  expect((await podman.list(signal)).containers).toEqual([{ id: APP, names }]);
  answers.delete(`${LIBPOD}/containers/${APP}/json`);
  expect(await podman.inspect(APP, signal)).toEqual({ id: APP, names, life: {} });
});

test('an event has the name of its pod, and shows an infra container', async () => {
  const event = (name: string, podId: string) =>
    `${JSON.stringify({ Type: 'container', Action: 'die', Actor: { ID: APP, Attributes: { name, podId } } })}\n`;
  const events = [event('app', POD), event('app', APP), event('cdcdcdcdcdcd-infra', POD), event('solo', '')];
  answers.set('events', events.join(''));
  const seen: object[] = [];
  for await (const { names } of (await podman.events?.(0, signal)) ?? []) seen.push(names);
  expect(seen).toEqual([
    { name: 'app', pod: 'shop' },
    // Podman does not know the pod any more.
    { name: 'app' },
    { name: 'cdcdcdcdcdcd-infra', pod: 'shop', infra: true },
    { name: 'solo' },
  ]);
  expect(asked.filter((path) => path.includes('/pods/'))).toHaveLength(2);
});
