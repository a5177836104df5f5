import { type CapabilitySet, parseCapabilitySet } from './capabilities.ts';

/** The content of `/proc/<pid>/status` that the exporter uses. */
export interface ProcStatus {
  /** The process name: up to 15 bytes, which the process can set itself. */
  readonly name: string;
  /** A zombie no longer has mounts, namespaces or a program. */
  readonly zombie: boolean;
  /** Only the first thread is a zombie: the process goes on in its other threads. */
  readonly goesOn: boolean;
  /** A kernel thread has the kernel's privileges in any cgroup, and belongs to no container. */
  readonly kernelThread: boolean;
  /** The process that a thread belongs to; the pid itself for a process. */
  readonly tgid: number;
  readonly ppid: number;
  /**
   * The pid in each of its pid namespaces, beginning with that of the `/proc` mount. Only the pid before Linux 4.1 or without
   * pid namespaces.
   */
  readonly nspid: readonly number[];
  /** Ids in the reader's user namespace. On the host these are the ids of the host. */
  readonly effectiveUid: number;
  readonly effectiveGid: number;
  /** Whether the real, effective, saved or file system uid is 0: the process can switch back to any of them. */
  readonly holdsRoot: boolean;
  readonly groups: readonly number[];
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly bounding: CapabilitySet;
  /** Absent before Linux 4.10. */
  readonly noNewPrivileges: boolean | undefined;
  /** Absent without CONFIG_SECCOMP. Unknown if this program does not know the mode. */
  readonly seccomp: SeccompMode | undefined;
  /** How many filters are stacked; since Linux 5.9. */
  readonly seccompFilters: number | undefined;
}

/** `filter` means that there is a filter, not what it allows. */
export type SeccompMode = 'disabled' | 'strict' | 'filter';

/** By the kernel's number. Since Linux 5.16, 3 is a process that a filter or the strict mode has killed, also as a zombie. */
const SECCOMP_MODES: readonly SeccompMode[] = ['disabled', 'strict', 'filter', 'filter'];

/**
 * Parses `/proc/<pid>/status` (proc_pid_status(5)):
 *
 *     PPid:	7941
 *     Uid:	0	0	0	0
 *     NSpid:	7946	14	1
 *     CapBnd:	00000000a80425fb
 *     Seccomp:	2
 *
 * The name comes first and may be any text, but the kernel writes a newline in it as `\n`, so it cannot forge another line.
 * Unknown lines are skipped.
 *
 * @throws SyntaxError if a line that every kernel writes is missing, or if a line is malformed.
 */
export function parseProcStatus(text: string): ProcStatus {
  const uids = numbers(text, 'Uid');
  const gids = numbers(text, 'Gid');
  const [tgid] = numbers(text, 'Tgid');
  const [pid] = numbers(text, 'Pid');
  const [ppid] = numbers(text, 'PPid');
  const [effectiveUid, effectiveGid] = [uids[1], gids[1]];
  const noNewPrivileges = optionalNumber(text, 'NoNewPrivs');
  const seccomp = optionalNumber(text, 'Seccomp');
  const zombie = /^[ZX]/.test(line(text, 'State') ?? '');
  if (tgid === undefined || ppid === undefined || effectiveUid === undefined || effectiveGid === undefined) {
    throw cannotParse(text);
  }
  return {
    name: line(text, 'Name') ?? '',
    zombie,
    goesOn: zombie && (optionalNumber(text, 'Threads') ?? 1) > 1,
    // `Kthread` since Linux 6.9. Before that: kthreadd (pid 2) and its children, which have no memory of their own.
    kernelThread: line(text, 'Kthread') === '1' || ((pid === 2 || ppid === 2) && line(text, 'VmSize') === undefined),
    tgid,
    ppid,
    nspid: line(text, 'NSpid') === undefined ? [tgid] : numbers(text, 'NSpid'),
    effectiveUid,
    effectiveGid,
    holdsRoot: uids.includes(0),
    groups: (line(text, 'Groups') ?? '').split(' ').filter(Boolean).map(Number),
    effective: capabilities(text, 'CapEff'),
    permitted: capabilities(text, 'CapPrm'),
    bounding: capabilities(text, 'CapBnd'),
    noNewPrivileges: noNewPrivileges === undefined ? undefined : noNewPrivileges !== 0,
    seccomp: seccomp === undefined ? undefined : SECCOMP_MODES[seccomp],
    seccompFilters: optionalNumber(text, 'Seccomp_filters'),
  };
}

/** The same file's `CapBnd`: the capabilities that the process can pass on to its children. */
export function parseBoundingSet(text: string): CapabilitySet {
  return capabilities(text, 'CapBnd');
}

/** The text after `key:` and a tab; `undefined` without such a line. */
function line(text: string, key: string): string | undefined {
  const mark = `${key}:\t`;
  const start = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (start === 0 && !text.startsWith(mark)) return undefined;
  const end = text.indexOf('\n', start);
  return text.slice(start + mark.length, end === -1 ? text.length : end);
}

/** Numbers separated by tabs. */
function numbers(text: string, key: string): number[] {
  const found = line(text, key);
  if (found === undefined || !/^\d+(?:\t\d+)*$/.test(found)) throw cannotParse(found ?? text);
  return found.split('\t').map(Number);
}

function optionalNumber(text: string, key: string): number | undefined {
  const found = line(text, key);
  if (found === undefined) return undefined;
  if (!/^\d+$/.test(found)) throw cannotParse(`${key}:\t${found}`);
  return Number(found);
}

function capabilities(text: string, key: string): CapabilitySet {
  const found = line(text, key);
  if (found === undefined) throw cannotParse(text);
  return parseCapabilitySet(found);
}

function cannotParse(text: string): SyntaxError {
  return new SyntaxError(`Cannot parse ${JSON.stringify(text.slice(0, 80))} as the status of a process`);
}
