import { type CapabilitySet, parseCapabilitySet } from './capabilities.ts';

/** What `/proc/<pid>/status` says of what a process may do. */
export interface ProcCredentials {
  /** Up to 15 bytes of the program's name, as the process likes to be called. */
  readonly name: string;
  /** A zombie has no mounts, namespaces or program any more. */
  readonly zombie: boolean;
  /** A thread of the kernel: it has the kernel's rights wherever it is put, and is nobody's. */
  readonly kernelThread: boolean;
  /** Ids as the reader's user namespace has them; on the host these are the host's. */
  readonly effectiveUid: number;
  readonly effectiveGid: number;
  /** Whether its real, effective, saved or file system uid is root's: it can go back to any of them. */
  readonly holdsRoot: boolean;
  readonly groups: readonly number[];
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly bounding: CapabilitySet;
  /** Absent before Linux 4.10. */
  readonly noNewPrivileges: boolean | undefined;
  /** Absent without CONFIG_SECCOMP. */
  readonly seccomp: SeccompMode | undefined;
  /** How many filters are stacked; since Linux 5.9. */
  readonly seccompFilters: number | undefined;
}

/** `filter` says that there is a filter, not what it allows. */
export type SeccompMode = 'disabled' | 'strict' | 'filter';

const SECCOMP_MODES: readonly SeccompMode[] = ['disabled', 'strict', 'filter'];

/**
 * Parses the credentials in `/proc/<pid>/status` (proc_pid_status(5)):
 *
 *     Uid:	0	0	0	0
 *     CapBnd:	00000000a80425fb
 *     Seccomp:	2
 *
 * The name comes first; the kernel writes a newline in it as `\n`, so it cannot pass for another line. Unknown lines
 * are skipped.
 *
 * @throws SyntaxError if a line that every kernel has is missing, or one is malformed.
 */
export function parseProcCredentials(text: string): ProcCredentials {
  const uids = numbers(text, 'Uid');
  const gids = numbers(text, 'Gid');
  const relatives = [...numbers(text, 'Pid'), ...numbers(text, 'PPid')];
  const state = line(text, 'State') ?? '';
  const noNewPrivileges = optionalNumber(text, 'NoNewPrivs');
  const seccomp = optionalNumber(text, 'Seccomp');
  const [effectiveUid, effectiveGid] = [uids[1], gids[1]];
  if (effectiveUid === undefined || effectiveGid === undefined) throw cannotParse(text);
  if (seccomp !== undefined && SECCOMP_MODES[seccomp] === undefined) throw cannotParse(`Seccomp:\t${seccomp}`);
  return {
    name: line(text, 'Name') ?? '',
    zombie: /^[ZX]/.test(state),
    // `Kthread` is there since Linux 6.9; before, kthreadd (pid 2) and its children, which have no memory of their own.
    kernelThread: line(text, 'Kthread') === '1' || (relatives.includes(2) && line(text, 'VmSize') === undefined),
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

/** What stands behind `key:` and a tab; `undefined` without such a line. */
function line(text: string, key: string): string | undefined {
  const mark = `${key}:\t`;
  const start = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (start === 0 && !text.startsWith(mark)) return undefined;
  const end = text.indexOf('\n', start);
  return text.slice(start + mark.length, end === -1 ? text.length : end);
}

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
  return new SyntaxError(`Cannot parse ${JSON.stringify(text.slice(0, 80))} as the credentials of a process`);
}
