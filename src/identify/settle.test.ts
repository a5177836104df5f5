import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { identifyCgroup } from './cgroup-path.ts';
import { classify } from './classify.ts';
import { settle, type Settled } from './settle.ts';

const ID = '3b5046be1db64ef7b9b967ce0aa79d424cd892f1594994594283b3e8269e615b';
const OTHER_ID = 'c47183275c45fd012ecf63a3d158866925141770864ac6ac29ab6aec4201a845';
const UID = '5f413373-db04-4240-a645-993a3fbcffc3';

describe('the witness of a cgroup', () => {
  const root = mkdtempSync(join(tmpdir(), 'isolation-exporter-shim-'));
  const kernel = new KernelFiles({
    procRoot: '/proc',
    layout: {
      ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
      discovery: { root, mountRoot: '/', version: 2, controllers: [] },
    },
    descriptorBudget: 100,
  });
  const shims: ChildProcess[] = [];
  let docker: number;
  let ctr: number;
  let shell: number;

  /** Starts something that has a shim's command line, and gives the pid of its child. */
  async function childOf(...words: readonly string[]): Promise<number> {
    // `sh -c SCRIPT` with more words, which are the script's arguments. Here they are the flags of a shim.
    const child = spawn('sh', ['-c', 'sleep 1000; true', ...words.slice(1)], {
      argv0: words[0],
      stdio: 'ignore',
      detached: true,
    });
    shims.push(child);
    return vi.waitFor(
      () => {
        const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
        expect(pid).toBeGreaterThan(0);
        // Until then it is a copy of the shell, with the shim's own command line.
        expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('sleep\n');
        return pid;
      },
      { timeout: 10_000, interval: 5 },
    );
  }

  function cgroup(path: string, ...pids: readonly number[]): string {
    const file = join(root, path, 'cgroup.procs');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, pids.map((pid) => `${pid}\n`).join(''));
    return path;
  }

  function settled(path: string): Settled {
    const identity = identifyCgroup(path);
    if (identity === undefined) throw new Error(`${path} is not even a candidate`);
    return settle(kernel, identity);
  }

  beforeAll(async () => {
    docker = await childOf('/usr/bin/containerd-shim-runc-v2', '-namespace', 'moby', '-id', ID);
    ctr = await childOf('containerd-shim-runc-v2', '-namespace', 'test-ns', '-id', 'web.1');
    shell = await childOf('bash');
  }, 20_000);

  afterAll(() => {
    for (const { pid } of shims) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    rmSync(root, { recursive: true });
  });

  test('a candidate is confirmed by namespace and id', () => {
    expect(settled(cgroup('/test-ns/web.1', ctr))).toEqual({
      engine: 'containerd',
      id: 'web.1',
      cgroup: '/test-ns/web.1',
      infra: false,
    });
    // A process in an inner cgroup confirms it too, and so does the inner cgroup itself.
    cgroup('/test-ns/web.1');
    expect(settled(cgroup('/test-ns/web.1/init.scope', ctr))).toMatchObject({ cgroup: '/test-ns/web.1' });
    rmSync(join(root, 'test-ns/web.1/init.scope'), { recursive: true });
    // crun puts its processes into an inner cgroup, whose name is not an id.
    cgroup('/test-ns/web.1/container', ctr);
    expect(settled('/test-ns/web.1')).toMatchObject({ cgroup: '/test-ns/web.1', id: 'web.1' });
    expect(settled('/test-ns/web.1/container')).toBeUndefined();
    rmSync(join(root, 'test-ns/web.1/container'), { recursive: true });
  });

  test.each(['/podruntime/web.1', '/mypool/gpu/web.1', '/web.1', '/system.slice/pool.service/web.1'])(
    'a cgroup that the client chose is confirmed by the id: %s',
    (path) => {
      expect(settled(cgroup(path, ctr))).toEqual({ engine: 'containerd', id: 'web.1', cgroup: path, infra: false });
      expect(settled(cgroup(path, shell))).toBe('unconfirmed');
    },
  );

  test('a scope of machined is a container once it has a payload, or if systemd-nspawn is in it', async () => {
    const vm = cgroup('/machine.slice/machine-fedora43.scope', shell);
    expect(settled(vm)).toBe('unconfirmed');
    const container = cgroup('/machine.slice/machine-m1.scope');
    cgroup(`${container}/payload`, shell);
    expect(settled(container)).toEqual({ engine: 'nspawn', id: 'm1', cgroup: container, infra: false });
    const nspawn = await childOf('/usr/bin/systemd-nspawn', '--machine=old');
    const parent = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${nspawn}/status`, 'utf8'))?.[1]);
    expect(settled(cgroup('/machine.slice/machine-old.scope', parent, nspawn))).toMatchObject({ id: 'old' });
  });

  test('a scope of machined with a shim for its name is a container of containerd', () => {
    const scope = cgroup('/machine.slice/ctr-web.1.scope', ctr);
    expect(settled(scope)).toEqual({ engine: 'containerd', id: 'web.1', cgroup: scope, infra: false });
    expect(settled(cgroup('/machine.slice/ctr-web.2.scope', ctr))).toBe('unconfirmed');
  });

  test('a payload in a unit of its own is a container beside its supervisor only', () => {
    expect(settled(cgroup('/system.slice/web.service/payload', shell))).toBeUndefined();
    cgroup('/system.slice/web.service/supervisor', shell);
    expect(settled('/system.slice/web.service/payload')).toMatchObject({ engine: 'nspawn', id: 'web' });
    expect(settled(cgroup('/user.slice/user-7.slice/x.scope/payload', shell))).toBeUndefined();
    cgroup('/user.slice/user-7.slice/x.scope/supervisor', shell);
    expect(settled('/user.slice/user-7.slice/x.scope/payload')).toMatchObject({ engine: 'nspawn', id: 'x' });
  });

  test('a runtime without an engine confirms its container, wherever that is', async () => {
    const runc = await childOf('runc', '--root', '/run/x', 'run', '--bundle', '/srv/web', 'web-7');
    const crun = await childOf('/usr/bin/crun', 'run', UID);
    for (const path of [
      '/system.slice/web.service/web-7',
      '/user.slice/user-7.slice/session-3.scope/web-7',
      '/web-7',
    ]) {
      expect(settled(cgroup(path, runc))).toMatchObject({ engine: 'runc', id: 'web-7', cgroup: path, infra: false });
    }
    expect(settled(cgroup(`/${UID}`, crun))).toEqual({ engine: 'crun', id: UID, cgroup: `/${UID}`, infra: false });
    expect(settled(cgroup('/system.slice/web.service/web-8', runc))).toBe('unconfirmed');
    // An engine's own, whose shim or monitor is the witness.
    const created = await childOf('runc', 'create', '--bundle', '/run', 'web-7');
    expect(settled(cgroup('/pool/web-7', created))).toBe('unconfirmed');
    // A client of containerd has chosen the prefix.
    expect(settled(cgroup('/system.slice/runc-web.1.scope', ctr))).toMatchObject({ engine: 'containerd', id: 'web.1' });
    expect(classify(kernel, cgroup('/system.slice/runc-web-9.scope', shell))).toMatchObject({
      otherwise: { engine: 'runc', id: 'web-9' },
    });
  });

  describe('a runtime that has detached its container', () => {
    const hostRoot = mkdtempSync(join(tmpdir(), 'isolation-exporter-host-'));
    afterAll(() => rmSync(hostRoot, { recursive: true }));

    function keep(file: string, state: unknown): void {
      const path = join(hostRoot, 'run', file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, typeof state === 'string' ? state : JSON.stringify(state));
    }
    const settledByState = (path: string): Settled => {
      const identity = identifyCgroup(path);
      return identity && settle(kernel, identity, { hostRoot: () => hostRoot });
    };

    test.each([
      ['runc', '/detached', { id: 'detached', init_process_pid: 7, init_process_start: 1 }, 'runc/detached/state.json'],
      ['crun', '/user.slice/session-3.scope/web-1', { pid: 7, 'cgroup-path': '/web-1' }, 'crun/web-1/status'],
      ['youki', '/pool/gpu/job_7', { ociVersion: 'v1.0.2', id: 'job_7', pid: 7 }, 'youki/job_7/state.json'],
      // Not Garden's, whose handles have this form.
      ['crun', `/${UID}`, { pid: 7 }, `crun/${UID}/status`],
      // Not containerd's, which is the guess without a witness.
      ['runc', `/batch/${ID}`, { init_process_pid: 7 }, `runc/${ID}/state.json`],
    ])('confirms it by its state: %s at %s', (engine, path, state, file) => {
      cgroup(path, 7, 8);
      expect(settledByState(path)).toBe('unconfirmed');
      keep(file, state);
      const id = path.slice(path.lastIndexOf('/') + 1);
      expect(settledByState(path)).toEqual({ engine, id, cgroup: path, infra: false });
    });

    test.each([
      ['of another process', { init_process_pid: 9 }],
      ['that is only half written', '{"id":"other","init_process_pid":7,"conf'],
      ['of another form', [7]],
      ['without an object', 'null'],
      ['whose process is no number', { init_process_pid: '7' }],
    ])('does not with a state %s', (_, state) => {
      keep('runc/other/state.json', state);
      expect(settledByState(cgroup('/other', 7))).toBe('unconfirmed');
    });
  });

  test('a microVM of Firecracker is confirmed by its id, wherever the user of its jailer chose the cgroup', async () => {
    const program = join(root, 'firecracker-v1.10.1-x86_64');
    symlinkSync('/bin/sh', program);
    const started = spawn(program, ['-c', 'sleep 1000; true', '--id', 'vm-1'], { stdio: 'ignore', detached: true });
    shims.push(started);
    const pid = Number(started.pid);
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('firecracker-v1.\n'));
    const microVm = cgroup('/pool/blue/vm-1', pid);
    expect(settled(microVm)).toEqual({ engine: 'firecracker', id: 'vm-1', cgroup: microVm, infra: false });
    expect(settled(cgroup('/my-firecracker/vm-1', pid))).toMatchObject({ engine: 'firecracker', id: 'vm-1' });
    expect(settled(cgroup('/pool/blue/vm-2', pid))).toBe('unconfirmed');
    expect(settled(cgroup('/pool/green/vm-1', shell))).toBe('unconfirmed');
  });

  test('a container of LXC keeps its name if LXC has numbered its cgroup', async () => {
    const monitor = await childOf('[lxc monitor] /var/lib/lxc c1', '-');
    const foreground = await childOf('lxc-start', '-F', '--name=web-2');
    const cgroupOf = '/lxc.payload.c1-1';
    expect(settled(cgroup(cgroupOf, monitor))).toEqual({ engine: 'lxc', id: 'c1', cgroup: cgroupOf, infra: false });
    expect(settled(cgroup('/lxc/web-2-13', foreground))).toMatchObject({ id: 'web-2', cgroup: '/lxc/web-2-13' });
    // Its name ends so.
    expect(settled(cgroup('/lxc.payload.web-2', foreground))).toMatchObject({ id: 'web-2' });
    // The monitor is waited for only where there is a cgroup without the number.
    expect(settled(cgroup('/lxc.payload.other-1', monitor))).toMatchObject({ id: 'other-1' });
    expect(settled(cgroup('/lxc.payload.late-1'))).toMatchObject({ id: 'late-1' });
    cgroup('/lxc.payload.other');
    cgroup('/lxc.payload.late');
    expect(settled('/lxc.payload.other-1')).toBe('unconfirmed');
    expect(settled('/lxc.payload.late-1')).toBe('empty');
    expect(classify(kernel, '/lxc.payload.late-1')).toMatchObject({ otherwise: { engine: 'lxc', id: 'late-1' } });
  });

  test('a pod of Podman is not a container', () => {
    cgroup(`/batch/${ID}/libpod-${OTHER_ID}`, shell);
    expect(settled(cgroup(`/batch/${ID}`))).toBeUndefined();
  });

  test('a scope is confirmed by the id at its end, and the shim knows where that begins', () => {
    expect(settled(cgroup('/my.slice/some-prefix-web.1.scope', ctr))).toMatchObject({
      id: 'web.1',
      engine: 'containerd',
    });
  });

  test.each(['/test-ns/web.2', '/web.1/gpu', '/my.slice/x-web.2.scope'])('it is no container: %s', (path) => {
    expect(settled(cgroup(path, ctr, shell, docker))).toBeUndefined();
  });

  test('is undecided without a process', () => {
    expect(settled(cgroup('/test-ns/empty'))).toBe('empty');
    expect(settled(cgroup(`/some/${ID}`))).toBe('empty');
    expect(settled('/gone/gone')).toBe('empty');
  });

  test('an engine that lists the id has it, with a process or without', () => {
    const engineOf = (id: string) => (id === ID ? 'podman' : undefined);
    const ofPodman = { engine: 'podman', id: ID, infra: false };
    for (const path of [cgroup(`/listed/${ID}`), cgroup(`/listed2/${ID}`, docker), cgroup(`/my.slice/x-${ID}.scope`)]) {
      expect(classify(kernel, path, { engineOf })).toEqual({ ...ofPodman, cgroup: path });
    }
    expect(classify(kernel, `/listed/${OTHER_ID}`, { engineOf })).toMatchObject({ undecided: true });
    // The path alone identifies the container.
    expect(classify(kernel, `/docker/${ID}`, { engineOf })).toMatchObject({ engine: 'docker' });
  });

  test('a shim inside the container does not count', () => {
    const shim = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${ctr}/status`, 'utf8'))?.[1]);
    expect(settled(cgroup('/test-ns/web.1', ctr, shim))).toBe('unconfirmed');
  });

  test('the namespace identifies the engine', () => {
    expect(settled(cgroup(`/any/parent/${ID}`, docker))).toEqual({
      engine: 'docker',
      id: ID,
      cgroup: `/any/parent/${ID}`,
      infra: false,
    });
    // One shim serves all containers of a pod, so its id differs.
    expect(settled(cgroup(`/kubepods/pod${UID}/${OTHER_ID}`, ctr))).toMatchObject({
      engine: 'containerd',
      id: OTHER_ID,
      podUid: UID,
    });
    // Something else started the process, perhaps the runc that will hand it over.
    expect(settled(cgroup(`/kubepods/pod${UID}/${ID}`, shell))).toBe('unconfirmed');
  });

  test('certain paths are not checked', () => {
    const identity = identifyCgroup(`/docker/${ID}`);
    expect(identity && settle(kernel, identity)).toBe(identity);
  });

  test('the runtime that is still setting it up is waited for', async () => {
    // This is how `runc init` looks: it has the runtime's name, and no shim above it yet.
    const parent = spawn('bash', ['-c', '(exec -a runc sleep 1000) & wait'], { stdio: 'ignore', detached: true });
    shims.push(parent);
    const pid = await vi.waitFor(
      () => {
        const child = Number(readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8'));
        expect(readFileSync(`/proc/${child}/cmdline`, 'utf8')).toMatch(/^runc\0/);
        return child;
      },
      { timeout: 10_000, interval: 5 },
    );
    expect(settled(cgroup(`/starting/${ID}`, pid))).toBe('starting');
    expect(classify(kernel, `/starting/${ID}`)).toMatchObject({ undecided: true, because: 'starting' });
  });

  test('classify() takes only a container’s own cgroup, and says what an open question may end in', () => {
    expect(classify(kernel, cgroup('/test-ns/web.1', ctr))).toMatchObject({ engine: 'containerd', id: 'web.1' });
    expect(classify(kernel, `/docker/${ID}/inner`)).toBeUndefined();
    expect(classify(kernel, '/system.slice')).toBeUndefined();
    expect(classify(kernel, cgroup('/test-ns/empty'))).toEqual({
      undecided: true,
      otherwise: undefined,
      because: 'empty',
    });
    expect(classify(kernel, cgroup(`/some/${ID}`))).toMatchObject({
      undecided: true,
      otherwise: { engine: 'containerd', id: ID },
    });
  });
});
