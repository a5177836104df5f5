import { textOf } from '../kernel/bytes.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { Host } from './host.ts';
import type { LookUps } from '../probes/look-ups.ts';
import { programOf } from './host-programs.ts';
import { LONGEST_MOUNTINFO, MountTable } from './mount-table.ts';
import { orUnknown } from './or-unknown.ts';
import type { ProcessPosture } from './posture.ts';
import { found } from './probed.ts';
import { readStatus } from './process.ts';
import { type Evidence, mayBeSandbox, recogniseSandbox, type Witness } from './recognise.ts';
import type { Sandbox, SandboxKind } from './sandbox.ts';

/** A sandbox has few processes on the host; gVisor one for each address space. */
const MOST_WITNESSES = 64;

/** The longest command line that is read, in bytes. A container can make it as long as it likes. */
const LONGEST_COMMAND_LINE = 64 * 1024;

/** The link targets of virtual machine descriptors: of KVM, and of Microsoft's hypervisor. */
const MACHINES = ['anon_inode:kvm-vm', '/dev/mshv'];

/** The container whose sandbox to find. */
export interface Question {
  readonly host: Host;
  /** The engine, from the path of the container's cgroup. */
  readonly engine: string;
  readonly init: ProcessFiles;
  readonly hostNet: boolean | undefined;
  /** The postures of its processes. */
  readonly byPid: ReadonlyMap<number, ProcessPosture | undefined>;
  /** Whether these are all of its processes. */
  readonly all: boolean;
  /** Whether Sysbox has mounted its file system over parts of its `/proc`. */
  readonly sysbox: boolean;
  readonly lookUps: LookUps;
  /** The files of processes other than the init, kept open until all look-ups are answered. */
  readonly witnesses: Witnesses;
  readonly note: (error: Error) => void;
}

/** Open files of processes that are inspected more than once. */
export class Witnesses implements Disposable {
  readonly #kernel: KernelFiles;
  readonly #byPid = new Map<number, ProcessFiles | undefined>();

  constructor(kernel: KernelFiles) {
    this.#kernel = kernel;
  }

  /** `undefined` if the process has ended, or cannot be read. */
  filesOf(pid: number): ProcessFiles | undefined {
    const known = this.#byPid.get(pid);
    if (known !== undefined) return known;
    const files = this.#kernel.process(pid);
    this.#byPid.set(pid, files);
    // Goes to another thread if the first has ended.
    if (files !== undefined) readStatus(files);
    return files;
  }

  [Symbol.dispose](): void {
    for (const files of this.#byPid.values()) files?.close();
    this.#byPid.clear();
  }
}

/** Finds the sandbox of a container; `undefined` if it claims to be one and this can be neither confirmed nor refuted. */
export function readSandbox(question: Question): Sandbox | undefined {
  const { engine, init, byPid, hostNet } = question;
  const processes = [...byPid].flatMap(([pid, process]) => (process === undefined ? [] : [{ pid, process }]));
  const names = processes.map(({ process }) => process.name);
  if (mayBeSandbox(engine, names)) {
    const witnesses = processes.slice(0, MOST_WITNESSES).flatMap(({ pid, process }) => {
      const files = pid === init.pid ? init : question.witnesses.filesOf(pid);
      const found = files && witness(files, process, question);
      return found === undefined ? [] : [{ pid, found }];
    });
    const own = witnesses.find(({ pid }) => pid === init.pid)?.found;
    if (own === undefined) return undefined;
    const evidence: Evidence = { engine, init: own, processes: witnesses.map(({ found }) => found), hostNet };
    const sandbox = recogniseSandbox(evidence);
    // A process that was not looked at may be none of the sandbox's.
    const areAll = question.all && processes.length <= MOST_WITNESSES;
    if (sandbox !== 'none') return areAll ? sandbox : undefined;
  }
  return { kind: sharedKind(question), kernel: 'shared', weaknesses: [] };
}

/** Whether a runtime shares the host's kernel. All such runtimes get the same rating, so their names are enough. */
function sharedKind({ engine, init, byPid, sysbox }: Question): SandboxKind {
  if (sysbox) return 'sysbox';
  if (engine === 'lxc' || engine === 'libvirt-lxc') return 'lxc';
  if (engine === 'nspawn') return 'nspawn';
  return byPid.get(init.pid)?.users?.rootless === true ? 'oci-rootless' : 'oci';
}

function witness(
  files: ProcessFiles,
  { hostPid, hostMnt, seccomp }: ProcessPosture,
  { engine, host, lookUps, note }: Question,
): Witness | undefined {
  const bytes = files.mountinfo(LONGEST_MOUNTINFO);
  const mountinfo = bytes && textOf(bytes);
  const [cmdline, descriptors] = [files.outside('cmdline'), files.outside('fd')];
  if (mountinfo === undefined || cmdline === undefined || descriptors === undefined) return undefined;
  const words = found(
    // Reading the command line takes a lock that a page fault on a FUSE mapping can hold.
    lookUps.ask({ look: 'text', path: cmdline.path, most: LONGEST_COMMAND_LINE }, cmdline.shownAs),
    cmdline,
    note,
  );
  if (words === 'absent') return undefined;
  const table = new MountTable(mountinfo, host.mounts && ((path) => host.mounts?.at(path)));
  const root = table.at('/');
  // Firecracker's jailer copies the program.
  const jail = engine === 'firecracker' ? root : undefined;
  const machine = found(
    lookUps.ask({ look: 'linkTo', path: descriptors.path, targets: MACHINES }, descriptors.shownAs),
    descriptors,
    note,
  );
  return {
    words: words?.split('\0').slice(0, -1),
    program: orUnknown(() => programOf({ files, hostMnt, table, host, lookUps, jail, note }), note),
    holdsVm: machine === 'yes' ? true : machine === 'no' || machine === 'absent' ? false : undefined,
    hostPid,
    hostMnt,
    rootType: root?.type,
    chrooted: chrooted(files, note),
    seccomp,
  };
}

function chrooted(files: ProcessFiles, note: (error: Error) => void): boolean | undefined {
  const root = orUnknown(() => files.link('root'), note);
  return root === undefined ? undefined : root !== '/';
}
