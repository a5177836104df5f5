import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identifyCgroup } from './cgroup-path.ts';
import type { CgroupIdentity } from './cgroup-path.ts';

const A = '3b5046be1db64ef7b9b967ce0aa79d424cd892f1594994594283b3e8269e615b';
const B = 'c47183275c45fd012ecf63a3d158866925141770864ac6ac29ab6aec4201a845';
const UID = '5f413373-db04-4240-a645-993a3fbcffc3';
const UID_ = '5f413373_db04_4240_a645_993a3fbcffc3';
const ROOTLESS = '/user.slice/user-1000.slice/user@1000.service/user.slice';
const STATIC = '9729a196c4723b60ab401eaff722982d';
const STEP = 'ny2ecs1ykwzbynn4drirzm9c4';
const ALLOCATION = '3c8a6a5e-6d5b-4f3a-9a0e-0e2f7a1c9d11.redis';
const TASK = '5a0d5ceddf6c44c1928d367a815d890f';
const BESTEFFORT = `kubepods-besteffort-pod${UID_}.slice`;

/**
 * The expected result of a row besides the path, engine and id. `at` is the container's own cgroup, if it is not the
 * whole path.
 */
type More = Partial<
  Pick<CgroupIdentity, 'podUid' | 'podmanPod' | 'ownerUid' | 'ecsTask' | 'candidate' | 'engineGuessed'>
> & {
  readonly infra?: boolean;
  readonly at?: string;
  readonly outer?: string;
};

type Row = readonly [path: string, engine: string, id: string, more?: More];

const CONTAINERS: Record<string, readonly Row[]> = {
  Docker: [
    [`/docker/${B}`, 'docker', B],
    [`/system.slice/docker-${A}.scope`, 'docker', A],
    [`/my.slice/docker-${A}.scope`, 'docker', A],
    [`/docker.slice/docker-${A}.scope`, 'docker', A],
    [`/docker-ce/docker/${A}`, 'docker', A],
    [`/system.slice:docker:${A}`, 'docker', A],
    // The path as seen from another cgroup namespace.
    [`/../../../../system.slice/docker-${A}.scope`, 'docker', A],
    // Docker puts a container without a parent at the top, under its bare id. Another engine might do so, too.
    [`/../${A}`, 'docker', A, { engineGuessed: true }],
    [`/${A}`, 'docker', A, { engineGuessed: true }],
    [`/docker/${A}/not_hex`, 'docker', A, { at: `/docker/${A}` }],
    [`/docker/${A}/init.scope`, 'docker', A, { at: `/docker/${A}` }],
    // Sysbox on v1.
    [`/docker/${A}/syscont-cgroup-root`, 'docker', A, { at: `/docker/${A}` }],
    [`${ROOTLESS}/docker-${A}.scope`, 'docker', A, { ownerUid: 1000 }],
    [`/docker/${A}/docker/${B}`, 'docker', B, { outer: A }],
    [`/system.slice/system-docker.slice/docker-${A}.scope`, 'docker', A],
    // systemd has a cgroup of its own below the root, as in WSL.
    [`/wsl-user/distro-1/systemd/system.slice/docker-${A}.scope`, 'docker', A],
    [`/wsl-user/distro-1/systemd${ROOTLESS}/docker-${A}.scope`, 'docker', A, { ownerUid: 1000 }],
    // The user of a slice inside a container is not a user of the host.
    [`/docker/${A}/user.slice/user-7.slice/user@7.service/user.slice/docker-${B}.scope`, 'docker', B, { outer: A }],
  ],
  'containers nested in themselves, which are one': [
    [
      `/kubepods/pod${UID}/${A}/kubepods/pod${UID}/${A}`,
      'cri',
      A,
      { podUid: UID, engineGuessed: true, at: `/kubepods/pod${UID}/${A}` },
    ],
    [
      `/kubepods/pod${UID}/${A}/kubepods/pod${UID}/${A}/x`,
      'cri',
      A,
      { podUid: UID, engineGuessed: true, at: `/kubepods/pod${UID}/${A}` },
    ],
    [`/docker/${A}/kubepods/pod${UID}/${A}`, 'docker', A, { at: `/docker/${A}` }],
    [`/docker/${A}/docker/${B}/docker/${A}`, 'docker', B, { at: `/docker/${A}/docker/${B}`, outer: A }],
    ['/lxc.payload.c1/lxc.payload.c1', 'lxc', 'c1', { at: '/lxc.payload.c1' }],
    // Two engines can have containers with the same name.
    ['/lxc.payload.c1/machine.slice/systemd-nspawn@c1.service', 'nspawn', 'c1', { outer: 'c1' }],
  ],
  'builds, which count as containers: they run code and have limits': [
    [`/docker/buildkit/${STEP}`, 'buildkit', STEP],
    [`/system.slice/docker-${STEP}.scope`, 'buildkit', STEP],
    [`/buildkit/${STEP}`, 'buildkit', STEP],
    [`/system.slice/buildkit-${STEP}.scope`, 'buildkit', STEP],
    [`/system.slice:docker:${STEP}`, 'buildkit', STEP],
    [`/my.slice:docker:${STEP}`, 'buildkit', STEP],
    [`/system.slice/system.slice:docker:${STEP}`, 'buildkit', STEP],
    [`/ci.slice:buildkit:${STEP}`, 'buildkit', STEP],
    ['/buildah-buildah3126431232', 'buildah', 'buildah3126431232'],
    ['/system.slice/crun-buildah-buildah2365838308.scope', 'buildah', 'buildah2365838308'],
    ['/machine.slice/runc-buildah-buildah2365838308.scope', 'buildah', 'buildah2365838308'],
    [`${ROOTLESS}/crun-buildah-buildah1059824916.scope`, 'buildah', 'buildah1059824916', { ownerUid: 1000 }],
    [
      '/system.slice/crun-buildah-buildah2365838308.scope/container',
      'buildah',
      'buildah2365838308',
      { at: '/system.slice/crun-buildah-buildah2365838308.scope' },
    ],
    ['/machine.slice:runc:buildah-buildah2365838308', 'buildah', 'buildah2365838308'],
    [`/kubepods/burstable/pod${UID}/${A}/buildkit/${STEP}`, 'buildkit', STEP, { outer: A }],
    [`/kubepods/pod${UID}/${A}/buildah-buildah2365838308`, 'buildah', 'buildah2365838308', { outer: A }],
  ],
  Podman: [
    [`/machine.slice/libpod-${A}.scope/container`, 'podman', A, { at: `/machine.slice/libpod-${A}.scope` }],
    [`/machine.slice/libpod-${A}.scope`, 'podman', A],
    [`/libpod_parent/libpod-${A}`, 'podman', A],
    [`/libpod_parent/${B}/libpod-${A}`, 'podman', A, { podmanPod: B }],
    [`/system.slice/posture.service/libpod-payload-${A}`, 'podman', A],
    [
      `/system.slice/system-ceph-f952f5be-565c-11f0-ab72-0affea283157.slice/ceph-f952f5be-565c-11f0-ab72-0affea283157@mon.ip-10-0-25-96.service/libpod-payload-${A}`,
      'podman',
      A,
    ],
    [`${ROOTLESS}/libpod-${A}.scope/container`, 'podman', A, { ownerUid: 1000, at: `${ROOTLESS}/libpod-${A}.scope` }],
    // The pod's id is not the id of the container.
    [`/machine.slice/machine-libpod_pod_${B}.slice/libpod-${A}.scope`, 'podman', A, { podmanPod: B }],
    [`${ROOTLESS}/user-libpod_pod_${B}.slice/libpod-${A}.scope`, 'podman', A, { podmanPod: B, ownerUid: 1000 }],
    [`/machine.slice:libpod:${A}`, 'podman', A],
    // An engine's own cgroup without a container's id uses its name as the id.
    ['/system.slice/posture.service/runtime', 'podman', 'runtime', { infra: true }],
    [`${ROOTLESS}/podman-1834.scope`, 'podman', 'podman-1834.scope', { infra: true, ownerUid: 1000 }],
    [
      `${ROOTLESS}/podman-pause-cc5729fd.scope`,
      'podman',
      'podman-pause-cc5729fd.scope',
      { infra: true, ownerUid: 1000 },
    ],
    [`/machine.slice/libpod-conmon-${A}.scope`, 'podman', A, { infra: true }],
    ['/libpod_parent/conmon', 'podman', 'conmon', { infra: true }],
    // A pod with --cgroup-parent has containers and their conmon processes.
    [`/batch/${B}/libpod-${A}`, 'podman', A, { podmanPod: B }],
    [`/batch/${B}/conmon`, 'podman', 'conmon', { infra: true, podmanPod: B }],
    [`/docker/${A}/batch/${B}/libpod-${B}`, 'podman', B, { podmanPod: B, outer: A }],
    // A Podman container and its conmon run inside a Docker container, so both are inside.
    [`/docker/${A}/libpod_parent/libpod-${B}`, 'podman', B, { outer: A }],
    [`/docker/${A}/libpod_parent/conmon`, 'podman', 'conmon', { infra: true, outer: A }],
  ],
  containerd: [
    // Anybody can use these names, so the cgroups are only candidates.
    ['/k8s.io/ctr1', 'containerd', 'ctr1', { candidate: 'shim' }],
    ['/default/test_container', 'containerd', 'test_container', { candidate: 'shim' }],
    ['/my_very_long_namespace-1.5/test_container', 'containerd', 'test_container', { candidate: 'shim' }],
    ['/default/some_short_id.service', 'containerd', 'default', { candidate: 'shim', at: '/default' }],
    ['/default/c/init.scope', 'containerd', 'c', { candidate: 'shim', at: '/default/c' }],
    ['/my.slice/ctrpfx-ctr2.scope', 'containerd', 'ctr2', { candidate: 'shim' }],
    // The client chose the path of the cgroup.
    ['/podruntime/kubelet', 'containerd', 'kubelet', { candidate: 'shim' }],
    ['/mypool/gpu/job7', 'containerd', 'job7', { candidate: 'shim' }],
    ['/firecracker-ci/job7', 'containerd', 'job7', { candidate: 'shim' }],
    ['/job7', 'containerd', 'job7', { candidate: 'shim' }],
    ['/init', 'containerd', 'init', { candidate: 'shim' }],
    ['/system.slice/pool.service/job7', 'containerd', 'job7', { candidate: 'shim' }],
    ['/system.slice/n1_slurmstepd.scope/job_4749/step_0/user/task_0', 'containerd', 'task_0', { candidate: 'shim' }],
    // Not the scope: users start these.
    [
      '/wsl-user/distro-1/systemd/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-f22f14d2.scope',
      'containerd',
      'systemd',
      { candidate: 'shim', at: '/wsl-user/distro-1/systemd' },
    ],
    // Only containers have names of 64 hex digits.
    [`/default/${A}`, 'containerd', A, { engineGuessed: true }],
    [`/system.slice/anything-${A}.scope`, 'containerd', A, { engineGuessed: true }],
    // nerdctl is a client. The engine, which knows the name, is containerd.
    [
      '/system.slice/nerdctl-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope',
      'containerd',
      '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    ],
    [`/system.slice/cri-containerd-${A}.scope`, 'containerd', A],
  ],
  'runtimes without an engine': [
    ['/system.slice/runc-oakc.scope', 'runc', 'oakc', { engineGuessed: true }],
    ['/init.scope/system.slice/runc-bpm-uaa.scope', 'runc', 'bpm-uaa', { engineGuessed: true }],
    [
      `/system.slice/crun-${UID}.scope/container`,
      'crun',
      UID,
      { engineGuessed: true, at: `/system.slice/crun-${UID}.scope` },
    ],
    [
      `/user.slice/user-1001.slice/user@1001.service/app.slice/crun-${UID}.scope`,
      'crun',
      UID,
      { engineGuessed: true, ownerUid: 1001 },
    ],
    ['/system.slice/runsc-sandbox.scope', 'runsc', 'sandbox', { engineGuessed: true }],
    ['/youki.slice/youki-web.scope', 'youki', 'web', { engineGuessed: true }],
  ],
  Kubernetes: [
    [`/kubepods/besteffort/pod${UID}/${A}`, 'cri', A, { podUid: UID, engineGuessed: true }],
    [`/kubepods/pod${UID}/${A}`, 'cri', A, { podUid: UID, engineGuessed: true }],
    [`/kubepods/burstable/pod${STATIC}/${A}`, 'cri', A, { podUid: STATIC, engineGuessed: true }],
    [
      `/kubepods/besteffort/pod${UID}/${A}/kube-proxy`,
      'cri',
      A,
      { podUid: UID, engineGuessed: true, at: `/kubepods/besteffort/pod${UID}/${A}` },
    ],
    [
      `/kubepods.slice/kubepods-besteffort.slice/${BESTEFFORT}/cri-containerd-${A}.scope`,
      'containerd',
      A,
      { podUid: UID },
    ],
    [`/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${A}.scope`, 'containerd', A, { podUid: UID }],
    [`/kubepods.slice/kubepods-besteffort.slice/${BESTEFFORT}/docker-${A}.scope`, 'docker', A, { podUid: UID }],
    [`/kubepods-burstable-pod${STATIC}.slice:cri-containerd:${A}`, 'containerd', A, { podUid: STATIC }],
    [
      `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${A}`,
      'containerd',
      A,
      { podUid: UID },
    ],
    [`/kubepods.slice/kubepods-besteffort.slice/${BESTEFFORT}/crio-${A}.scope`, 'cri-o', A, { podUid: UID }],
    [
      `/kubepods.slice/kubepods-besteffort.slice/${BESTEFFORT}/crio-${A}.scope/container`,
      'cri-o',
      A,
      { podUid: UID, at: `/kubepods.slice/kubepods-besteffort.slice/${BESTEFFORT}/crio-${A}.scope` },
    ],
    [`/kubepods/pod${UID}/crio-${A}`, 'cri-o', A, { podUid: UID }],
    // Without .scope, a cgroup below a slice is the sandbox's empty placeholder.
    [`/kubepods.slice/${BESTEFFORT}/crio-${A}`, 'cri-o', A, { podUid: UID, infra: true }],
    [`/kubepods/pod${UID}/crio-conmon-${A}`, 'cri-o', A, { podUid: UID, infra: true }],
    [`/system.slice/crio-conmon-${A}.scope`, 'cri-o', A, { infra: true }],
    [
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-conmon-${A}.scope`,
      'cri-o',
      A,
      { podUid: UID, infra: true },
    ],
    // The runtime used a path for cgroupfs below the slice.
    [`/kubepods.slice/kubepods-pod${UID_}.slice/${A}`, 'cri', A, { podUid: UID, engineGuessed: true }],
    // k3s --rootless
    [
      `/user.slice/user-1001.slice/user@1001.service/k3s-rootless.service/kubepods/pod${UID}/${A}`,
      'cri',
      A,
      { podUid: UID, engineGuessed: true, ownerUid: 1001 },
    ],
    [
      `/lxc.payload.ny2-lxc/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${A}.scope`,
      'containerd',
      A,
      { podUid: UID, outer: 'ny2-lxc' },
    ],
    // Nodes of kind are containers themselves.
    [
      `/system.slice/docker-${B}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-${BESTEFFORT}/cri-containerd-${A}.scope`,
      'containerd',
      A,
      { podUid: UID, outer: B },
    ],
    [
      `/docker/${B}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-${BESTEFFORT}/cri-containerd-${A}.scope`,
      'containerd',
      A,
      { podUid: UID, outer: B },
    ],
    // Docker runs inside a pod. Its containers do not belong to the pod.
    [`/kubepods/pod${UID}/${B}/docker/${A}`, 'docker', A, { outer: B }],
  ],
  'virtual machines around containers': [
    [`/kubepods/pod${UID}/kata_${A}`, 'kata', A, { podUid: UID }],
    [`/kata_overhead/${A}`, 'kata', A, { infra: true }],
    // The rest of the path may be a container's.
    [`/kata_overhead/kubepods/besteffort/pod${UID}/${A}`, 'kata', A, { infra: true }],
    [`/kata_overhead/default/${A}`, 'kata', A, { infra: true }],
    [`/kata.slice/kata-overhead.slice/runtime-rs-${A}.scope`, 'kata', A, { infra: true }],
    [`/kata_sandboxed_pod/${A}`, 'kata', A],
    // Kata's vCPU threads are in a cgroup that looks like a containerd container's.
    [`/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${B}.scope`, 'containerd', B, { podUid: UID }],
    [`/kata/default/kata_${A}`, 'kata', A],
    [`/vc/kata_${A}`, 'kata', A],
    ['/vc/kata_sandbox', 'kata', 'sandbox'],
    ['/firecracker/551e7604-e35c-42b3-b825-416853441234', 'firecracker', '551e7604-e35c-42b3-b825-416853441234'],
    ['/firecracker-containerd/vm-1', 'firecracker', 'vm-1'],
    // The jailer takes the file name of the program, and this is that of a release.
    ['/firecracker-v1.10.1-x86_64/vm-1', 'firecracker', 'vm-1'],
  ],
  'LXC, Incus': [
    ['/lxc.payload.c1', 'lxc', 'c1'],
    ['/lxc.payload.first/system.slice/systemd-logind.service', 'lxc', 'first', { at: '/lxc.payload.first' }],
    ['/lxc.monitor.c1', 'lxc', 'c1', { infra: true }],
    ['/lxc/mysql-primary-db', 'lxc', 'mysql-primary-db'],
    ['/lxc/101/ns', 'lxc', '101', { at: '/lxc/101' }],
    ['/lxc.payload/101', 'lxc', '101'],
    ['/lxc.monitor/101', 'lxc', '101', { infra: true }],
    ['/lxc.pivot', 'lxc', 'lxc.pivot', { infra: true }],
    // Incus puts its project into the name. The path does not distinguish Incus from LXC.
    ['/lxc.payload.proj_web', 'lxc', 'proj_web'],
    [
      '/osctl/pool.tank/group.default/user.u/ct.c1/user-owned/lxc.payload.c1/init.scope',
      'lxc',
      'c1',
      { at: '/osctl/pool.tank/group.default/user.u/ct.c1/user-owned/lxc.payload.c1' },
    ],
    [`/lxc.payload.c1/docker/${A}`, 'docker', A, { outer: 'c1' }],
    // JavaScript takes these for ends of lines; the kernel forbids only the newline.
    ['/lxc.payload.a\r\u2028\u2029b', 'lxc', 'a\r\u2028\u2029b'],
    ['/lxc/a\rb', 'lxc', 'a\rb'],
    ['/machine.slice/systemd-nspawn@a\rb.service', 'nspawn', 'a\rb'],
  ],
  'systemd-machined': [
    ['/machine.slice/machine-m1.scope/payload', 'nspawn', 'm1', { at: '/machine.slice/machine-m1.scope' }],
    ['/machine.slice/lab-m1.scope/payload', 'nspawn', 'lab-m1', { at: '/machine.slice/lab-m1.scope' }],
    ['/machine.slice/lab-m1.scope/supervisor', 'nspawn', 'lab-m1', { infra: true }],
    // Without a payload cgroup it may be a virtual machine.
    ['/machine.slice/machine-fedora43.scope', 'nspawn', 'fedora43', { candidate: 'payload' }],
    ['/machine.slice/vm1.scope', 'nspawn', 'vm1', { candidate: 'payload' }],
    // systemd-nspawn --keep-unit
    ['/system.slice/ns-run.service/payload', 'nspawn', 'ns-run', { candidate: 'supervisor' }],
    [
      '/user.slice/user-1001.slice/user@1001.service/leaky.scope/payload',
      'nspawn',
      'leaky',
      { candidate: 'supervisor', ownerUid: 1001 },
    ],
    [
      String.raw`/system.slice/ns\x2drun.service/payload/init.scope`,
      'nspawn',
      'ns-run',
      { candidate: 'supervisor', at: String.raw`/system.slice/ns\x2drun.service/payload` },
    ],
    [
      String.raw`/machine.slice/machine-m\x2d2.scope/payload`,
      'nspawn',
      'm-2',
      { at: String.raw`/machine.slice/machine-m\x2d2.scope` },
    ],
    [
      '/machine.slice/systemd-nspawn@m3.service/payload',
      'nspawn',
      'm3',
      { at: '/machine.slice/systemd-nspawn@m3.service' },
    ],
    ['/machine.slice/systemd-nspawn@m3.service/supervisor', 'nspawn', 'm3', { infra: true }],
    [
      String.raw`/machine.slice/machine-lxc\x2d2293906\x2dlibvirt\x2dcontainer.scope/libvirt`,
      'libvirt-lxc',
      '2293906-libvirt-container',
      { at: String.raw`/machine.slice/machine-lxc\x2d2293906\x2dlibvirt\x2dcontainer.scope` },
    ],
    ['/machine/lxc-1268-sl.libvirt-lxc', 'libvirt-lxc', '1268-sl'],
    ['/machine/old.libvirt-lxc', 'libvirt-lxc', 'old'],
    ['/libvirt/lxc/older', 'libvirt-lxc', 'older'],
    [
      '/system/libvirtd.service/libvirt/lxc/older/user.slice',
      'libvirt-lxc',
      'older',
      { at: '/system/libvirtd.service/libvirt/lxc/older' },
    ],
  ],
  'Amazon ECS: on EC2 the engine is Docker': [
    [`/ecs/classic/${TASK}/${A}`, 'docker', A, { ecsTask: TASK }],
    [`/ecs/${UID}/${A}`, 'docker', A, { ecsTask: UID }],
    [`/ecstasks.slice/ecstasks-${TASK}.slice/docker-${A}.scope`, 'docker', A, { ecsTask: TASK }],
    [`/ecs/${TASK}/${TASK}-1234567890`, 'ecs', `${TASK}-1234567890`, { ecsTask: TASK }],
    [`/ecs/local/${TASK}/${STATIC}-432624293`, 'ecs', `${STATIC}-432624293`, { ecsTask: TASK }],
  ],
  'batch systems: a cgroup is named after the first process in it': [
    ['/apptainer/3119', 'apptainer', '3119'],
    ['/apptainer/3119/inner', 'apptainer', '3119', { at: '/apptainer/3119' }],
    ['/system.slice/apptainer-3119.scope', 'apptainer', '3119'],
    [`${ROOTLESS}/apptainer-4194303.scope`, 'apptainer', '4194303', { ownerUid: 1000 }],
    ['/singularity/3119', 'singularity', '3119'],
    ['/system.slice/singularity-3119.scope', 'singularity', '3119'],
    [`${ROOTLESS}/singularity-3119.scope`, 'singularity', '3119', { ownerUid: 1000 }],
    [`/docker/${A}/apptainer/41`, 'apptainer', '41', { outer: A }],
  ],
  schedulers: [
    ['/system.slice/garden.service/garden/6f265890-5165-7fab-6b52-18d1', 'garden', '6f265890-5165-7fab-6b52-18d1'],
    ['/garden/6f265890-5165-7fab-6b52-18d1', 'garden', '6f265890-5165-7fab-6b52-18d1'],
    [`/garden/${UID}`, 'garden', UID],
    [`/garden/good/${UID}`, 'garden', UID],
    ['/garden/bad/6f265890-5165-7fab-6b52-18d1', 'garden', '6f265890-5165-7fab-6b52-18d1'],
    [`/garden/${UID}/init`, 'garden', UID, { at: `/garden/${UID}` }],
    [`/${UID}`, 'garden', UID, { engineGuessed: true }],
    ['/6f265890-5165-7fab-6b52-18d1', 'garden', '6f265890-5165-7fab-6b52-18d1', { engineGuessed: true }],
    [`/custom.slice/share.slice/${ALLOCATION}.scope`, 'nomad', ALLOCATION],
    [`/batch/reserve.slice/${ALLOCATION}.scope`, 'nomad', ALLOCATION],
    [`/nomad.slice/share.slice/${ALLOCATION}.scope`, 'nomad', ALLOCATION],
    [`/nomad.slice/${ALLOCATION}.scope`, 'nomad', ALLOCATION],
    [`/nomad/share/${ALLOCATION}`, 'nomad', ALLOCATION],
    [`/nomad/${ALLOCATION}`, 'nomad', ALLOCATION],
    // The exec driver before Nomad 1.7, and the driver for containerd.
    [`/nomad/${UID}`, 'nomad', UID],
    [`/nomad/redis-task-${UID}`, 'containerd', `redis-task-${UID}`, { candidate: 'shim' }],
    ['/mesos/168b386b-893f-478e-bbf1-209482231b88', 'mesos', '168b386b-893f-478e-bbf1-209482231b88'],
    [
      `/mesos/168b386b-893f-478e-bbf1-209482231b88/mesos/${UID}/leaf`,
      'mesos',
      UID,
      { outer: '168b386b-893f-478e-bbf1-209482231b88', at: `/mesos/168b386b-893f-478e-bbf1-209482231b88/mesos/${UID}` },
    ],
    // YARN starts containers of Docker below its own cgroups.
    [`/hadoop-yarn/container_1521557500126_0001_01_000002/${A}`, 'containerd', A, { engineGuessed: true }],
  ],
};

const NOT_CONTAINERS = [
  '',
  '/',
  '//',
  '/..',
  '/init.scope',
  '/system.slice',
  '/system.slice/docker.service',
  '/docker',
  '/docker/buildkit',
  '/nomad',
  '/machine/qemu-1-vm1.libvirt-qemu',
  // Apptainer itself.
  '/apptainer',
  '/system.slice/apptainer.service',
  '/system.slice/run-ra2ddf9594bbf4a1986439b594f89eb0f.scope',
  '/user.slice/user-1000.slice/user@1000.service/init.scope',
  '/user.slice/user-1000.slice/session-3.scope',
  String.raw`/system.slice/system-serial\x2dgetty.slice`,
  // With --cgroups=disabled, only conmon shows the container: it is the parent of the container's process.
  '/system.slice/posture.service',
  '/libpod_parent',
  // A pod of Podman.
  `/libpod_parent/${A}`,
  `/kubepods/besteffort/pod${UID}`,
  `/kubepods.slice/kubepods-besteffort.slice/${BESTEFFORT}`,
  '/kubepods/burstable',
  // Mount units, which systemd has for each mount.
  `/system.slice/crio-${A}.mount`,
  `/kubepods.slice/${BESTEFFORT}/crio-${A}.mount`,
  '/system.slice/run-containerd-io.containerd.runtime.v1.linux-k8s.io-14ae50f1d3ada102aec3ab00168fdafb2dc0986d79ca9e8d5b75581fa89e9fea-rootfs.mount',
  // Podman's health checks are transient units.
  `/system.slice/${A}.service`,
  `/system.slice/${A}-4a7f1c2b9d.service`,
  `${ROOTLESS}/${A}-4a7f1c2b9d.service`,
  // Virtual machines.
  String.raw`/machine.slice/machine-qemu\x2d1\x2dvm1.scope/libvirt/emulator`,
  '/qemu.slice/100.scope',
  // A directory whose real name ends in the suffix that /proc/<pid>/cgroup adds to a removed cgroup.
  `/docker/${A} (deleted)`,
  // One id is too long, and the other has a letter that is not a hex digit.
  `${ROOTLESS}/libpod-${A}0123456789abcdef0123456789a.scope`,
  `${ROOTLESS}/libpod-${A.replace('3b', '3g')}.scope`,
  `/docker/${A.toUpperCase()}`,
];

describe.each(Object.entries(CONTAINERS))('%s', (_, rows) => {
  test.each(rows.map((row) => ({ row, path: row[0] })))('$path', ({ row: [path, engine, id, more = {}] }) => {
    const { at = path, outer, infra = false, ...facts } = more;
    const found = identifyCgroup(path);
    const { outer: around, ...identity } = { ...found };
    expect(identity).toEqual({ engine, id, cgroup: at, infra, ...facts });
    expect(around?.id).toBe(outer);
  });
});

test.each(NOT_CONTAINERS)('not a container: %s', (path) => {
  expect(identifyCgroup(path)).toBeUndefined();
});

test('returns the whole chain of nested containers', () => {
  const path = `/lxc.payload.c1/system.slice/docker-${A}.scope/docker/${B}`;
  expect(identifyCgroup(path)).toEqual({
    engine: 'docker',
    id: B,
    cgroup: path,
    infra: false,
    outer: {
      engine: 'docker',
      id: A,
      cgroup: `/lxc.payload.c1/system.slice/docker-${A}.scope`,
      infra: false,
      outer: { engine: 'lxc', id: 'c1', cgroup: '/lxc.payload.c1', infra: false },
    },
  });
});

/** Paths made of names that the patterns look for, in any order. */
const hostilePath = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...Object.values(CONTAINERS).flatMap((rows) => rows.flatMap(([path]) => path.split('/'))),
        '',
        '.',
        '..',
        ':',
        '\\x',
        '\\x2',
        '\\xff',
        '\\x00',
        ' (deleted)',
        'docker',
        'lxc',
        '.scope',
        '.slice',
      ),
      fc.string({ unit: 'binary' }),
    ),
  )
  .chain((parts) => fc.constantFrom('/', '', '-').map((joint) => `/${parts.join(joint)}`));

test('never throws, and the cgroup is always the path or an ancestor of it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), hostilePath), (path) => {
      for (let found = identifyCgroup(path); found !== undefined; found = found.outer) {
        expect(path.startsWith(found.cgroup)).toBe(true);
        expect(['', '/']).toContain(path.charAt(found.cgroup.length));
        expect(found.id).not.toBe('');
        // The payload confirms a parent whose name alone proves nothing.
        expect({ ...identifyCgroup(found.cgroup), candidate: undefined }).toEqual({ ...found, candidate: undefined });
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['one long name of hex', 'a'.repeat(10_000)],
  ['many dashes', `/machine-${'-'.repeat(10_000)}`],
  ['many escapes', `/machine-${String.raw`\x2d`.repeat(2_500)}.scop`],
  ['many colons', `/${':docker'.repeat(1_500)}`],
  ['almost kubepods', `/${'-kubepods'.repeat(1_100)}-pod`],
  ['almost nomad', `/nomad/${'3c8a6a5e-6d5b-4f3a-9a0e-0e2f7a1c9d11.'.repeat(270)}\n`],
  ['almost an ECS task', `/ecs/${'ecs/'.repeat(2_500)}${TASK}`],
  ['nothing but slashes', '/'.repeat(10_000)],
  ['a deep path', '/x'.repeat(5_000)],
  ['deep containers', `/docker/${A}`.repeat(140)],
  ['dots', `/default/${'.'.repeat(10_000)}`],
])('comes to an end on a hostile path: %s', (_, path) => {
  // The slowest takes 20 ms. A pattern that backtracks takes minutes, and only V8 can interrupt it.
  const context = { identify: () => identifyCgroup(path) };
  expect(() => runInNewContext('identify()', context, { timeout: 20_000 })).not.toThrow();
});
