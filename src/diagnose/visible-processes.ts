import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { isAbsence, isDenied, missingAsUndefined, unseenAsUndefined } from '../kernel/errno.ts';
import { parseProcStatus, type ProcStatus } from '../kernel/proc-status.ts';

/** How many processes of a kind could be inspected the way the exporter inspects containers, and how many not. */
export interface Looked {
  readonly readable: number;
  readonly denied: number;
}

/** All processes except this one, grouped by why the kernel may refuse access. */
export interface Others {
  /** The host's init, or the container's in its own pid namespace. */
  readonly pid1: Looked;
  readonly kernelThreads: Looked;
  readonly ownUser: Looked;
  readonly otherUsers: Looked;
}

/** Tries to read the namespaces of every process in a procfs. */
export function lookAtOthers(procfs: string): Others {
  const counts = {
    pid1: { readable: 0, denied: 0 },
    kernelThreads: { readable: 0, denied: 0 },
    ownUser: { readable: 0, denied: 0 },
    otherUsers: { readable: 0, denied: 0 },
  };
  const names = missingAsUndefined(() => unseenAsUndefined(() => readdirSync(procfs))) ?? [];
  if (names.length === 0) return counts;
  const own = unseenAsUndefined(() => readlinkSync(`${procfs}/self`)) ?? '';
  const ownUid = unseenAsUndefined(() => credentialsOf(procfs, own).effectiveUid);
  for (const pid of names) {
    if (!/^\d+$/.test(pid) || pid === own) continue;
    // A process that is gone by now, or hidden, does not count.
    const kind = unseenAsUndefined(() => kindOf(procfs, pid, ownUid));
    const access = kind === undefined ? undefined : accessTo(`${procfs}/${pid}/ns/net`);
    if (kind !== undefined && access !== undefined) counts[kind][access] += 1;
  }
  return counts;
}

function kindOf(procfs: string, pid: string, ownUid: number | undefined): keyof Others {
  if (pid === '1') return 'pid1';
  const { effectiveUid, kernelThread } = credentialsOf(procfs, pid);
  if (kernelThread) return 'kernelThreads';
  return effectiveUid === ownUid ? 'ownUser' : 'otherUsers';
}

function credentialsOf(procfs: string, pid: string): ProcStatus {
  return parseProcStatus(readFileSync(`${procfs}/${pid}/status`, 'utf8'));
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
