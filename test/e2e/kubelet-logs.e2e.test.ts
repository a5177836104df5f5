import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containersOf } from '../manifest.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const HOST = 'guest-v2-docker-systemd';
const CAPTURED = fileURLToPath(new URL(`../fixtures/${HOST}`, import.meta.url));

/** The pods of a node, from the cgroups of a captured host of Docker. */
const SHOP = '6cf2e0c5-0b7a-4c2e-9a55-2d4b6a1f0c11';
const STATIC = '9f3a4c1de0b24f7c8a6d5e4f3c2b1a71';
const [APP = '', SIDECAR = '', PAUSE = '', ETCD = '', YOUNG = ''] = [...containersOf(HOST).values()].toSorted();

const node = mkdtempSync(join(tmpdir(), 'isolation-node-'));
const logs = join(node, 'containers');
const idOf = new Map<string, string>();

/** Moves a captured container to its path under the kubelet. */
function moveToPod(short: string, podUid: string): void {
  const { stdout } = spawnSync('ls', [join(node, 'cgroup/system.slice')], { encoding: 'utf8' });
  const [, id = ''] = new RegExp(`docker-(${short}[0-9a-f]+)\\.scope`).exec(stdout) ?? [];
  const pod = join(node, `cgroup/kubepods.slice/kubepods-pod${podUid.replaceAll('-', '_')}.slice`);
  mkdirSync(pod, { recursive: true });
  renameSync(join(node, `cgroup/system.slice/docker-${id}.scope`), join(pod, `cri-containerd-${id}.scope`));
  idOf.set(short, id);
}

/** Mounts what the kubelet mounts in each container that it starts, but not in a pause. */
function mountHosts(short: string, podUid: string): void {
  for (const pid of readdirSync(join(node, 'proc')).filter((name) => /^\d+$/.test(name))) {
    const file = join(node, 'proc', pid, 'cgroup');
    if (!existsSync(file) || !readFileSync(file, 'utf8').includes(`docker-${short}`)) continue;
    const hosts = `/var/lib/kubelet/pods/${podUid}/etc-hosts /etc/hosts`;
    appendFileSync(join(node, 'proc', pid, 'mountinfo'), `9999 1 254:0 ${hosts} rw,relatime - ext4 /dev/vda rw\n`);
  }
}

function linkLog(short: string, namespace: string, pod: string, container: string, podUid: string): void {
  const target = `/var/log/pods/${namespace}_${pod}_${podUid}/${container}/0.log`;
  symlinkSync(target, join(logs, `${pod}_${namespace}_${container}-${idOf.get(short)}.log`));
}

const FLAGS = [
  `--path.procfs=${node}/proc`,
  `--path.cgroupfs=${node}/cgroup`,
  `--path.container-logs=${logs}`,
  '--docker.host=',
  '--podman.host=',
  '--cri.endpoint=',
];

function run(
  command: string,
  ...options: readonly string[]
): { readonly stdout: string; readonly status: number | null } {
  return spawnSync(process.execPath, [PROGRAM, command, ...FLAGS, ...options], { encoding: 'utf8' });
}

interface Exporter extends AsyncDisposable {
  /** Scrapes until the metrics are as expected, and returns them. */
  until(isDone: (metrics: string) => boolean): Promise<string>;
  /** Its log. */
  said(): string;
}

async function start(): Promise<Exporter> {
  const more = ['--web.listen-address=127.0.0.1:0', '--path.kmsg=', '--log.format=json'];
  const child = spawn(process.execPath, [PROGRAM, ...FLAGS, ...more], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part));
  const until = async (look: () => Promise<string | undefined>): Promise<string> => {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(said);
      await sleep(100);
    }
  };
  const origin = await until(async () => /"addresses":\["([^"]+)"\]/.exec(said)?.[1]);
  return {
    until: (isDone) =>
      until(async () => {
        const metrics = await (await fetch(`http://${origin}/metrics`)).text();
        return isDone(metrics) ? metrics : undefined;
      }),
    said: () => said,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'close');
    },
  };
}

beforeAll(() => {
  if (!existsSync(PROGRAM)) throw new Error('dist/cli.js is not there; npm run build');
  cpSync(join(CAPTURED, 'cgroup'), join(node, 'cgroup'), { recursive: true });
  cpSync(join(CAPTURED, 'proc'), join(node, 'proc'), { recursive: true, verbatimSymlinks: true });
  // A captured host has a directory there; `diagnose` reads the link.
  renameSync(join(node, 'proc/self'), join(node, 'proc/999999'));
  symlinkSync('999999', join(node, 'proc/self'));
  mkdirSync(logs);
  for (const short of [APP, SIDECAR, PAUSE, YOUNG]) moveToPod(short, SHOP);
  moveToPod(ETCD, STATIC);
  for (const short of [APP, SIDECAR, YOUNG]) mountHosts(short, SHOP);
  mountHosts(ETCD, STATIC);
  linkLog(APP, 'shop', 'cart-0', 'app', SHOP);
  linkLog(SIDECAR, 'shop', 'cart-0', 'sidecar', SHOP);
  linkLog(ETCD, 'kube-system', 'etcd-n1', 'etcd', STATIC);
  // Links of a removed container, and links that the kubelet did not create.
  symlinkSync(`/var/log/pods/shop_old_${SHOP}/app/0.log`, join(logs, 'rubbish.log'));
  symlinkSync('/dev/zero', join(logs, `x_y_z-${'e'.repeat(64)}.log`));
});
afterAll(() => rmSync(node, { recursive: true }));

describe('a node of Kubernetes without any socket', () => {
  const labels = (container: string, pod: string, namespace: string): string =>
    `isolation_container_start_time_seconds{engine="containerd",namespace="${namespace}",pod="${pod}",container="${container}"}`;

  it('exports containers under namespace, pod and container, and names a container that gets its log later', async () => {
    await using exporter = await start();
    // A container without a log is shown after the wait for a name, unless it is a pause.
    let metrics = await exporter.until((text) => text.includes(labels(YOUNG, 'cart-0', 'shop')));
    expect(metrics).not.toContain(PAUSE);
    expect(metrics).toContain(labels('app', 'cart-0', 'shop'));
    expect(metrics).toContain(labels('sidecar', 'cart-0', 'shop'));
    expect(metrics).toContain(labels('etcd', 'etcd-n1', 'kube-system'));
    expect(metrics).toContain('isolation_containers{engine="containerd"} 4\n');
    expect(metrics).toContain('isolation_source_up{source="kubelet_logs"} 1\n');
    expect(metrics).toContain('isolation_source_limit_hits_total{source="kubelet_logs",limit="list_size"} 0\n');
    linkLog(YOUNG, 'shop', 'cart-0', 'migrate', SHOP);
    metrics = await exporter.until((text) => text.includes(labels('migrate', 'cart-0', 'shop')));
    expect(metrics).not.toContain(labels(YOUNG, 'cart-0', 'shop'));
    expect(exporter.said()).not.toContain('"level":"warn"');
  });

  it('counts the starts of a container in a crash loop that no scrape sees', async () => {
    await using exporter = await start();
    const starts = (container: string): string =>
      `isolation_container_starts_total{engine="containerd",namespace="shop",pod="cart-0",container="${container}"}`;
    await exporter.until((text) => text.includes(`${starts('app')} 0\n`));
    const pod = join(node, `cgroup/kubepods.slice/kubepods-pod${SHOP.replaceAll('-', '_')}.slice`);
    for (const digit of '1234') {
      const id = digit.repeat(64);
      const cgroup = join(pod, `cri-containerd-${id}.scope`);
      idOf.set(digit, id);
      linkLog(digit, 'shop', 'cart-0', 'loop', SHOP);
      cpSync(join(pod, `cri-containerd-${idOf.get(APP)}.scope`), cgroup, { recursive: true });
      await sleep(500);
      rmSync(cgroup, { recursive: true });
      await sleep(200);
    }
    const metrics = await exporter.until((text) => text.includes(`${starts('loop')} 4\n`));
    expect(metrics).not.toContain(labels('loop', 'cart-0', 'shop'));
    expect(metrics).toContain(`${starts('app')} 0\n`);
    for (const digit of '1234') rmSync(join(logs, `cart-0_shop_loop-${digit.repeat(64)}.log`));
  });

  it('is scanned with the source of each name', () => {
    const { status, stdout } = run('scan', '--output=json');
    expect(status).toBe(0);
    const { containers } = JSON.parse(stdout) as { containers: readonly Record<string, unknown>[] };
    expect(
      containers.map(({ namespace, pod, container, namedBy }) => [namespace, pod, container, namedBy].join(' ')),
    ).toEqual([
      'kube-system etcd-n1 etcd kubelet_logs',
      'shop cart-0 app kubelet_logs',
      'shop cart-0 migrate kubelet_logs',
      'shop cart-0 sidecar kubelet_logs',
    ]);
    expect(run('scan').stdout).toContain('\nNames: 4 from kubelet_logs.\n');
  });

  it('is diagnosed', () => {
    const { checks } = JSON.parse(run('diagnose', '--output=json').stdout) as {
      checks: readonly { readonly name: string; readonly status: string; readonly message: string }[];
    };
    expect(checks.find(({ name }) => name === 'kubelet logs')).toMatchObject({
      status: 'ok',
      message: `${logs} can be listed; it names 4 of 5 containers in pods; pause containers have no log`,
    });
    expect(checks.find(({ name }) => name === 'cri')).toMatchObject({
      status: 'ok',
      message: "disabled; the kubelet's logs name 4 of 5 containers in pods, without images",
    });
  });
});
