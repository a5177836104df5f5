import { describe, expect, it } from 'vitest';
import {
  ALL,
  DOCKER_DEFAULT,
  HOST_USERS,
  mount,
  REMAPPED,
  ROOTLESS,
  subject,
  type SubjectFacts,
  UNCONFINED,
} from '../../test/subjects.ts';
import { assess } from './assess.ts';
import { levelOf } from './level.ts';

const NO_CAPABILITIES = '0000000000000000';
const UNMASKED = { procMasked: false, sysWritable: true, ownSysWritable: true };
/** The host's root in a user namespace that maps nobody. Files still treat it as root. */
const NO_MAP = {
  uid: 0,
  users: { isHost: false, mapsHostRoot: false, rootUid: undefined, ownUid: undefined, rootless: false },
} as const;
const RESTRICTED = { uid: 1000, noNewPrivileges: true } as const;

/** Containers as measured on real kernels (6.1 and 6.18) with real engines, and their levels. */
const MEASURED: readonly (readonly [string, number, SubjectFacts])[] = [
  ['docker run', 2, {}],
  [
    'docker run --privileged (Docker 20.10 knows 38 capabilities)',
    0,
    { bounding: '0000003fffffffff', process: { seccomp: 'disabled', label: UNCONFINED }, mounts: UNMASKED },
  ],
  ['docker run --network host --pid host', 1, { shares: { net: true, pid: true } }],
  ['the same with SYS_PTRACE', 0, { shares: { net: true, pid: true }, bounding: '00000000a80c25fb' }],
  ['docker run --cap-add ALL', 0, { bounding: '0000003fffffffff' }],
  ['docker run --cap-add NET_ADMIN', 1, { bounding: '00000000a80435fb' }],
  [
    'docker run --cap-drop ALL --user 1000 --security-opt no-new-privileges --read-only',
    3,
    { bounding: NO_CAPABILITIES, process: RESTRICTED, mounts: { rootReadOnly: true } },
  ],
  ['docker run -v /var/run/docker.sock', 0, { mounts: { hostMounts: [mount('socket', { usable: false })] } }],
  ['docker run -v /run:/hostrun', 0, { mounts: { hostMounts: [mount('sensitive'), mount('socket')] } }],
  ['docker run --security-opt seccomp=unconfined', 1, { process: { seccomp: 'disabled' } }],
  ['docker run --security-opt apparmor=unconfined', 1, { process: { label: UNCONFINED } }],
  ['docker run --security-opt systempaths=unconfined', 1, { mounts: { procMasked: false } }],
  ['dockerd --userns-remap', 3, { process: { users: REMAPPED }, mounts: { cgroupWritable: true } }],
  [
    'dockerd --userns-remap, docker run --userns=host --privileged',
    0,
    { bounding: '0000003fffffffff', process: { seccomp: 'disabled', label: UNCONFINED }, mounts: UNMASKED },
  ],
  ['podman run, rootless', 3, { bounding: '00000000800405fb', process: { users: ROOTLESS, label: UNCONFINED } }],
  [
    'podman run --privileged, rootless',
    1,
    {
      bounding: '000001ffffffffff',
      process: { users: ROOTLESS, seccomp: 'disabled', label: UNCONFINED },
      mounts: UNMASKED,
    },
  ],
  ['ctr run', 1, { process: { seccomp: 'disabled', noNewPrivileges: true, label: UNCONFINED } }],
  [
    'systemd-nspawn',
    0,
    {
      bounding: '00000000fdecafff',
      process: { label: UNCONFINED },
      shares: { net: true },
      mounts: { procMasked: false },
    },
  ],
  [
    'lxc-start, privileged',
    0,
    {
      bounding: '000001fcfdfcffff',
      process: { label: UNCONFINED },
      mounts: { procMasked: false, cgroupWritable: true },
    },
  ],
  [
    'lxc-start, unprivileged',
    3,
    {
      bounding: '000001ffffffffff',
      process: { users: { ...REMAPPED, rootUid: 300_000 }, label: UNCONFINED },
      mounts: { procMasked: false, cgroupWritable: true },
    },
  ],
  [
    'runsc',
    4,
    {
      bounding: '000001ffffffffff',
      shares: { pid: true },
      sandbox: { kind: 'gvisor', kernel: 'user', weaknesses: [] },
    },
  ],
];

describe('the level', () => {
  it.each(MEASURED)('of %s is %i', (_, level, facts) => {
    expect(levelOf(subject(facts))).toMatchObject({ level, certain: true });
  });

  it.each<readonly [string, number, SubjectFacts]>([
    ['with AppArmor in complain mode', 1, { process: { label: { ...DOCKER_DEFAULT, mode: 'complain' } } }],
    [
      'in a stack of profiles',
      2,
      { process: { label: { ...DOCKER_DEFAULT, profile: 'a//&:b:unconfined', mode: 'mixed' } } },
    ],
    ['of spc_t', 1, { process: { label: { lsm: 'selinux', type: 'spc_t', level: 's0' } } }],
    ['of super_t', 1, { process: { label: { lsm: 'selinux', type: 'super_t', level: 's0' } } }],
    [
      'of container_engine_t',
      2,
      { process: { label: { lsm: 'selinux', type: 'container_engine_t', level: 's0:c1,c2' } } },
    ],
    ['of container_t', 2, { process: { label: { lsm: 'selinux', type: 'container_t', level: 's0:c1,c2' } } }],
    ['without any security module on the host', 2, { process: { label: { lsm: 'none' } } }],
    ['with /etc, read-only', 1, { mounts: { hostMounts: [mount('critical', { writable: false })] } }],
    ['with /etc, writable', 0, { mounts: { hostMounts: [mount('critical')] } }],
    [
      'with /etc, writable, as a user that file permissions hold for',
      1,
      { bounding: NO_CAPABILITIES, process: RESTRICTED, mounts: { hostMounts: [mount('critical')] } },
    ],
    [
      'with /etc, writable, as a user that can go back to root',
      0,
      {
        bounding: NO_CAPABILITIES,
        process: { ...RESTRICTED, holdsRoot: true },
        mounts: { hostMounts: [mount('critical')] },
      },
    ],
    [
      'as a user that can go back to root',
      2,
      { bounding: NO_CAPABILITIES, process: { ...RESTRICTED, holdsRoot: true } },
    ],
    [
      'with /etc, writable, in a user namespace without a map',
      0,
      { process: NO_MAP, mounts: { hostMounts: [mount('critical')] } },
    ],
    ['in a user namespace without a map', 2, { process: NO_MAP }],
    [
      'in a user namespace into which root of the host came',
      2,
      { process: { users: REMAPPED }, others: [{ uid: 0, holdsRoot: true }] },
    ],
    ['with a directory of the host, writable', 1, { mounts: { hostMounts: [mount('plain')] } }],
    ['with a directory of the host, read-only', 2, { mounts: { hostMounts: [mount('plain', { writable: false })] } }],
    [
      'with a socket that it may not use',
      1,
      {
        bounding: NO_CAPABILITIES,
        process: RESTRICTED,
        mounts: { hostMounts: [mount('socket', { usable: false })] },
      },
    ],
    [
      'with a socket that it may use despite its user namespace',
      0,
      { process: { users: REMAPPED }, mounts: { hostMounts: [mount('socket', { usable: true })] } },
    ],
    ['with a writable /sys', 1, { mounts: { sysWritable: true, ownSysWritable: true } }],
    ['with a writable /sys in a user namespace', 3, { process: { users: REMAPPED }, mounts: { sysWritable: true } }],
    ['with mounts that show on the host', 1, { mounts: { propagating: ['/data'] } }],
    ['with all devices (v1)', 0, { posture: { devices: { allowed: 'all', blockDevices: [] } } }],
    ['with a disk', 0, { posture: { devices: { allowed: undefined, blockDevices: ['sda'] } } }],
    ['with a process of docker exec --privileged', 0, { others: [{ bounding: ALL, seccomp: 'disabled' }] }],
    ['with a browser that puts its processes into a user namespace', 2, { others: [{ bounding: ALL, nested: true }] }],
    ['with a process that lost its seccomp filter', 1, { others: [{ seccomp: 'disabled' }] }],
    ['with a process that is back on the host', 0, { posture: { escapedProcesses: 1 } }],
    ['in a user namespace that hides nothing', 2, { process: { users: { ...HOST_USERS, isHost: false } } }],
    ['on gVisor with a hole', 3, { sandbox: { kind: 'gvisor', kernel: 'user', weaknesses: ['x'] } }],
    ['in a virtual machine', 5, { sandbox: { kind: 'kata', kernel: 'virtual', weaknesses: [] } }],
  ])('%s is %i', (_, level, facts) => {
    expect(levelOf(subject(facts))).toMatchObject({ level, certain: true });
  });

  it.each<readonly [string, number, boolean, SubjectFacts]>([
    // The exporter may not read namespaces, so only facts from other files are certain.
    ['namespaces', 1, false, { shares: { net: undefined, ipc: undefined, uts: undefined } as never }],
    [
      'namespaces of a privileged one',
      0,
      true,
      {
        shares: { net: undefined, ipc: undefined, uts: undefined } as never,
        bounding: '0000003fffffffff',
        process: { seccomp: 'disabled' },
        mounts: UNMASKED,
      },
    ],
    ['mounts', 0, false, { posture: { mounts: undefined } }],
    ['some of the mounts', 0, false, { mounts: { complete: false } }],
    ['the mounts of the host', 0, false, { mounts: { hostMounts: undefined, propagating: undefined } }],
    ['block devices', 0, false, { posture: { devices: { allowed: undefined, blockDevices: undefined } } }],
    ['a security module', 1, false, { process: { label: undefined } }],
    [
      'what a type of the own policy allows',
      1,
      false,
      { process: { label: { lsm: 'selinux', type: 'web.process', level: 's0:c1,c2' } } },
    ],
    ['some of very many processes', 0, false, { posture: { allProcesses: false } }],
    ['whether a process left', 0, false, { posture: { escapedProcesses: undefined } }],
    ['whether it is a sandbox', 0, false, { posture: { sandbox: undefined } }],
  ])('is a lower bound without %s', (_, level, certain, facts) => {
    expect(levelOf(subject(facts))).toMatchObject({ level, certain });
  });

  it('is unknown without processes', () => {
    expect(levelOf({ ...subject({}), posture: undefined })).toBeUndefined();
  });
});

describe('findings', () => {
  const yes = (facts: SubjectFacts): string[] =>
    assess(subject(facts)).findings.flatMap(({ finding, answer }) => (answer === 'yes' ? [finding.id] : []));

  it('of a default container are the common ones', () => {
    expect(yes({})).toEqual([
      'net_raw',
      'capabilities_kept',
      'host_user_namespace',
      'root_file_system_writable',
      'new_privileges_allowed',
      'runs_as_root',
    ]);
  });

  it('of a hardened container are few', () => {
    const facts = { bounding: NO_CAPABILITIES, process: RESTRICTED, mounts: { rootReadOnly: true } };
    expect(yes(facts)).toEqual(['host_user_namespace']);
  });

  it('of a container that can switch back to root are those of root', () => {
    expect(yes({ bounding: NO_CAPABILITIES, process: { ...RESTRICTED, holdsRoot: true } })).toContain('runs_as_root');
    expect(yes({ process: { users: REMAPPED } })).not.toContain('runs_as_root');
  });

  it('of a type of SELinux that only the own policy knows are unknown, and its processes are not stronger than each other', () => {
    const of = (type: string) => ({ label: { lsm: 'selinux', type, level: 's0:c1,c2' } }) as const;
    const answers = (init: string, other: string) => {
      const { findings } = assess(subject({ process: of(init), others: [of(other)] }));
      const answerTo = (id: string) => findings.find(({ finding }) => finding.id === id)?.answer;
      return [answerTo('selinux_unconfined'), answerTo('stronger_process')];
    };
    expect(answers('web.process', 'web.process')).toEqual(['unknown', 'no']);
    expect(answers('web.process', 'container_t')).toEqual(['unknown', 'no']);
    expect(answers('web.process', 'spc_t')).toEqual(['yes', 'unknown']);
    expect(answers('container_t', 'spc_t')).toEqual(['yes', 'yes']);
    expect(answers('container_engine_t', 'container_t')).toEqual(['no', 'no']);
  });

  it('about mounts are unknown if it has some that nothing shows, except for those that it has', () => {
    const answers = (mounts: SubjectFacts['mounts']) =>
      Object.fromEntries(
        assess(subject({ mounts: { ...mounts } })).findings.map((each) => [each.finding.id, each.answer]),
      );
    const hidden = {
      complete: false,
      rootReadOnly: undefined,
      procMasked: undefined,
      sysWritable: undefined,
      ownSysWritable: undefined,
      cgroupWritable: undefined,
    };
    const ofMounts =
      'engine_socket host_root_mounted critical_host_path_writable sensitive_path_mounted host_path_mounted ' +
      'mount_propagation_to_host proc_unmasked sys_writable cgroup_writable root_file_system_writable';
    const unknown = Object.fromEntries(ofMounts.split(' ').map((id) => [id, 'unknown']));
    expect(answers(hidden)).toEqual({ ...answers({}), ...unknown });
    expect(answers({ ...hidden, hostMounts: [mount('root')], propagating: ['/data'] })).toEqual({
      ...answers(hidden),
      host_root_mounted: 'yes',
      host_path_mounted: 'yes',
      mount_propagation_to_host: 'yes',
    });
  });

  it('of a sandbox are only those about the host', () => {
    const { findings } = assess(
      subject({ sandbox: { kind: 'gvisor', kernel: 'user', weaknesses: [] }, bounding: '000001ffffffffff' }),
    );
    const known = findings.filter(({ answer }) => answer !== 'unknown').map(({ finding }) => finding.id);
    expect(known).toEqual([
      'memory_unlimited',
      'cpu_unlimited',
      'pids_unlimited',
      'unusual_cgroup_parent',
      'sandbox_weakened',
    ]);
  });

  it('of a possible sandbox are unknown', () => {
    const { findings, isolationLevel } = assess(subject({ posture: { sandbox: undefined } }));
    expect(findings.filter(({ finding }) => finding.id === 'privileged')).toMatchObject([{ answer: 'unknown' }]);
    expect(isolationLevel).toMatchObject({ level: 0, certain: false });
  });
});
