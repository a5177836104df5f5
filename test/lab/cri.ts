import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { host } from './host.ts';
import { type Background, eventually, succeed } from './machine.ts';
import { removeCgroups, removeDirectory } from './remains.ts';

/** The image of every container: busybox. */
export const POD_IMAGE = 'localhost/lab:1';
export const PAUSE_IMAGE = 'localhost/pause:1';

/** A container of a pod, with the kubelet's settings. */
export interface PodContainer {
  readonly name: string;
  readonly command: readonly string[];
  /** In bytes. */
  readonly memory?: number;
}

/** A pod that runs. */
export interface Pod {
  readonly uid: string;
  readonly sandbox: string;
  /** The ids of its containers, by name. */
  readonly containers: Readonly<Record<string, string>>;
}

/**
 * containerd with its CRI plugin and nothing else of Kubernetes, on the host. The lab sends what a kubelet sends, pods have
 * the host's network, and all of them are in `/kubepods/burstable`.
 */
export class CriNode implements AsyncDisposable {
  readonly directory: string;
  readonly socket: string;
  #containerd: Background | undefined;
  readonly #pods: Pod[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.socket = `${directory}/containerd.sock`;
  }

  static async start(): Promise<CriNode> {
    const node = new CriNode(await succeed(host, 'mktemp -d /tmp/isolation-exporter-cri-XXXXXX'));
    try {
      writeFileSync(`${node.directory}/config.toml`, configuration(node.directory));
      await node.up();
      const ctr = `ctr --address ${node.socket} --namespace k8s.io images import`;
      for (const image of [PAUSE_IMAGE, POD_IMAGE])
        await succeed(host, `${ctr} ${await makeImage(node.directory, image)}`);
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts containerd, also after a `kill`. Its containers keep running. */
  async up(): Promise<void> {
    this.#containerd = await host.start(
      `exec containerd --config ${this.directory}/config.toml >> ${this.directory}/log 2>&1`,
    );
    await eventually('the CRI plugin answers', () => this.#call('Version', {}).catch(() => undefined), {
      timeoutMs: 30_000,
    });
  }

  /** Signals containerd only, not its shims or containers. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#containerd?.kill(signal);
  }

  /** Runs a pod as the kubelet does: its sandbox, then one container after the other. */
  async run(name: string, namespace: string, containers: readonly PodContainer[]): Promise<Pod> {
    const uid = `00000000-0000-4000-8000-${String(process.pid).padStart(8, '0')}${String(this.#pods.length).padStart(4, '0')}`;
    const config = {
      metadata: { name, uid, namespace, attempt: 0 },
      logDirectory: `${this.directory}/logs`,
      labels: { ...labelsOf(name, namespace, uid), app: name },
      linux: {
        cgroupParent: `/kubepods/burstable/pod${uid}`,
        // The host's network, so that no network plugin is needed.
        securityContext: { namespaceOptions: { network: 2, pid: 1 } },
      },
    };
    const { podSandboxId: sandbox = '' } = await this.#call('RunPodSandbox', { config });
    const ids: Record<string, string> = {};
    this.#pods.push({ uid, sandbox, containers: ids });
    for (const container of containers) ids[container.name] = await this.#start(sandbox, config, container);
    return { uid, sandbox, containers: ids };
  }

  /** Ends a pod and removes it. */
  async remove({ sandbox }: Pod): Promise<void> {
    await this.#call('StopPodSandbox', { podSandboxId: sandbox });
    await this.#call('RemovePodSandbox', { podSandboxId: sandbox });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#containerd?.kill('SIGCONT').catch(() => {});
    for (const pod of this.#pods) await this.remove(pod).catch(() => {});
    await this.#containerd?.stop();
    for (const { uid } of this.#pods) await removeCgroups(host, `pod${uid}`);
    await removeDirectory(host, this.directory);
  }

  async #start(sandbox: string, sandboxConfig: SandboxConfig, container: PodContainer): Promise<string> {
    const { name, command, memory = 0 } = container;
    // The kubelet gives the labels of a pod to its sandbox only.
    const { app: _, ...kubeletLabels } = sandboxConfig.labels;
    const { containerId = '' } = await this.#call('CreateContainer', {
      podSandboxId: sandbox,
      sandboxConfig,
      config: {
        metadata: { name, attempt: 0 },
        image: { image: POD_IMAGE },
        command,
        labels: { ...kubeletLabels, 'io.kubernetes.container.name': name },
        logPath: `${name}.log`,
        linux: { resources: { memoryLimitInBytes: memory } },
      },
    });
    await this.#call('StartContainer', { containerId });
    return containerId;
  }

  #call(method: string, message: object): Promise<Record<string, string>> {
    const request = SERVICE.lookupType(`${method}Request`);
    const response = SERVICE.lookupType(`${method}Response`);
    const client = new Client(`unix:${this.socket}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    return new Promise<Record<string, string>>((resolve, reject) => {
      client.makeUnaryRequest(
        `/runtime.v1.RuntimeService/${method}`,
        (it: object) => Buffer.from(request.encode(request.fromObject(it)).finish()),
        (bytes) => response.toObject(response.decode(bytes)),
        message,
        { deadline: Date.now() + 30_000 },
        (error, answer) => (error === null ? resolve(answer ?? {}) : reject(error)),
      );
    }).finally(() => client.close());
  }
}

type SandboxConfig = { readonly labels: Readonly<Record<string, string>> };

/** The kubelet's labels of each container. */
function labelsOf(name: string, namespace: string, uid: string): Record<string, string> {
  return { 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': namespace, 'io.kubernetes.pod.uid': uid };
}

const configuration = (directory: string): string => `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
address = "${directory}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${PAUSE_IMAGE}"
restrict_oom_score_adj = true
`;

/** Creates an image with only busybox in the format of `docker save`, and returns the path of the archive. */
export async function makeImage(directory: string, name: string): Promise<string> {
  const at = await succeed(host, `mktemp -d ${directory}/image-XXXXXX`);
  mkdirSync(`${at}/root/bin`, { recursive: true });
  await succeed(
    host,
    `cd ${at} && cp /bin/busybox root/bin/ && for applet in sh sleep tail true; do ln -s busybox root/bin/$applet; done
    mkdir root/tmp && tar -C root -cf layer.tar .`,
  );
  const digest = createHash('sha256')
    .update(readFileSync(`${at}/layer.tar`))
    .digest('hex');
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: [`sha256:${digest}`] };
  const config = { Cmd: ['/bin/sleep', '1000000'], Env: ['PATH=/bin'] };
  writeFileSync(`${at}/config.json`, JSON.stringify({ architecture, os: 'linux', config, rootfs }));
  writeFileSync(
    `${at}/manifest.json`,
    JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]),
  );
  await succeed(host, `cd ${at} && tar -cf image.tar manifest.json config.json layer.tar`);
  return `${at}/image.tar`;
}

/** The part of `api.proto` (kubernetes/cri-api) that running pods needs. */
const SERVICE = protobuf.parse(`
syntax = "proto3";
message VersionRequest { string version = 1; }
message VersionResponse { string runtime_name = 2; }
message PodSandboxMetadata { string name = 1; string uid = 2; string namespace = 3; uint32 attempt = 4; }
message NamespaceOption { int32 network = 1; int32 pid = 2; int32 ipc = 3; }
message LinuxSandboxSecurityContext { NamespaceOption namespace_options = 1; }
message LinuxPodSandboxConfig { string cgroup_parent = 1; LinuxSandboxSecurityContext security_context = 2; }
message PodSandboxConfig {
  PodSandboxMetadata metadata = 1;
  string log_directory = 3;
  map<string, string> labels = 6;
  LinuxPodSandboxConfig linux = 8;
}
message RunPodSandboxRequest { PodSandboxConfig config = 1; }
message RunPodSandboxResponse { string pod_sandbox_id = 1; }
message StopPodSandboxRequest { string pod_sandbox_id = 1; }
message StopPodSandboxResponse {}
message RemovePodSandboxRequest { string pod_sandbox_id = 1; }
message RemovePodSandboxResponse {}
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
message ImageSpec { string image = 1; }
message LinuxContainerResources { int64 memory_limit_in_bytes = 4; }
message LinuxContainerConfig { LinuxContainerResources resources = 1; }
message ContainerConfig {
  ContainerMetadata metadata = 1;
  ImageSpec image = 2;
  repeated string command = 3;
  map<string, string> labels = 9;
  string log_path = 11;
  LinuxContainerConfig linux = 15;
}
message CreateContainerRequest { string pod_sandbox_id = 1; ContainerConfig config = 2; PodSandboxConfig sandbox_config = 3; }
message CreateContainerResponse { string container_id = 1; }
message StartContainerRequest { string container_id = 1; }
message StartContainerResponse {}
`).root;
