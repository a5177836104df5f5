import { describe, expect, it } from 'vitest';
import { isRuntimeCgroup, privateParentsOf } from './cgroup-scope.ts';

const ID = 'ab'.repeat(32);
const POD_ID = 'cd'.repeat(32);
const UID = '12345678-1234-1234-1234-123456789abc';
const UID_ = UID.replaceAll('-', '_');
const HASH = 'ef'.repeat(16);
const TASK = '0123456789abcdef0123456789abcdef';
const ROOTLESS = '/user.slice/user-1000.slice/user@1000.service';

describe('parents that belong to a container or its pod alone', () => {
  it.each([
    ['kubelet with cgroupfs', `/kubepods/burstable/pod${UID}/${ID}`, ['pod']],
    ['kubelet with cgroupfs, Guaranteed', `/kubepods/pod${UID}/${ID}`, ['pod']],
    ['kubelet with cgroupfs, static pod', `/kubepods/besteffort/pod${HASH}/${ID}`, ['pod']],
    ['kubelet with cgroupfs and CRI-O', `/kubepods/pod${UID}/crio-${ID}`, ['pod']],
    [
      'kubelet with systemd',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
      ['pod'],
    ],
    ['kubelet with systemd, Guaranteed', `/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope`, ['pod']],
    [
      'kubelet with systemd, static pod',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${HASH}.slice/docker-${ID}.scope`,
      ['pod'],
    ],
    [
      'a node of kind',
      `/docker/${POD_ID}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${UID_}.slice/cri-containerd-${ID}.scope`,
      ['pod'],
    ],
    ['a node of minikube', `/docker/${POD_ID}/kubepods/besteffort/pod${UID}/${ID}`, ['pod']],
    ['kubelet with a cgroup root', `/batch/kubepods/burstable/pod${UID}/${ID}`, ['pod']],
    ['Kata in a pod', `/kubepods/burstable/pod${UID}/kata_${ID}`, ['pod']],
    ['Podman pod with systemd', `/machine.slice/machine-libpod_pod_${POD_ID}.slice/libpod-${ID}.scope`, ['pod']],
    ['Podman pod, rootless', `${ROOTLESS}/user.slice/user-libpod_pod_${POD_ID}.slice/libpod-${ID}.scope`, ['pod']],
    ['Podman pod with cgroupfs', `/libpod_parent/${POD_ID}/libpod-${ID}`, ['pod']],
    ['Podman pod with a parent', `/batch/${POD_ID}/libpod-${ID}`, ['pod']],
    ['quadlet', `/system.slice/web.service/libpod-payload-${ID}`, ['unit']],
    ['quadlet of a user', `${ROOTLESS}/app.slice/web.service/libpod-payload-${ID}`, ['unit']],
    ['podman run --cgroups=split in a scope', `/system.slice/run-r5.scope/libpod-payload-${ID}`, ['unit']],
    ['nspawn that keeps its unit', '/system.slice/ns-run.service/payload', ['unit']],
    ['LXC in a scope', `${ROOTLESS}/app.slice/run-r5.scope/lxc.payload.c1`, ['unit']],
    ['LXC in a unit', '/system.slice/lxc@c1.service/lxc.payload.c1', ['unit']],
    ['ECS on cgroup v1', `/ecs/${TASK}/${ID}`, ['task']],
    ['ECS on cgroup v1 with a cluster', `/ecs/production/${TASK}/${ID}`, ['task']],
    ['ECS on cgroup v2', `/ecstasks.slice/ecstasks-${TASK}.slice/docker-${ID}.scope`, ['task']],
    ['Fargate', `/ecs/${TASK}/${TASK}-1234567890`, ['task']],
  ] as const)('%s', (_, path, scopes) => expect(privateParentsOf(path)).toEqual(scopes));

  it.each([
    ['Docker', `/docker/${ID}`],
    ['Docker with systemd', `/system.slice/docker-${ID}.scope`],
    ['rootless Docker', `${ROOTLESS}/user.slice/docker-${ID}.scope`],
    ['a parent made by hand', `/jobs/${ID}`],
    ['a slice as parent', `/batch.slice/batch-night.slice/docker-${ID}.scope`],
    ["a parent below the daemon's own unit", `/system.slice/docker.service/jobs/${ID}`],
    [
      "a container in the engine's own unit",
      `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    ],
    ['a runtime with another driver than the kubelet', `/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`],
    ['Docker in Docker in a pod', `/kubepods/burstable/pod${UID}/${POD_ID}/docker/${ID}`],
    ['a cgroup inside such a container', `/system.slice/kubepods-pod${UID_}.slice:cri-containerd:${POD_ID}/${ID}`],
    ['Podman', `/machine.slice/libpod-${ID}.scope`],
    ['Podman with cgroupfs', `/libpod_parent/libpod-${ID}`],
    ['Podman in a login session', `/user.slice/user-0.slice/session-3.scope/libpod-payload-${ID}`],
    ["Podman in a user's service manager", `${ROOTLESS}/libpod-payload-${ID}`],
    ['nspawn', '/machine.slice/systemd-nspawn@m3.service'],
    ['nspawn without registration', '/machine.slice/m1.scope'],
    ['LXC and Incus', '/lxc.payload.c1'],
    ['LXC on Proxmox', '/lxc/101'],
    ['LXC of a user', `${ROOTLESS}/lxc.payload.c1`],
    ['libvirt', '/machine.slice/machine-lxc\\x2d12\\x2dc1.scope'],
    ['Nomad', `/nomad.slice/share.slice/${UID}.web.scope`],
    ['a container at the root', `/${ID}`],
    ['the root', ''],
  ])('%s: none', (_, path) => expect(privateParentsOf(path)).toEqual([]));
});

describe('cgroups that a runtime makes inside a container', () => {
  it.each([
    ['crun under Podman', `/machine.slice/libpod-${ID}.scope/container`, true],
    ['crun under CRI-O', `/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope/container`, true],
    ['nspawn', '/machine.slice/systemd-nspawn@m3.service/payload', true],
    ['nspawn without registration', '/machine.slice/m1.scope/payload', true],
    ['LXC on Proxmox', '/lxc/101/ns', true],
    ['libvirt', '/machine.slice/machine-lxc\\x2d12\\x2dc1.scope/libvirt', true],
    ["systemd's in the container", `/machine.slice/libpod-${ID}.scope/init.scope`, false],
    ['a name of the container itself', `/docker/${ID}/container`, false],
  ])('%s', (_, path, expected) => expect(isRuntimeCgroup(path)).toBe(expected));
});
