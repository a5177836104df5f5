import { isDenied } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { Host } from './host.ts';
import { type Program, programOf } from './host-programs.ts';
import { MountTable } from './mount-table.ts';
import type { ProcessPosture } from './posture.ts';
import { type Evidence, mayBeSandbox, recogniseSandbox, type Witness } from './recognise.ts';
import type { Sandbox, SandboxKind } from './sandbox.ts';

/** A sandbox has few processes on the host; gVisor one for each address space. */
const MOST_WITNESSES = 64;

const NO_LINKS: readonly string[] = [];

/** A container of which it is asked what runs it. */
export interface Question {
  readonly kernel: KernelFiles;
  readonly host: Host;
  /** By the path of its cgroup. */
  readonly engine: string;
  readonly init: ProcessFiles;
  readonly hostNet: boolean | undefined;
  /** What its processes were found to be. */
  readonly byPid: ReadonlyMap<number, ProcessPosture | undefined>;
  /** Whether Sysbox has put its file system over some of its `/proc`. */
  readonly sysbox: boolean;
  readonly denied: (error: Error) => void;
}

/** Finds out what runs a container; `undefined` if it claims to be a sandbox and that can be neither shown nor refuted. */
export function readSandbox(question: Question): Sandbox | undefined {
  const { engine, init, byPid, hostNet } = question;
  const processes = [...byPid].flatMap(([pid, process]) => (process === undefined ? [] : [{ pid, process }]));
  const names = processes.map(({ process }) => process.name);
  if (mayBeSandbox(engine, names)) {
    const witnesses = processes.slice(0, MOST_WITNESSES).flatMap(({ pid, process }) => {
      const found = pid === init.pid ? witness(init, process, question) : witnessOf(pid, process, question);
      return found === undefined ? [] : [{ pid, found }];
    });
    const own = witnesses.find(({ pid }) => pid === init.pid)?.found;
    if (own === undefined) return undefined;
    const evidence: Evidence = { engine, init: own, processes: witnesses.map(({ found }) => found), hostNet };
    const sandbox = recogniseSandbox(evidence);
    if (sandbox !== 'none') return sandbox;
  }
  return { kind: sharedKind(question), kernel: 'shared', weaknesses: [] };
}

/** Of those that share the host's kernel it makes no difference to how they are judged, so the names do. */
function sharedKind({ engine, init, byPid, sysbox }: Question): SandboxKind {
  if (sysbox) return 'sysbox';
  if (engine === 'lxc' || engine === 'libvirt-lxc') return 'lxc';
  if (engine === 'nspawn') return 'nspawn';
  return byPid.get(init.pid)?.users?.rootless === true ? 'oci-rootless' : 'oci';
}

function witnessOf(pid: number, process: ProcessPosture, question: Question): Witness | undefined {
  const files = question.kernel.process(pid);
  if (files === undefined) return undefined;
  try {
    return witness(files, process, question);
  } finally {
    files.close();
  }
}

function witness(
  files: ProcessFiles,
  { hostPid, hostMnt, seccomp }: ProcessPosture,
  { engine, host, denied }: Question,
): Witness | undefined {
  const cmdline = files.text('cmdline');
  const mountinfo = files.text('mountinfo');
  if (cmdline === undefined || mountinfo === undefined) return undefined;
  const table = new MountTable(mountinfo);
  const root = table.at('/');
  let program: Program | undefined;
  let holdsVm: boolean | undefined;
  try {
    // Firecracker's jailer copies it.
    program = programOf(files, table, host, engine === 'firecracker' ? root : undefined);
    const links = files.links('fd') ?? NO_LINKS;
    holdsVm = links.some((link) => link === 'anon_inode:kvm-vm' || link === '/dev/mshv');
  } catch (error) {
    if (!(error instanceof Error) || !isDenied(error)) throw error;
    denied(error);
  }
  return {
    words: cmdline.split('\0').slice(0, -1),
    program,
    holdsVm,
    hostPid,
    hostMnt,
    rootType: root?.type,
    seccomp,
  };
}
