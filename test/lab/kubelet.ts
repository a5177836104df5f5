import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import type { IPod } from 'kubernetes-models/v1';
import { makeImage, PAUSE_IMAGE, POD_IMAGE } from './cri.ts';
import { changedGoTool, hasGo } from './go-tools.ts';
import { bootGuest, type Guest } from './guest.ts';
import { describeLong } from './live.ts';
import { eventually, quote, succeed } from './machine.ts';
import { ENGINE_ON_NODE, nodeEngine } from './node-engine.ts';
import type { Part } from './parts.ts';
import type { PlatformOfSuite } from '../platforms/platforms-table.ts';

/** With the libraries of the same release in place of the directories beside it, which the module lacks. */
const MODULE = 'k8s.io/kubernetes@v1.37.2';
const LIBRARIES_VERSION = 'v0.37.2';
const CHANGE = `rm go.work
    sed -i 's|=> ./staging/src/\\(k8s.io/[a-z0-9-]*\\)$|=> \\1 ${LIBRARIES_VERSION}|' go.mod
    export CGO_ENABLED=0`;
const VERSION = 'k8s.io/component-base/version';
const FLAGS = `-trimpath -ldflags '-s -w -X ${VERSION}.gitVersion=v1.37.2 -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=37'`;

const MANIFESTS = '/etc/kubernetes/manifests';
const LOGS = '/run/lab-node';
const CTR = `${ENGINE_ON_NODE}/bin/ctr -n k8s.io`;

/** How a node runs its containers. */
export interface NodeOptions {
  readonly runtime: 'runc' | 'crun';
  readonly cgroupDriver: 'systemd' | 'cgroupfs';
}

/** A pod as the kubelet reports it. */
export interface PodStatus {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly status: {
    readonly phase?: string;
    readonly qosClass?: string;
    readonly podIP?: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** A container as the kubelet reports it. */
export interface ContainerStatus {
  readonly name: string;
  readonly containerID?: string;
  readonly restartCount: number;
  /** Whether its probe of readiness succeeds. */
  readonly ready: boolean;
  /** What the runtime has set. */
  readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
  readonly state: Readonly<Record<'running' | 'waiting' | 'terminated', { readonly reason?: string } | undefined>>;
  readonly lastState: { readonly terminated?: { readonly reason: string; readonly exitCode: number } };
}

/**
 * A suite on a node of Kubernetes. The kubelet takes over half an hour to build, so the suite only runs with `LAB=all`.
 *
 * @param needs besides the node.
 */
export function describeNode(name: string, needs: readonly Part[], suite: () => void): void {
  if (hasGo) describeLong(name, ['guest-node', ...needs], suite);
  else describe.skip(`${name} [skipped: needs Go]`, suite);
}

/**
 * A node of Kubernetes without a control plane: a kubelet with static pods, and containerd, as units in a guest of their
 * own with systemd and Linux 6.12. The guest ends with it.
 */
export class KubernetesNode implements AsyncDisposable {
  readonly machine: Guest;
  readonly #options: NodeOptions;

  private constructor(machine: Guest, options: NodeOptions) {
    this.machine = machine;
    this.#options = options;
  }

  static async start(options: NodeOptions): Promise<KubernetesNode> {
    const kubelet = await changedGoTool(MODULE, CHANGE, `${FLAGS} ./cmd/kubelet`, { timeoutMs: 7_200_000 });
    // Not below a long TMPDIR: it contains sockets.
    const directory = mkdtempSync('/tmp/isolation-exporter-node-');
    const machine = await bootGuest({ flavour: 'systemd-newer', directory, owner: process.pid });
    const node = new KubernetesNode(machine, options);
    try {
      await node.#install(kubelet);
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  /** Writes the manifests of pods, which the kubelet then runs. */
  async apply(...pods: readonly IPod[]): Promise<void> {
    const drafts = join(this.machine.share, 'files', 'manifests');
    mkdirSync(drafts, { recursive: true });
    for (const pod of pods) writeFileSync(join(drafts, `${pod.metadata?.name}.json`), JSON.stringify(pod));
    // The kubelet must not see half a file.
    const moves = pods.map(
      ({ metadata }) => `cp /lab/files/manifests/${metadata?.name}.json ${MANIFESTS}/.draft
      mv ${MANIFESTS}/.draft ${MANIFESTS}/${metadata?.name}.json`,
    );
    await succeed(this.machine, ['set -e', ...moves].join('\n'));
  }

  /** Removes the manifest of a pod, which the kubelet then ends. */
  async remove(pod: string): Promise<void> {
    await succeed(this.machine, `rm ${MANIFESTS}/${pod}.json`);
  }

  /** Imports an image from an archive of this host that has the format of `docker save`. */
  async import(archive: string): Promise<void> {
    const draft = join(this.machine.share, 'files', 'import.tar');
    copyFileSync(archive, draft);
    await succeed(this.machine, `${CTR} images import /lab/files/import.tar`);
    rmSync(draft);
  }

  /** Runs a program in a container, as confined as the container is. Returns what it prints. */
  async exec(id: string, ...command: readonly string[]): Promise<string> {
    return succeed(this.machine, `${CTR} tasks exec --exec-id "lab-$RANDOM$RANDOM" ${id} ${quote(...command)}`);
  }

  /** What the containers of a pod have written to their logs. */
  async log(namespace: string, pod: string): Promise<string> {
    return succeed(this.machine, `cat /var/log/pods/${namespace}_${pod}_*/*/*.log`);
  }

  /** All pods, as the kubelet reports them. */
  async pods(): Promise<readonly PodStatus[]> {
    const { items } = JSON.parse(await this.get('/pods')) as { readonly items: readonly PodStatus[] };
    return items;
  }

  /** What runs here, as docs/platforms.md has it. */
  async platform(): Promise<PlatformOfSuite> {
    const [kernel = '', kubelet = '', containerd = '', runtime = ''] = (
      await succeed(
        this.machine,
        `cd ${ENGINE_ON_NODE}/bin
        uname -r
        ./kubelet --version | awk '{ print substr($2, 2) }'
        ./containerd --version | awk '{ print $3 }'
        ./${this.#options.runtime} --version | awk 'NR == 1 { print $1, $3 }'`,
      )
    ).split('\n');
    const version = `${kubelet}, containerd ${containerd.replace('+unknown', '')}, ${runtime}, ${this.#options.cgroupDriver} driver`;
    return { kernel, cgroups: 'v2', engine: 'kubelet', version };
  }

  /** What the kubelet serves at a path of its read-only port. */
  async get(path: string): Promise<string> {
    return `${await succeed(this.machine, `curl -sS --fail -m 300 http://127.0.0.1:10255${path}`)}\n`;
  }

  /** Restarts a unit. Its containers keep running. */
  async restart(unit: 'kubelet' | 'containerd'): Promise<void> {
    await succeed(this.machine, `systemctl restart ${unit}`);
    await this.#answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }

  async #install(kubelet: string): Promise<void> {
    const files = join(this.machine.share, 'files');
    cpSync(nodeEngine(), join(files, 'node'), { recursive: true });
    copyFileSync(kubelet, join(files, 'node/bin/kubelet'));
    for (const [name, text] of Object.entries(FILES(this.#options))) writeFileSync(join(files, name), text);
    const images = [PAUSE_IMAGE, POD_IMAGE];
    for (const [index, image] of images.entries())
      copyFileSync(await makeImage(files, image), join(files, `image-${index}.tar`));
    await succeed(
      this.machine,
      `set -e
      cd /lab/files
      cp -r node ${ENGINE_ON_NODE}
      mkdir -p ${LOGS} ${MANIFESTS} /var/lib/kubelet
      # The guest's root is an overlay, which cannot map the ids of the files that the kubelet mounts in pods.
      mount -t tmpfs tmpfs /var/lib/kubelet
      install -D -m 644 containerd.toml /etc/containerd/config.toml
      install -D -m 644 kubelet.yaml /etc/kubernetes/kubelet.yaml
      install -D -m 644 network.json /etc/cni/net.d/10-lab.conflist
      cp containerd.service kubelet.service /etc/systemd/system/
      systemctl daemon-reload
      systemctl start containerd
      for image in image-*.tar; do ${CTR} images import $image; done
      systemctl start kubelet`,
    );
    await this.#answers();
  }

  async #answers(): Promise<void> {
    const timeoutMs = 60_000 * this.machine.slowness;
    await eventually('the kubelet answers', () => this.get('/healthz'), { timeoutMs, everyMs: 1000 });
  }
}

const FILES = (options: NodeOptions): Readonly<Record<string, string>> => ({
  'containerd.toml': CONTAINERD(options),
  'kubelet.yaml': KUBELET(options),
  'network.json': JSON.stringify(NETWORK),
  'containerd.service': UNIT('containerd', '--config /etc/containerd/config.toml', 'Type=notify\nDelegate=yes'),
  'kubelet.service': UNIT('kubelet', KUBELET_FLAGS, ''),
});

/** The housekeeping of cAdvisor takes most of an emulated processor with its default of 10 s. */
const KUBELET_FLAGS = '--config=/etc/kubernetes/kubelet.yaml --hostname-override=node-1 --housekeeping-interval=30s';

const UNIT = (program: string, flags: string, more: string): string => `[Unit]
# Nothing else of the machine is started.
DefaultDependencies=no
[Service]
Environment=PATH=${ENGINE_ON_NODE}/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=${ENGINE_ON_NODE}/bin/${program} ${flags}
KillMode=process
TasksMax=infinity
TimeoutStartSec=600
StandardOutput=append:${LOGS}/${program}.log
StandardError=append:${LOGS}/${program}.log
${more}
`;

const CONTAINERD = ({ runtime, cgroupDriver }: NodeOptions): string => `version = 3
root = "${LOGS}/containerd"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${PAUSE_IMAGE}"
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["${ENGINE_ON_NODE}/cni"]
[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = "${runtime}"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.${runtime}]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.${runtime}.options]
BinaryName = "${ENGINE_ON_NODE}/bin/${runtime}"
SystemdCgroup = ${cgroupDriver === 'systemd'}
`;

/** The pauses of a crash loop are limited, so that a suite sees several restarts. */
const KUBELET = ({ cgroupDriver }: NodeOptions): string => `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: ${MANIFESTS}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
address: 127.0.0.1
readOnlyPort: 10255
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
cgroupDriver: ${cgroupDriver}
failSwapOn: false
makeIPTablesUtilChains: false
fileCheckFrequency: 5s
nodeStatusUpdateFrequency: 5m
runtimeRequestTimeout: 20m
imageGCHighThresholdPercent: 100
evictionHard: { memory.available: 10Mi }
crashLoopBackOff: { maxContainerRestartPeriod: 20s }
`;

const NETWORK = {
  cniVersion: '1.0.0',
  name: 'lab',
  plugins: [{ type: 'ptp', ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/24' }]] } }],
};
