import type { SeccompMode } from '../kernel/proc-status.ts';
import type { Program } from './host-programs.ts';
import type { Sandbox, SandboxKind } from './sandbox.ts';

/** Facts about a process that may be part of a sandbox. */
export interface Witness {
  /** The command line, which the process can change. `undefined`: unknown. */
  readonly words: readonly string[] | undefined;
  /** `undefined`: access denied. */
  readonly program: Program | undefined;
  /** Whether the process holds a KVM virtual machine. `undefined`: access denied. */
  readonly holdsVm: boolean | undefined;
  readonly hostPid: boolean;
  readonly hostMnt: boolean | undefined;
  /** The type of the file system at the process's root, such as `tmpfs`. */
  readonly rootType: string | undefined;
  /** Whether its root is below that of its mount namespace, so that it can hide mounts. `undefined`: access denied. */
  readonly chrooted: boolean | undefined;
  readonly seccomp: SeccompMode | undefined;
}

/** All facts that may reveal the sandbox of a container. */
export interface Evidence {
  /** The engine, from the path of the container's cgroup. */
  readonly engine: string;
  readonly init: Witness;
  /** All inspected processes. */
  readonly processes: readonly Witness[];
  readonly hostNet: boolean | undefined;
}

type Verdict = 'yes' | 'no' | 'unknown';

const GVISOR_WORD = /^runsc-(?:sandbox|gofer)$/;
const GVISOR_PROGRAM = /^(?:runsc|gvisor[_-]sentry)[\w.-]*$/;

/** Monitors of virtual machines. Dragonball is a part of Kata's shim. */
const VM_PROGRAM =
  /^(?:qemu-(?:system-\w+|kvm)|kvm|cloud-hypervisor\w*|firecracker|stratovirt|crosvm|containerd-shim-kata[\w-]*)$/;
/** crun with libkrun becomes the monitor itself. */
const KRUN_PROGRAM = /^(?:crun|krun)$/;
/** Helpers beside a monitor: for shared directories, networks, a TPM, and the supervisor. */
const VM_HELPER =
  /^(?:virtiofsd|nydusd|jailer|containerd-shim-[\w-]+|kata-(?:proxy|shim)|passt(?:\.avx2)?|swtpm|vhost-[\w-]+)$/;
const KATA_WORD = /(?:^|[=:,/])(?:run\/vc\/|run\/kata|vc\/firecracker\/)|^sandbox-[0-9a-f]{64}/;

/** Process names that justify a closer inspection: at most 15 bytes, and chosen by the process. */
const SUSPICIOUS =
  /^(?:exe$|runsc|gvisor|qemu-|kvm|cloud-hyperviso|firecracker|jailer|stratovirt|crosvm|containerd-shim|virtiofsd|krun|libkrun)/;

/** Whether the name of a process or the path of its cgroup suggests a sandbox. */
export function mayBeSandbox(engine: string, names: readonly string[]): boolean {
  return engine === 'kata' || engine === 'firecracker' || names.some((name) => SUSPICIOUS.test(name));
}

/**
 * Recognises the sandbox of a container by the programs of its processes. Names, command lines and cgroup paths are
 * only claims. The proof is a program file of the host. A container cannot run it unless the file is visible in the
 * container.
 *
 * @returns `none` if it is not a sandbox, whatever it claims; `undefined` if it claims to be one and this can be neither confirmed
 * nor refuted.
 */
export function recogniseSandbox(evidence: Evidence): Sandbox | 'none' | undefined {
  // It may be a part of a sandbox, or only claim to be one.
  if (evidence.processes.some(({ words, program }) => words === undefined && program === undefined)) return undefined;
  const gvisor = recogniseGvisor(evidence);
  return gvisor === 'none' ? recogniseVm(evidence) : gvisor;
}

function recogniseGvisor({ processes, init, hostNet }: Evidence): Sandbox | 'none' | undefined {
  const claims = processes.filter(
    ({ words, program }) => GVISOR_WORD.test(words?.[0] ?? '') || GVISOR_PROGRAM.test(program?.name ?? ''),
  );
  if (claims.length === 0) return 'none';
  const isOther = (program: Program): boolean => program.ofHost === false || !GVISOR_PROGRAM.test(program.name);
  if (claims.some(({ program }) => program !== undefined && isOther(program))) return 'none';
  const sure = processes.every(({ program }) => program?.ofHost === true && GVISOR_PROGRAM.test(program.name));
  // The sandbox has dropped the host's file systems: the root of its mount namespace is empty. Any root can change its own to a
  // tmpfs of its container, such as /dev/shm.
  if (!sure || init.rootType !== 'tmpfs' || init.chrooted !== false || init.words === undefined) return undefined;
  const { words } = init;
  const onHostNet = words.some((word, index) =>
    word === '--network' ? words[index + 1] === 'host' : word === '--network=host',
  );
  return {
    kind: 'gvisor',
    kernel: 'user',
    weaknesses: [
      ...(onHostNet && hostNet !== false ? ['on the network of the host'] : []),
      ...(init.seccomp === 'filter' ? [] : ['without a seccomp filter']),
    ],
  };
}

function recogniseVm({ engine, processes, init }: Evidence): Sandbox | 'none' | undefined {
  const monitors = processes.filter(
    (process) =>
      VM_PROGRAM.test(process.program?.name ?? lastPart(process.words?.[0])) || (process === init && isKrun(process)),
  );
  const verdicts = monitors.map((monitor) => isolationLevel(engine, monitor, init));
  const at = verdicts.findIndex((verdict) => verdict === 'yes');
  const monitor = monitors[at];
  if (monitor === undefined) return verdicts.includes('unknown') ? undefined : 'none';
  const parts = processes.map(({ program }) => isOfMachine(program));
  if (parts.includes('no')) return 'none';
  if (parts.includes('unknown')) return undefined;
  return {
    kind: kindOf(engine, monitor, processes),
    kernel: 'virtual',
    weaknesses: monitor.holdsVm === true ? [] : ['emulated, without KVM'],
  };
}

/**
 * Whether a process is the monitor of the machine that runs the container's workload. A container can also run a monitor in its own
 * mount namespace, as an ordinary workload.
 */
function isolationLevel(engine: string, monitor: Witness, init: Witness): Verdict {
  const { program, holdsVm, hostPid, hostMnt } = monitor;
  if (program === undefined || program.ofHost === undefined) return 'unknown';
  if (!program.ofHost) return 'no';
  if (holdsVm === undefined) return 'unknown';
  if (monitor === init && isKrun(monitor)) return holdsVm ? 'yes' : 'no';
  // Firecracker's jailer gives it a mount namespace; its program was looked up in the jail.
  if (engine === 'firecracker') return holdsVm && hostPid ? 'yes' : 'no';
  if (!hostPid || hostMnt === false) return 'no';
  if (hostMnt === undefined) return 'unknown';
  // Only a dedicated monitor counts without KVM; a shim may just be nearby.
  return holdsVm || !program.name.startsWith('containerd-shim') ? 'yes' : 'no';
}

/**
 * Whether a program is part of a machine. All programs in the cgroup must be: an escaped process can start the host's QEMU, but the
 * container that it escaped from still has its other processes.
 */
function isOfMachine(program: Program | undefined): Verdict {
  if (program === undefined) return 'unknown';
  const isKnown = [VM_PROGRAM, KRUN_PROGRAM, VM_HELPER].some((pattern) => pattern.test(program.name));
  if (!isKnown || program.ofHost === false) return 'no';
  return program.ofHost === undefined ? 'unknown' : 'yes';
}

function isKrun({ program }: Witness): boolean {
  return KRUN_PROGRAM.test(program?.name ?? '');
}

function kindOf(engine: string, monitor: Witness, processes: readonly Witness[]): SandboxKind {
  const name = monitor.program?.name ?? '';
  const isKata =
    engine === 'kata' ||
    processes.some(
      ({ program, words }) =>
        program?.name.startsWith('containerd-shim-kata') === true ||
        words?.some((word) => KATA_WORD.test(word)) === true,
    );
  if (isKata) return 'kata';
  if (name === 'firecracker') return 'firecracker';
  return isKrun(monitor) ? 'krun' : 'qemu';
}

function lastPart(path = ''): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
