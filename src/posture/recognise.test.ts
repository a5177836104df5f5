import { describe, expect, it } from 'vitest';
import { type Evidence, mayBeSandbox, recogniseSandbox, type Witness } from './recognise.ts';

const ID = 'ab'.repeat(32);

/**
 * The processes of gVisor as observed (runsc of 2022 on Linux 6.1 and 6.18). The other sandboxes cannot run on the
 * machines of this project. Their processes follow the sources of Kata Containers (virtcontainers, docs/design),
 * Firecracker (docs/jailer.md) and crun (src/libcrun/handlers/krun.c), not an observation.
 */
function witness(name: string, rest: Partial<Witness> = {}): Witness {
  return {
    words: [name],
    program: { name, ofHost: true },
    holdsVm: false,
    hostPid: true,
    hostMnt: true,
    rootType: 'ext4',
    chrooted: false,
    seccomp: 'disabled',
    ...rest,
  };
}

function evidence(processes: readonly [Witness, ...Witness[]], rest: Partial<Evidence> = {}): Evidence {
  return { engine: 'cri', init: processes[0], processes, hostNet: false, ...rest };
}

const RUNSC = { name: 'runsc', ofHost: true };
const sandbox = witness('runsc', {
  words: ['runsc-sandbox', '--root=/run/runsc', '--network=none', 'boot', ID],
  hostMnt: false,
  rootType: 'tmpfs',
  seccomp: 'filter',
});
const gofer = witness('runsc', {
  words: ['runsc-gofer', 'gofer'],
  hostPid: false,
  rootType: 'overlay',
  chrooted: true,
});
const stub = witness('runsc', { words: [], rootType: 'tmpfs' });

const qemu = witness('qemu-system-x86_64', {
  words: ['/usr/bin/qemu-system-x86_64', '-name', `sandbox-${ID}`, '-qmp', `unix:/run/vc/vm/${ID}/qmp.sock`],
  holdsVm: true,
});
const kataShim = witness('containerd-shim-kata-v2', {
  words: ['/usr/bin/containerd-shim-kata-v2', '-namespace', 'k8s.io', '-id', ID],
});
const virtiofsd = witness('virtiofsd', { words: ['/usr/libexec/virtiofsd', '--fd=3'] });
const firecracker = witness('firecracker', {
  words: ['/firecracker', `--id=${ID}`],
  holdsVm: true,
  hostMnt: false,
  seccomp: 'filter',
});

const workload = witness('sh', { program: { name: 'sh', ofHost: false }, hostPid: false, hostMnt: false });

describe('a sandbox', () => {
  it.each<readonly [string, Evidence, object]>([
    ['gVisor', evidence([sandbox, gofer, stub]), { kind: 'gvisor', kernel: 'user', weaknesses: [] }],
    [
      'gVisor of another name',
      evidence([{ ...sandbox, program: { name: 'gvisor_sentry', ofHost: true } }]),
      { kind: 'gvisor', kernel: 'user', weaknesses: [] },
    ],
    [
      'gVisor on the network of the host',
      evidence([{ ...sandbox, words: ['runsc-sandbox', '--network=host', 'boot'] }], { hostNet: true }),
      { kind: 'gvisor', weaknesses: ['on the network of the host'] },
    ],
    [
      'gVisor without its filter',
      evidence([{ ...sandbox, seccomp: 'disabled' }]),
      { kind: 'gvisor', weaknesses: ['without a seccomp filter'] },
    ],
    [
      'Kata with QEMU',
      evidence([qemu, virtiofsd, kataShim], { engine: 'kata' }),
      { kind: 'kata', kernel: 'virtual', weaknesses: [] },
    ],
    [
      'Kata with all its helpers',
      evidence([
        qemu,
        virtiofsd,
        ...['passt.avx2', 'swtpm', 'vhost-device-vsock', 'nydusd'].map((name) => witness(name)),
      ]),
      { kind: 'kata', kernel: 'virtual', weaknesses: [] },
    ],
    ['Kata with QEMU in the scope of a container', evidence([qemu]), { kind: 'kata' }],
    [
      'Kata with Cloud Hypervisor',
      evidence([
        witness('cloud-hypervisor', {
          words: ['cloud-hypervisor', '--api-socket', `/run/vc/vm/${ID}/clh-api.sock`],
          holdsVm: true,
        }),
      ]),
      { kind: 'kata', kernel: 'virtual' },
    ],
    ['Kata with Dragonball, which is in the shim', evidence([{ ...kataShim, holdsVm: true }]), { kind: 'kata' }],
    [
      'Kata without KVM',
      evidence([{ ...qemu, holdsVm: false }], { engine: 'kata' }),
      { kind: 'kata', weaknesses: ['emulated, without KVM'] },
    ],
    ['Firecracker in its jail', evidence([firecracker], { engine: 'firecracker' }), { kind: 'firecracker' }],
    ['a plain QEMU', evidence([{ ...qemu, words: ['qemu-system-x86_64', '-M', 'microvm'] }]), { kind: 'qemu' }],
    [
      'krun',
      evidence([witness('crun', { words: ['/bin/workload'], holdsVm: true, hostPid: false, hostMnt: false })]),
      { kind: 'krun', kernel: 'virtual' },
    ],
  ])('is %s', (_, given, expected) => {
    expect(recogniseSandbox(given)).toMatchObject(expected);
  });

  it.each<readonly [string, Evidence]>([
    ['a plain container', evidence([witness('sleep', { program: { name: 'sleep', ofHost: false } })])],
    ['a program of its own under the name of gVisor', evidence([{ ...sandbox, program: { ...RUNSC, ofHost: false } }])],
    [
      'another program of the host under the name of gVisor',
      evidence([{ ...sandbox, program: { name: 'sleep', ofHost: true } }]),
    ],
    [
      'a program of its own under the name of QEMU, in the cgroup of Kata',
      evidence([{ ...qemu, program: { name: 'qemu-system-x86_64', ofHost: false } }], { engine: 'kata' }),
    ],
    ['QEMU of the host inside a container', evidence([{ ...qemu, hostPid: false, hostMnt: false }])],
    ['QEMU in a container with the pids of the host', evidence([{ ...qemu, hostMnt: false }])],
    ['a container with a process that went to the host and runs QEMU there', evidence([workload, qemu])],
    ['the same beside a program of the host', evidence([witness('sleep'), qemu])],
    [
      'the same with a process that is called like a helper',
      evidence([witness('virtiofsd', { program: { name: 'virtiofsd', ofHost: false } }), qemu]),
    ],
    ['the same in a jail', evidence([workload, firecracker], { engine: 'firecracker' })],
    ['the same with krun', evidence([witness('crun', { holdsVm: true }), workload])],
    ['a shim without a machine', evidence([kataShim])],
    ['crun that runs no machine', evidence([witness('crun', { hostPid: false, hostMnt: false })])],
    ['Firecracker without a machine', evidence([{ ...firecracker, holdsVm: false }], { engine: 'firecracker' })],
  ])('is none: %s', (_, given) => {
    expect(recogniseSandbox(given)).toBe('none');
  });

  it.each<readonly [string, Evidence]>([
    ['gVisor that may not be looked at', evidence([{ ...sandbox, program: undefined, holdsVm: undefined }])],
    ['gVisor that was replaced while it runs', evidence([{ ...sandbox, program: { ...RUNSC, ofHost: undefined } }])],
    [
      'gVisor beside something else',
      evidence([sandbox, witness('bash', { program: { name: 'bash', ofHost: false } })]),
    ],
    ['gVisor with files', evidence([{ ...sandbox, rootType: 'overlay' }])],
    ['gVisor whose root is a directory of a container', evidence([{ ...sandbox, chrooted: true }])],
    ['gVisor whose root may not be looked at', evidence([{ ...sandbox, chrooted: undefined }])],
    [
      'a program under the name of crun, in a directory of the host that a container can write to',
      evidence([witness('crun', { program: { name: 'crun', ofHost: undefined }, holdsVm: true })]),
    ],
    ['QEMU that may not be looked at', evidence([{ ...qemu, program: undefined, holdsVm: undefined }])],
    ['QEMU beside what may not be looked at', evidence([qemu, { ...virtiofsd, program: undefined }])],
    [
      'QEMU beside a helper that was replaced while it runs',
      evidence([qemu, { ...virtiofsd, program: { name: 'virtiofsd', ofHost: undefined } }]),
    ],
    ['QEMU in an unknown mount namespace', evidence([{ ...qemu, hostMnt: undefined }])],
  ])('is unknown: %s', (_, given) => {
    expect(recogniseSandbox(given)).toBeUndefined();
  });
});

it.each([
  ['docker', ['exe'], true],
  ['docker', ['sleep', 'qemu-system-x86'], true],
  ['kata', ['anything'], true],
  ['docker', ['sleep', 'sh'], false],
] as const)('a closer look at %s with %j: %s', (engine, names, expected) => {
  expect(mayBeSandbox(engine, names)).toBe(expected);
});
