/** Recognises one kind of container, or of an engine's own cgroups, by the name of the cgroup. */
export interface CgroupPattern {
  readonly engine: string;
  /**
   * Matches the whole name. Its group is the id. Without a group the id is that of the surrounding container of the same
   * engine, or else the name.
   */
  readonly name: RegExp;
  /** The name of the cgroup above; any if not given. */
  readonly parent?: string | RegExp;
  /** The whole path above; any if not given. */
  readonly above?: RegExp;
  /** The depth in the path; any if not given. */
  readonly depth?: number;
  readonly infra?: true;
  /** The id is certain, the engine only likely. The command line of the shim decides. */
  readonly engineGuessed?: true;
  /** The id is escaped as in a systemd unit name, with `\x2d` for a dash. */
  readonly escaped?: true;
}

/** A pattern that needs a witness. Without a group in `name`, the group of `parent` is the id. */
export interface CandidatePattern extends CgroupPattern {
  /**
   * `shim`: the parent of one of its processes is a containerd shim for this id. `payload`: systemd-nspawn has made a
   * cgroup of this name in it. `supervisor`: systemd-nspawn has made a cgroup of this name beside it.
   */
  readonly confirmedBy: 'shim' | 'payload' | 'supervisor';
}

const ID = '[0-9a-f]{64}';
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** `name('docker-ID(?:\\.scope)?')`: the whole name, with `ID` for 64 hex digits in a group and `UUID` for a UUID. */
function name(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace('UUID', UUID).replace('ID', `(${ID})`)}$`);
}

/** 64 hex digits, as a group. */
export const BARE_ID = name('ID');
/** BuildKit's random id of a build step: 25 lower-case letters and digits. */
const STEP = '[a-z0-9]{25}';
const NSPAWN_UNIT = /^(?:systemd-nspawn@.+\.service|machine-.+\.scope)$/s;
const UNIT_SUFFIX = 'slice|scope|service|mount|automount|swap|socket|device|target|timer|path';
/** Cgroups in which engines and the kubelet create containers. */
const ENGINES_OWN =
  '(?:docker|buildkit|ecs|kubepods|burstable|besteffort|pod[0-9a-f-]{32,36}|libpod_parent|nomad|mesos|garden|kata|vc|lxc|apptainer|singularity)';
/** Eight hex digits and four groups more, the last of which has 4 or 12: Garden makes both. */
const GARDEN_HANDLE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-(?:[0-9a-f]{4}|[0-9a-f]{12}))$/;

/** Runtimes that people also use without an engine. The label `engine` has the name of the runtime then. */
export const RUNTIMES = ['runc', 'crun', 'youki', 'runsc'] as const;

/** The cgroup of a pod, under the cgroupfs driver or under systemd's. The capture group is the pod's uid. */
export const POD = new RegExp(
  // /kubepods/burstable/pod<uid>; 32 digits without dashes: a static pod's hash.
  '^pod([0-9a-f-]{32,36})$' +
    // /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid_with_underscores>.slice, in kind with kubelet-
    // before it; and as a part of the name if the runtime's driver is not the kubelet's:
    // /kubepods-burstable-pod<uid>.slice:cri-containerd:<id>
    '|(?:^|-)kubepods(?:-(?:burstable|besteffort))?-pod([0-9a-f_]{32,36})\\.slice(?:$|:)',
);

/** The slice of a pod of Podman's: machine-libpod_pod_<id>.slice, rootless user-libpod_pod_<id>.slice. Its group is the id. */
export const PODMAN_POD_SLICE = /(?:^|-)libpod_pod_([0-9a-f]{64})\.slice$/;

/** The slice of a user. Its group is the uid. */
export const USER_SLICE = /^user-(\d{1,10})\.slice$/;

/** The slice of an Amazon ECS task on cgroup v2. Its group is the task's id. */
export const ECS_TASK_SLICE = /^ecstasks-([0-9a-f]{32})\.slice$/;

/** The path of a task on cgroup v1: `/ecs/<task>`, `/ecs/<cluster>/<task>`. Its group is the task's id. */
export const ECS_TASK_PATH = new RegExp(`(?:^|/)ecs/(?:[^/]+/)?([0-9a-f]{32}|${UUID})$`);

/** Names that match a pattern below but are not containers. */
export const NOT_CONTAINERS: readonly Pick<CgroupPattern, 'name' | 'parent'>[] = [
  // Virtual machines of libvirt: /machine.slice/machine-qemu\x2d1\x2dvm1.scope; /machine/qemu-1-vm1.libvirt-qemu
  { name: /^machine-qemu\\x2d\d+\\x2d.+\.scope$/s },
  { name: /\.libvirt-qemu$/ },
  // /libpod_parent/<pod id>/libpod-<id>: a pod of Podman's, around its containers.
  { name: BARE_ID, parent: 'libpod_parent' },
];

/** All known patterns. The first match wins. Each row follows an example of its path. */
export const CGROUP_PATTERNS: readonly CgroupPattern[] = [
  // Kata's shim, virtiofsd and the threads of its VMM, beside the container. Before all others, because the rest of the path can
  // be a container's.
  // /kata_overhead/<id>; /kata_overhead/kubepods/besteffort/pod<uid>/<id>
  { engine: 'kata', name: /^(.+)$/s, above: /(?:^|\/)kata_overhead(?:\/|$)/, infra: true },
  // With systemd /kata.slice/kata-overhead.slice/runtime-rs-<id>.scope, or the name of such a path: kata-overhead.slice:runtime-rs:<id>
  { engine: 'kata', name: /^[^-]+-[^-]+-(.+)\.scope$/s, parent: 'kata-overhead.slice', infra: true },
  { engine: 'kata', name: /^kata-overhead\.slice:[^:]+:(.+)$/s, infra: true },

  // Docker
  // /docker/<id>; /docker-ce/docker/<id>; Docker in Docker: /docker/<outer>/docker/<id>
  { engine: 'docker', name: BARE_ID, parent: 'docker' },
  // /system.slice/docker-<id>.scope; /user.slice/user-1000.slice/user@1000.service/user.slice/docker-<id>.scope
  { engine: 'docker', name: name('docker-ID(?:\\.scope)?') },
  // /system.slice:docker:<id>: runc with the cgroupfs driver got a path in systemd's format
  { engine: 'docker', name: name('[^:]+:docker:ID') },
  // BuildKit, as part of Docker or on its own
  // /docker/buildkit/<step>; /buildkit/<step>
  { engine: 'buildkit', name: new RegExp(`^(${STEP})$`), parent: 'buildkit' },
  // /system.slice/docker-<step>.scope; /system.slice/buildkit-<step>.scope
  { engine: 'buildkit', name: new RegExp(`^(?:docker|buildkit)-(${STEP})(?:\\.scope)?$`) },
  // /system.slice:docker:<step>; /system.slice/my.slice:docker:<step>: a path in systemd's format, used as a name
  { engine: 'buildkit', name: new RegExp(`^[^:]+:(?:docker|buildkit):(${STEP})$`) },

  // Amazon ECS: its containers are Docker's, and the path has the task. Fargate has its own ids.
  // /ecs/<cluster>/<task>/<id>; /ecs/<task>/<id>
  { engine: 'docker', name: BARE_ID, above: ECS_TASK_PATH },
  // /ecs/<task>/<task>-1234567890
  { engine: 'ecs', name: /^([0-9a-f]{32}-\d{1,20})$/, above: ECS_TASK_PATH },

  // containerd
  // …/kubepods-besteffort-pod<uid>.slice/cri-containerd-<id>.scope; /system.slice/cri-containerd-<id>.scope
  { engine: 'containerd', name: name('cri-containerd-ID(?:\\.scope)?') },
  // /kubepods-burstable-pod<uid>.slice:cri-containerd:<id>
  { engine: 'containerd', name: name('[^:]+:cri-containerd:ID') },
  // /system.slice/nerdctl-<id>.scope: nerdctl is a client, the engine is containerd
  { engine: 'containerd', name: name('nerdctl-ID(?:\\.scope)?') },

  // CRI-O
  // …/kubepods-besteffort-pod<uid>.slice/crio-<id>: with the systemd driver, an empty placeholder for the sandbox
  { engine: 'cri-o', name: name('crio-ID'), parent: /\.slice$/, infra: true },
  // …/kubepods-besteffort-pod<uid>.slice/crio-<id>.scope; /kubepods/pod<uid>/crio-<id>
  { engine: 'cri-o', name: name('crio-ID(?:\\.scope)?') },
  // /kubepods-burstable-pod<uid>.slice:crio:<id>
  { engine: 'cri-o', name: name('[^:]+:crio:ID') },
  // /kubepods/pod<uid>/crio-conmon-<id>; /system.slice/crio-conmon-<id>.scope
  { engine: 'cri-o', name: name('crio-conmon-ID(?:\\.scope)?'), infra: true },

  // Podman
  // /machine.slice/libpod-<id>.scope; /libpod_parent/libpod-<id>; rootless below user@1000.service/user.slice
  { engine: 'podman', name: name('libpod-ID(?:\\.scope)?') },
  // /system.slice/x.service/libpod-payload-<id>: --cgroups=split, as quadlets have it
  { engine: 'podman', name: name('libpod-payload-ID') },
  // /machine.slice:libpod:<id>
  { engine: 'podman', name: name('[^:]+:libpod:ID') },
  // /machine.slice/libpod-conmon-<id>.scope; /libpod_parent/conmon; below --cgroup-parent also <pod>/conmon; split:
  // /system.slice/x.service/runtime
  { engine: 'podman', name: name('libpod-conmon-ID(?:\\.scope)?'), infra: true },
  { engine: 'podman', name: /^conmon$/, parent: new RegExp(`^(?:libpod_parent|${ID})$`), infra: true },
  { engine: 'podman', name: /^runtime$/, parent: /\.service$/, infra: true },
  // …/user.slice/podman-1834.scope (conmon) and podman-pause-cc5729fd.scope
  { engine: 'podman', name: /^podman-(?:pause-[0-9a-f]+|\d+)\.scope$/, infra: true },

  // Buildah, also as `podman build`
  // /buildah-buildah2365838308; /system.slice/crun-buildah-buildah2365838308.scope; rootless below user@1000.service
  { engine: 'buildah', name: /^(?:(?:runc|crun)-)?buildah-(buildah\d+)(?:\.scope)?$/ },
  { engine: 'buildah', name: /^[^:]+:[^:]+:buildah-(buildah\d+)$/ },

  // Virtual machines around containers
  // /kubepods/pod<uid>/kata_<id>
  { engine: 'kata', name: name('kata_ID') },
  // /vc/kata_<id>; /kata/default/kata_<id>
  { engine: 'kata', name: /^kata_(.+)$/s, parent: /^(?:vc|default)$/ },
  // /kata_sandboxed_pod/<id>: of the runtime in Rust, if nobody has chosen a path
  { engine: 'kata', name: /^([\w.-]+)$/, parent: 'kata_sandboxed_pod' },
  // /firecracker/<id>, /firecracker-v1.10.1-x86_64/<id>: the jailer takes the file name of the program, and these are those of the
  // releases; /firecracker-containerd/<vm>. Under another name the process is the witness (jailer.ts): anybody can call a cgroup
  // firecracker-ci.
  { engine: 'firecracker', name: /^([\w-]{1,64})$/, parent: /^firecracker(?:-containerd|-v\d[\w.-]*)?$/ },

  // /libvirt/lxc/<name>; /system/libvirtd.service/libvirt/lxc/<name>: LXC through libvirt before 1.0.5
  { engine: 'libvirt-lxc', name: /^(.+)$/s, above: /(?:^|\/)libvirt\/lxc$/ },

  // LXC and Incus, which have the same paths
  // /lxc.payload.<name>; /lxc/<name>; Proxmox: /lxc/101/ns
  { engine: 'lxc', name: /^lxc\.payload\.(.+)$/s },
  { engine: 'lxc', name: /^(.+)$/s, parent: /^lxc(?:\.payload)?$/ },
  // /lxc.monitor.<name>; /lxc.monitor/101; /lxc.pivot
  { engine: 'lxc', name: /^lxc\.monitor\.(.+)$/s, infra: true },
  { engine: 'lxc', name: /^(.+)$/s, parent: 'lxc.monitor', infra: true },
  { engine: 'lxc', name: /^lxc\.pivot$/, infra: true },

  // systemd-machined
  // /machine.slice/machine-lxc\x2d2293906\x2dname.scope: LXC through libvirt
  { engine: 'libvirt-lxc', name: /^machine-lxc\\x2d(\d+\\x2d.+)\.scope$/s, escaped: true },
  // /machine/lxc-1268-sl.libvirt-lxc: the same without systemd
  { engine: 'libvirt-lxc', name: /^(?:lxc-)?(.+)\.libvirt-lxc$/s },
  // /machine.slice/systemd-nspawn@m3.service/supervisor: nspawn itself; the container is in /payload beside it
  { engine: 'nspawn', name: /^supervisor$/, parent: NSPAWN_UNIT, infra: true },
  { engine: 'nspawn', name: /^supervisor$/, above: /(?:^|\/)machine\.slice\/[^/]+\.scope$/, infra: true },
  // /machine.slice/systemd-nspawn@m3.service/payload; /machine.slice/machine-m\x2d2.scope/payload
  { engine: 'nspawn', name: /^systemd-nspawn@(.+)\.service$/s, escaped: true },

  // Schedulers with their own runtime
  // Garden (Cloud Foundry, Concourse). A handle is a UUID or 28 characters like one: /garden/<handle>;
  // /system.slice/garden.service/garden/good/<handle>, where CPU throttling has two cgroups for each container
  { engine: 'garden', name: GARDEN_HANDLE, above: /(?:^|\/)garden(?:\/(?:good|bad))?$/ },
  // /<handle>: Garden without systemd
  { engine: 'garden', name: GARDEN_HANDLE, depth: 1, engineGuessed: true },
  // /nomad.slice/share.slice/<allocation>.<task>.scope; /nomad/share/<allocation>.<task>; /nomad/<allocation>.<task>;
  // with cgroup_parent: /custom.slice/share.slice/<allocation>.<task>.scope
  {
    engine: 'nomad',
    name: name('(UUID\\..+?)(?:\\.scope)?'),
    parent: /^(?:nomad|share|reserve)(?:\.slice)?$/,
  },
  // /nomad/<id>: the exec driver before Nomad 1.7 on cgroup v1, with an id of its own
  { engine: 'nomad', name: name('(UUID)'), parent: 'nomad' },
  // /mesos/<id>
  { engine: 'mesos', name: name('(UUID)'), parent: 'mesos' },

  // Runtimes of batch systems, which make a cgroup only for a container with limits. The id is the pid of its first process.
  // /apptainer/3119; /system.slice/apptainer-3119.scope; rootless below user@1000.service/user.slice
  { engine: 'apptainer', name: /^(\d{1,10})$/, parent: 'apptainer' },
  { engine: 'apptainer', name: /^apptainer-(\d{1,10})\.scope$/ },
  // The same of SingularityCE, from which Apptainer was forked
  { engine: 'singularity', name: /^(\d{1,10})$/, parent: 'singularity' },
  { engine: 'singularity', name: /^singularity-(\d{1,10})\.scope$/ },

  // A runtime without an engine, as in a unit of systemd: runc --systemd-cgroup run web
  // /system.slice/runc-web.scope; rootless below user@1000.service/app.slice
  ...RUNTIMES.map((engine) => ({
    engine,
    name: new RegExp(`^${engine}-(.+)\\.scope$`, 's'),
    engineGuessed: true as const,
  })),

  // Ids that can only be a container's, but the path does not identify the engine for certain
  // /kubepods/besteffort/pod<uid>/<id>: Docker's or containerd's
  { engine: 'cri', name: BARE_ID, parent: POD, engineGuessed: true },
  // /<id>: old Docker; /../<id> from another cgroup namespace
  { engine: 'docker', name: BARE_ID, depth: 1, engineGuessed: true },
  // /default/<id>: nerdctl without systemd; /any/parent/<id>: docker run --cgroup-parent
  { engine: 'containerd', name: BARE_ID, engineGuessed: true },
  // /my.slice/prefix-<id>.scope: a client of containerd that uses systemd; /my.slice:prefix:<id>
  { engine: 'containerd', name: name('[^:]+-ID\\.scope'), engineGuessed: true },
  { engine: 'containerd', name: name('[^:]+:[^:]+:ID'), engineGuessed: true },
];

/**
 * Names that are not specific to containers, so that processes or cgroups inside must confirm them. The innermost match in a
 * path wins.
 */
export const CANDIDATE_PATTERNS: readonly CandidatePattern[] = [
  // systemd-nspawn. Virtual machines have scopes there, too: systemd-vmspawn's, and those of others that use machined.
  // /machine.slice/machine-m\x2d2.scope; with --register=no, or named by --machine, /machine.slice/m1.scope
  { engine: 'nspawn', name: /^machine-(.+)\.scope$/s, escaped: true, confirmedBy: 'payload' },
  { engine: 'nspawn', name: /^(.+)\.scope$/s, parent: 'machine.slice', escaped: true, confirmedBy: 'payload' },
  // /system.slice/web.service/payload, …/user@1000.service/web.scope/payload: --keep-unit in a unit of one's own
  {
    engine: 'nspawn',
    name: /^payload$/,
    parent: /^(.+)\.(?:service|scope)$/s,
    escaped: true,
    confirmedBy: 'supervisor',
  },

  // Clients of containerd
  // /my.slice/prefix-ctr2.scope: ctr run --runc-systemd-cgroup --cgroup my.slice:prefix:ctr2
  {
    engine: 'containerd',
    name: /^(?!(?:run|session|machine|app|docker|crio|cri-containerd|libpod|nerdctl)-)[^-]+-(.+)\.scope$/s,
    parent: /\.slice$/,
    above: /^(?!.*(?:^|\/)user\.slice\/)/s,
    confirmedBy: 'shim',
  },
  // /default/test_container, /k8s.io/ctr1: the namespace and the id; /podruntime/kubelet, /mypool/gpu/job7: chosen by the
  // client; /nomad/<task>-<allocation>: Nomad's driver for containerd. An id has at most 76 characters, and these have no suffix
  // of a systemd unit.
  {
    engine: 'containerd',
    name: new RegExp(`^(?!${ENGINES_OWN}$)(?!.*\\.(?:${UNIT_SUFFIX})$)([A-Za-z0-9][\\w.-]{0,75})$`),
    parent: new RegExp(`^(?!${ENGINES_OWN}$)|^nomad$`),
    confirmedBy: 'shim',
  },
];
