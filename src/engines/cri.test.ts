import { mkdtempSync, rmSync } from 'node:fs';
import { createPathCheck } from '../probes/path-check.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CgroupMatch } from '../container.ts';
import { exportedLabels } from '../config/container-labels.ts';
import { createCriMethods, type CriMethodName } from './cri-messages.ts';
import { containersOf, imageOfStatus, lifeInStatus, sandboxesOf } from './cri-names.ts';
import { QUICK } from '../../test/quick-timings.ts';
import { EngineSource } from './engine-source.ts';
import type { NameSource } from './name-source.ts';
import { CRI } from './name-sources.ts';

const probes = new PathProbes({ info() {}, warn() {} });
afterAll(() => probes[Symbol.dispose]());

const NGINX = 'ab'.repeat(32);
const PAUSE = 'cd'.repeat(32);
const VM = 'ef'.repeat(32);

type Answer = (request: { readonly filter?: { readonly id?: string } }) => object | 'nothing';

/** A fake runtime that implements the calls that names need. Methods that hang never answer. */
class FakeRuntime {
  readonly asked: string[] = [];
  readonly answers: Record<CriMethodName, Answer> = {
    Version: () => ({ runtimeName: 'fake' }),
    ListPodSandbox: ({ filter }) => ({ items: this.sandboxes.filter(({ id }) => matches(filter, id)) }),
    ListContainers: ({ filter }) => ({ containers: this.containers.filter(({ id }) => matches(filter, id)) }),
    ContainerStatus: () => ({ status: { image: { image: 'docker.io/library/nginx:1' } } }),
  };
  sandboxes = [
    { id: PAUSE, metadata: { name: 'web-0', namespace: 'shop' } },
    { id: VM, metadata: { name: 'vm-0', namespace: 'shop' }, runtimeHandler: 'kata' },
  ];
  containers = [
    { id: NGINX, podSandboxId: PAUSE, metadata: { name: 'nginx' }, image: { image: `sha256:${'0'.repeat(64)}` } },
  ];
  #server: Server | undefined;

  async listen(path: string, without?: CriMethodName): Promise<void> {
    const methods = await createCriMethods({ labels: true });
    const server = new Server();
    const names = (Object.keys(this.answers) as CriMethodName[]).filter((name) => name !== without);
    const service = Object.fromEntries(
      names.map((name) => {
        const { path: at, request, response } = methods(name);
        return [
          name,
          {
            path: at,
            requestStream: false,
            responseStream: false,
            requestSerialize: (it: object) => Buffer.from(request.encode(request.fromObject(it)).finish()),
            requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes)),
            responseSerialize: (it: object) => Buffer.from(response.encode(response.fromObject(it)).finish()),
            responseDeserialize: (bytes: Buffer) => response.toObject(response.decode(bytes)),
          },
        ];
      }),
    );
    const implementation = Object.fromEntries(
      names.map((name) => [
        name,
        ({ request }: ServerUnaryCall<Parameters<Answer>[0], object>, done: sendUnaryData<object>) => {
          this.asked.push(name);
          const answer = this.answers[name](request);
          if (answer !== 'nothing') done(null, answer);
        },
      ]),
    );
    server.addService(service, implementation);
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    this.#server = server;
  }

  close(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }
}

/** Runtimes accept a prefix of an id. */
function matches(filter: { readonly id?: string } | undefined, id: string): boolean {
  return id.startsWith(filter?.id ?? '');
}

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const poll = { timeout: 20_000, interval: 5 };
let directory: string;
let runtime: FakeRuntime;
let source: NameSource | undefined;

beforeEach(() => {
  vi.clearAllMocks();
  directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-cri-'));
  runtime = new FakeRuntime();
});

afterEach(async () => {
  await source?.[Symbol.asyncDispose]();
  source = undefined;
  runtime.close();
  rmSync(directory, { recursive: true });
});

const socket = (name = 'cri.sock'): string => join(directory, name);

function start(options: { paths?: readonly string[]; isDefault?: boolean; timings?: object } = {}): NameSource {
  const { paths = [socket()], isDefault = false } = options;
  source = new EngineSource({
    checkPath: createPathCheck(probes),
    ...CRI,
    places: paths.map((path) => CRI.placeOf({ kind: 'unix', path, text: path })),
    isDefault,
    log,
    timings: { ...QUICK, ...options.timings },
  });
  return source;
}

async function started(): Promise<NameSource> {
  await runtime.listen(socket());
  // The time limit is generous, because this process may be slow on a busy machine.
  const names = start({ timings: { ping: 4_000, list: 4_000, inspect: 4_000 } });
  await expect.poll(() => names.up, poll).toBe(true);
  return names;
}

describe('names', () => {
  test('takes everything but the image from the list, which has the digest that the kubelet asked for', async () => {
    const names = await started();
    expect(names.namesOf(NGINX)).toEqual({ namespace: 'shop', pod: 'web-0', containerInPod: 'nginx' });
    names.want(NGINX);
    await expect.poll(() => names.namesOf(NGINX)?.image, poll).toBe('docker.io/library/nginx:1');
    expect(names.namesOf(NGINX)).toMatchObject({ namespace: 'shop', pod: 'web-0', containerInPod: 'nginx' });
    expect(log.warn).not.toHaveBeenCalled();
  });

  test('marks a sandbox as infra, with the handler that runs its pod', async () => {
    const names = await started();
    names.want(VM);
    await expect
      .poll(() => names.namesOf(VM), poll)
      .toEqual({ namespace: 'shop', pod: 'vm-0', containerInPod: 'POD', runtime: 'kata', infra: true });
  });

  test('inspects a container again that the runtime does not report yet', async () => {
    const names = await started();
    const late = '12'.repeat(32);
    names.want(late);
    await expect.poll(() => runtime.asked.filter((name) => name === 'ListPodSandbox').length, poll).toBeGreaterThan(1);
    runtime.containers.push({ id: late, podSandboxId: VM, metadata: { name: 'app' }, image: { image: 'app:2' } });
    await expect
      .poll(() => names.namesOf(late), poll)
      .toMatchObject({ pod: 'vm-0', containerInPod: 'app', runtime: 'kata' });
  });

  test('inspects a container again that was unknown for long, as there are no events', async () => {
    const names = await started();
    const late = '12'.repeat(32);
    names.want(late);
    const failures = () => log.debug.mock.calls.filter(([, text]) => text.startsWith('cannot inspect')).length;
    await expect.poll(failures, poll).toBeGreaterThan(QUICK.inspectAgain.length);
    runtime.containers.push({ id: late, podSandboxId: VM, metadata: { name: 'app' }, image: { image: 'app:2' } });
    await expect.poll(() => names.namesOf(late)?.pod, poll).toBe('vm-0');
  });

  test('inspects a container again whose pod is missing', async () => {
    const names = await started();
    const [pod, late] = ['34'.repeat(32), '12'.repeat(32)];
    runtime.containers.push({ id: late, podSandboxId: pod, metadata: { name: 'app' }, image: { image: 'app:2' } });
    names.want(late);
    await expect.poll(() => log.debug.mock.calls.length, poll).toBeGreaterThan(0);
    runtime.sandboxes.push({ id: pod, metadata: { name: 'late-0', namespace: 'shop' } });
    await expect.poll(() => names.namesOf(late)?.pod, poll).toBe('late-0');
  });

  test('does not take a container for another one whose id begins alike', async () => {
    const names = await started();
    const begin = NGINX.slice(0, 12);
    names.want(begin);
    await expect.poll(() => log.debug.mock.calls.length, poll).toBeGreaterThan(1);
    expect(names.namesOf(begin)).toBeUndefined();
  });

  test.each<readonly [string, Partial<CgroupMatch>, boolean]>([
    ['containerd', { podUid: 'u' }, true],
    ['cri-o', { podUid: 'u' }, true],
    ['kata', { podUid: 'u' }, true],
    ['containerd', {}, false],
    ['docker', { podUid: 'u' }, false],
    ['containerd', { podUid: 'u', outer: { engine: 'docker', id: PAUSE, infra: false } }, false],
  ])('are asked for of %s with %j: %s', (engine, more, expected) => {
    expect(CRI.mayKnow({ engine, id: NGINX, infra: false, ...more })).toBe(expected);
  });
});

test('encodes messages with the field numbers of the interface', async () => {
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message Metadata { string name = 1; string uid = 2; string namespace = 3; uint32 attempt = 4; }
    message Sandbox { string id = 1; Metadata metadata = 2; int32 state = 3; int64 created_at = 4; string runtime_handler = 7; }
    message Sandboxes { repeated Sandbox items = 1; }
    message Image { string image = 1; string user_specified_image = 18; string runtime_handler = 19; }
    message ContainerMetadata { string name = 1; uint32 attempt = 2; }
    message Container {
      string id = 1; string pod_sandbox_id = 2; ContainerMetadata metadata = 3; Image image = 4; string image_ref = 5;
      ContainerState state = 6;
    }
    enum ContainerState { CONTAINER_CREATED = 0; CONTAINER_RUNNING = 1; CONTAINER_EXITED = 2; CONTAINER_UNKNOWN = 3; }
    message Containers { repeated Container containers = 1; }
    message Status {
      string id = 1; ContainerMetadata metadata = 2; ContainerState state = 3; int64 created_at = 4; int64 started_at = 5;
      int64 finished_at = 6; int32 exit_code = 7; Image image = 8; string image_ref = 9; string reason = 10; string message = 11;
    }
    message StatusResponse { Status status = 1; }`);
  const methods = await createCriMethods();
  const passed = (type: string, name: CriMethodName, message: object): object => {
    const theirs = root.lookupType(type);
    return methods(name).decode(theirs.encode(theirs.fromObject(message)).finish());
  };
  const metadata = { name: 'web-0', uid: 'u', namespace: 'shop', attempt: 3 };
  const sandbox = { id: PAUSE, metadata, state: 1, createdAt: 7, runtimeHandler: 'runsc' };
  const ofPod = { namespace: 'shop', pod: 'web-0', runtime: 'runsc' };
  expect(sandboxesOf(passed('Sandboxes', 'ListPodSandbox', { items: [sandbox] }))).toEqual([
    { id: PAUSE, names: { ...ofPod, containerInPod: 'POD', infra: true }, ofPod },
  ]);
  const image = { image: 'sha256:12', userSpecifiedImage: 'nginx:1', runtimeHandler: 'x' };
  const container = { id: NGINX, podSandboxId: PAUSE, metadata: { name: 'nginx', attempt: 1 }, image, imageRef: 'y' };
  for (const state of [0, 1, 2, 3]) {
    const containers = [{ ...container, state }];
    expect(containersOf(passed('Containers', 'ListContainers', { containers }))).toEqual([
      {
        id: NGINX,
        names: { containerInPod: 'nginx', image: 'nginx:1' },
        sandbox: PAUSE,
        isRunning: state === 1,
        hasExited: state === 2,
      },
    ]);
  }
  const status = { id: NGINX, metadata: { name: 'nginx' }, image: { image: 'docker.io/nginx:1' }, imageRef: 'y' };
  expect(imageOfStatus(passed('StatusResponse', 'ContainerStatus', { status }))).toBe('docker.io/nginx:1');
  const lifeOf = (more: object) => {
    const message = { status: { ...status, metadata: { name: 'nginx', attempt: 4 }, ...more } };
    return lifeInStatus(passed('StatusResponse', 'ContainerStatus', message));
  };
  expect(lifeOf({ state: 1, startedAt: 5 })).toEqual({ restarts: 4 });
  const ended = { state: 2, finishedAt: '1795905377500000000' };
  const exit = { code: 137, at: 1_795_905_377.5, oomKilled: true };
  expect(lifeOf({ ...ended, exitCode: 137, reason: 'OOMKilled' })).toEqual({ restarts: 4, exit });
  expect(lifeOf({ ...ended, reason: 'Completed' })).toEqual({
    restarts: 4,
    exit: { ...exit, code: 0, oomKilled: false },
  });
  // After a reboot, containerd has not seen how a container ended. CRI-O has not found its exit file.
  const unseen = { restarts: 4, exit: { at: exit.at } };
  expect(lifeOf({ ...ended, exitCode: 255, reason: 'Unknown' })).toEqual(unseen);
  expect(lifeOf({ ...ended, exitCode: -1, reason: 'Error' })).toEqual(unseen);
  expect(lifeOf({ ...ended, exitCode: -1, reason: 'OOMKilled' })).toEqual({
    ...unseen,
    exit: { at: exit.at, oomKilled: true },
  });
  expect(lifeOf({ ...ended, exitCode: 255, reason: 'Error' })).toMatchObject({ exit: { code: 255, oomKilled: false } });
  expect(lifeOf({ state: 2, finishedAt: '-6795364578871345152' })).toMatchObject({ exit: { code: 0 } });
});

test.each([
  ['docker.io/library/nginx:1', 'docker.io/library/nginx:1'],
  [`quay.io/a/b@sha256:${'0'.repeat(64)}`, `quay.io/a/b@sha256:${'0'.repeat(64)}`],
  [`sha256:${'0'.repeat(64)}`, undefined],
  // CRI-O's ids have no prefix.
  ['0'.repeat(64), undefined],
])('the name of the image %j is %j', (image, name) => {
  expect(imageOfStatus({ status: { image: { image } } })).toBe(name);
  const [container] = containersOf({ containers: [{ id: NGINX, image: { image } }] });
  expect(container?.names.image).toBe(name);
});

test('the chosen labels are those of the container and of its pod', async () => {
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message Sandbox { string id = 1; map<string, string> labels = 5; map<string, string> annotations = 6; }
    message Sandboxes { repeated Sandbox items = 1; }
    message Container { string id = 1; map<string, string> labels = 8; map<string, string> annotations = 9; }
    message Containers { repeated Container containers = 1; }`);
  const chosen = [
    ...exportedLabels(['app', 'io.kubernetes.container.name', '__proto__']),
    { name: 'other', exportedAs: undefined },
  ];
  const labels = { app: 'web', other: 'x', 'io.kubernetes.container.name': 'nginx' };
  const passed = async (options: { labels: boolean }, type: string, name: CriMethodName, message: object) => {
    const { response } = (await createCriMethods(options))(name);
    const theirs = root.lookupType(type);
    return response.toObject(response.decode(theirs.encode(theirs.fromObject(message)).finish()));
  };
  const expected = { label_app: 'web', label_io_kubernetes_container_name: 'nginx' };
  const containers = { containers: [{ id: NGINX, labels }] };
  const items = { items: [{ id: PAUSE, labels }] };
  for (const on of [true, false]) {
    const [container] = containersOf(await passed({ labels: on }, 'Containers', 'ListContainers', containers), chosen);
    expect(container?.names.labels).toEqual(on ? expected : undefined);
    expect(container?.names.matchedLabels).toEqual(on ? { other: 'x' } : undefined);
    const [sandbox] = sandboxesOf(await passed({ labels: on }, 'Sandboxes', 'ListPodSandbox', items), chosen);
    expect(sandbox?.ofPod.labels).toEqual(on ? expected : undefined);
    expect(sandbox?.ofPod.matchedLabels).toEqual(on ? { other: 'x' } : undefined);
  }
});

describe('a runtime', () => {
  test('that hangs is noticed, and its names stay', async () => {
    const names = await started();
    runtime.answers.Version = () => 'nothing';
    await expect.poll(() => names.up, poll).toBe(false);
    expect(names.namesOf(NGINX)?.pod).toBe('web-0');
    runtime.answers.Version = () => ({});
    await expect.poll(() => names.up, poll).toBe(true);
    expect(log.warn).toHaveBeenCalledTimes(1);
  });

  test('that restarts is asked again, and its names stay meanwhile', async () => {
    const names = await started();
    runtime.close();
    await expect.poll(() => names.up, poll).toBe(false);
    expect(names.namesOf(NGINX)?.pod).toBe('web-0');
    rmSync(socket(), { force: true });
    await runtime.listen(socket());
    await expect.poll(() => names.up, poll).toBe(true);
  });

  test('without the interface is no failure unless a user has configured it', async () => {
    await runtime.listen(socket(), 'Version');
    const byDefault = start({ isDefault: true });
    await expect.poll(() => log.debug.mock.calls.length, poll).toBeGreaterThan(0);
    await expect.poll(() => byDefault.up, poll).toBeUndefined();
    const asked = runtime.asked.length;
    const seen = new Set<boolean | undefined>();
    // The runtime is asked again, and meanwhile no container waits for its name.
    await expect
      .poll(() => {
        seen.add(byDefault.up);
        return log.debug.mock.calls.length;
      }, poll)
      .toBeGreaterThan(5);
    expect([asked, [...seen]]).toEqual([0, [undefined]]);
    expect(log.warn).not.toHaveBeenCalled();
    await byDefault[Symbol.asyncDispose]();
    const byName = start();
    await expect.poll(() => log.warn.mock.calls.length, poll).toBe(1);
    expect(byName.up).toBe(false);
  });

  test('is found at the second socket if something else listens at the first', async () => {
    const other = new FakeRuntime();
    await other.listen(socket('docker.sock'), 'Version');
    await runtime.listen(socket());
    const names = start({ paths: [socket('none.sock'), socket('docker.sock'), socket()], isDefault: true });
    await expect.poll(() => names.up, poll).toBe(true);
    other.close();
  });

  test.each<readonly [string, object[]]>([
    ['bytes', Array.from({ length: 20 }, () => ({ id: NGINX, podSandboxId: 'x'.repeat(1_000_000) }))],
    ['entries', Array.from({ length: 20_001 }, () => ({}))],
  ])('whose list has too many %s names containers one by one', async (_, containers) => {
    runtime.answers.ListContainers = ({ filter }) => ({
      containers: filter === undefined ? containers : runtime.containers.filter(({ id }) => matches(filter, id)),
    });
    await runtime.listen(socket());
    const names = start({ timings: { ping: 10_000, list: 15_000, inspect: 10_000, listAgain: 60_000 } });
    await expect.poll(() => names.up, poll).toBe(true);
    expect(names.namesOf(NGINX)).toBeUndefined();
    names.want(NGINX);
    await expect.poll(() => names.namesOf(NGINX)?.pod, poll).toBe('web-0');
    expect(names.limitHits.get('list_size')).toBe(1);
    expect(log.warn.mock.calls).toEqual([[{ source: 'cri', limit: 'list_size' }, expect.any(String)]]);
    expect(names.listsAllRunning).toBe(false);
  });

  test('whose list of ended containers is too long has an unknown number of them, not none', async () => {
    const entries = Array.from({ length: 20_001 }, () => ({}));
    runtime.answers.ListContainers = ({ filter }) => ({
      containers: filter === undefined ? [] : entries,
    });
    await runtime.listen(socket());
    const names = start({ timings: { ping: 10_000, list: 15_000, inspect: 10_000, listAgain: 60_000 } });
    const unlisted = 'cannot list the containers that have ended; continuing without them';
    await expect.poll(() => log.warn.mock.calls.map(([, text]) => text), poll).toEqual([unlisted]);
    expect(names.up).toBe(true);
    expect(names.ended).toBeUndefined();
    expect(names.listsAllRunning).toBe(true);
  });

  test('that accepts connections and stays silent is down, and gets only one connection', async () => {
    let connections = 0;
    const sockets = new Set<Socket>();
    const raw = createServer((connection) => {
      connections += 1;
      sockets.add(connection.resume().on('error', () => {}));
    });
    await new Promise<void>((resolve) => void raw.listen(socket(), resolve));
    const names = start({ timings: { ping: 20 } });
    await expect.poll(() => [log.warn.mock.calls.length, connections], poll).toEqual([1, 1]);
    // This is enough time for further attempts.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([names.up, connections]).toEqual([false, 1]);
    for (const connection of sockets) connection.destroy();
    await new Promise((resolve) => raw.close(resolve));
    rmSync(socket(), { force: true });
    await runtime.listen(socket());
    await expect.poll(() => names.up, poll).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['HTTP/1', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['zeros', '\0'.repeat(1_000)],
    ['JSON', '{"a":'],
  ])('that speaks %s is down', async (_, words) => {
    const connections = new Set<Socket>();
    const raw = createServer((connection) => {
      connections.add(connection);
      connection.on('error', () => {}).on('close', () => connections.delete(connection));
      connection.resume().end(words);
    });
    await new Promise<void>((resolve) => void raw.listen(socket(), resolve));
    const names = start();
    await expect.poll(() => log.warn.mock.calls.length, poll).toBe(1);
    expect(names.up).toBe(false);
    await names[Symbol.asyncDispose]();
    await expect.poll(() => connections.size, poll).toBe(0);
    await new Promise((resolve) => raw.close(resolve));
  });
});
