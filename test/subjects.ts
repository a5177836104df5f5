import type { Subject } from '../src/findings/finding.ts';
import { parseCapabilitySet } from '../src/kernel/capabilities.ts';
import type { LsmLabel } from '../src/kernel/lsm-label.ts';
import type { HostMount, MountPosture, Posture, ProcessPosture, UserNamespace } from '../src/posture/posture.ts';
import type { Sandbox } from '../src/posture/sandbox.ts';

type AppArmorLabel = Extract<LsmLabel, { lsm: 'apparmor' }>;

export const HOST_USERS: UserNamespace = { isHost: true, mapsHostRoot: true, rootUid: 0, ownUid: 0, rootless: false };
export const REMAPPED: UserNamespace = {
  isHost: false,
  mapsHostRoot: false,
  rootUid: 100_000,
  ownUid: 0,
  rootless: false,
};
export const ROOTLESS: UserNamespace = { isHost: false, mapsHostRoot: false, rootUid: 1000, ownUid: 0, rootless: true };
export const DOCKER_DEFAULT: AppArmorLabel = { lsm: 'apparmor', profile: 'docker-default', mode: 'enforce' };
export const UNCONFINED: LsmLabel = { lsm: 'apparmor', profile: 'unconfined', mode: '' };

/** The capabilities of a shim on a host with 41 capabilities. */
export const ALL = parseCapabilitySet('000001ffffffffff');

/** What differs from Docker's default container. */
export interface SubjectFacts {
  readonly bounding?: string;
  readonly process?: Partial<ProcessPosture>;
  readonly others?: readonly Partial<ProcessPosture>[];
  readonly mounts?: Partial<MountPosture>;
  readonly posture?: Partial<Posture>;
  readonly shares?: Subject['hostNamespaces'];
  readonly sandbox?: Sandbox;
}

/** A container like Docker's default one on a host with AppArmor and cgroup v2, except for the given facts. */
export function subject(facts: SubjectFacts): Subject {
  const bounding = parseCapabilitySet(facts.bounding ?? '00000000a80425fb');
  const init: ProcessPosture = {
    name: 'sleep',
    uid: facts.process?.users?.rootUid ?? 0,
    holdsRoot: (facts.process?.uid ?? facts.process?.users?.rootUid ?? 0) === 0,
    gid: 0,
    groups: [],
    effective: bounding,
    permitted: bounding,
    bounding,
    noNewPrivileges: false,
    seccomp: 'filter',
    seccompFilters: 1,
    label: DOCKER_DEFAULT,
    users: HOST_USERS,
    nested: false,
    hostPid: false,
    hostMnt: false,
    escaped: false,
    ...facts.process,
  };
  const posture: Posture = {
    sandbox: facts.sandbox ?? { kind: 'oci', kernel: 'shared', weaknesses: [] },
    init,
    processes: [init, ...(facts.others ?? []).map((other) => ({ ...init, ...other }))],
    allProcesses: true,
    escapedProcesses: 0,
    obtainable: ALL,
    mounts: {
      complete: true,
      isHost: false,
      rootReadOnly: false,
      procMasked: true,
      sysWritable: false,
      ownSysWritable: false,
      cgroupWritable: false,
      sysbox: false,
      kubelets: false,
      hostMounts: [],
      propagating: [],
      socketsKnown: true,
      ...facts.mounts,
    },
    devices: { allowed: undefined, blockDevices: [] },
    raisedUlimits: [],
    oomScoreAdj: 0,
    problem: undefined,
    ...facts.posture,
  };
  return {
    posture,
    hostNamespaces: { pid: false, net: false, mnt: false, uts: false, ipc: false, ...facts.shares },
    limited: { memory: true, cpu: true, pids: true },
    cgroup: { path: '/docker/0', engine: 'docker' },
  };
}

/** A mount from the host. */
export function mount(kind: HostMount['kind'], rest: Partial<HostMount> = {}): HostMount {
  return { kind, hostPath: '/x', mountPoint: '/x', writable: true, ...rest };
}
