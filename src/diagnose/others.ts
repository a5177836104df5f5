import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { isAbsence, isDenied } from '../kernel/errno.ts';
import { parseCredentials } from '../kernel/credentials.ts';

/** How many processes of a kind could be looked at as the exporter looks at a container's, and how many not. */
export interface Looked {
  readonly readable: number;
  readonly denied: number;
}

/** All processes but this one, by what the kernel might refuse them for. */
export interface Others {
  /** The host's own init, or a container's if this process has no other. */
  readonly pid1: Looked;
  readonly kernelThreads: Looked;
  readonly ownUser: Looked;
  readonly otherUsers: Looked;
}

/** kthreadd, whose children are all other kernel threads. */
const KTHREADD = 2;

/** Tries to read the namespaces of every process that is to be seen in a procfs. */
export function lookAtOthers(procfs: string): Others {
  const counts = {
    pid1: { readable: 0, denied: 0 },
    kernelThreads: { readable: 0, denied: 0 },
    ownUser: { readable: 0, denied: 0 },
    otherUsers: { readable: 0, denied: 0 },
  };
  const own = attempt(() => readlinkSync(`${procfs}/self`)) ?? '';
  const ownUser = attempt(() => userOf(procfs, own));
  for (const pid of attempt(() => readdirSync(procfs)) ?? []) {
    if (!/^\d+$/.test(pid) || pid === own) continue;
    const kind = attempt(() => kindOf(procfs, pid, ownUser?.uid));
    const access = kind === undefined ? undefined : accessTo(`${procfs}/${pid}/ns/net`);
    if (kind !== undefined && access !== undefined) counts[kind][access] += 1;
  }
  return counts;
}

function kindOf(procfs: string, pid: string, ownUid: number | undefined): keyof Others {
  if (pid === '1') return 'pid1';
  const { uid, ppid } = userOf(procfs, pid);
  // Where pid 2 is not kthreadd it is a process with memory of its own, and so are its children.
  const isKernelThread =
    (Number(pid) === KTHREADD || ppid === KTHREADD) && readFileSync(`${procfs}/${pid}/cmdline`, 'utf8') === '';
  if (isKernelThread) return 'kernelThreads';
  return uid === ownUid ? 'ownUser' : 'otherUsers';
}

function userOf(procfs: string, pid: string): { readonly uid: number; readonly ppid: number } {
  return parseCredentials(readFileSync(`${procfs}/${pid}/status`, 'utf8'));
}

function accessTo(link: string): keyof Looked | undefined {
  try {
    readlinkSync(link);
    return 'readable';
  } catch (error) {
    if (isDenied(error)) return 'denied';
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** What is gone by now, or hidden, does not count. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAbsence(error) || isDenied(error)) return undefined;
    throw error;
  }
}
