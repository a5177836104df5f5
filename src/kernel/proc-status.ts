/** What `/proc/<pid>/status` says of a process's place among others. */
export interface ProcStatus {
  /** The process that a thread belongs to; the pid itself for a process. */
  readonly tgid: number;
  readonly ppid: number;
  /**
   * Its pid in every pid namespace that it is in, the one of the `/proc` mount first. Just the pid on a kernel without
   * pid namespaces or before 4.1.
   */
  readonly nspid: readonly number[];
}

/**
 * Parses `/proc/<pid>/status` (proc_pid_status(5)):
 *
 *     Tgid:	7946
 *     PPid:	7941
 *     NSpid:	7946	14	1
 *
 * The process's name comes first and may be anything, but the kernel writes a newline in it as `\n`, so it cannot pass
 * for another line. Unknown lines are skipped.
 *
 * @throws SyntaxError if one of these lines is missing (`NSpid` may be) or is not numbers.
 */
export function parseProcStatus(text: string): ProcStatus {
  const tgid = numbersAt(text, '\nTgid:\t');
  const ppid = numbersAt(text, '\nPPid:\t');
  const nspid = numbersAt(text, '\nNSpid:\t') ?? tgid;
  if (tgid?.[0] === undefined || ppid?.[0] === undefined || nspid === undefined) throw cannotParse(text);
  return { tgid: tgid[0], ppid: ppid[0], nspid };
}

/** The numbers, apart by tabs, between a key and the end of its line; `undefined` without such a line. */
function numbersAt(text: string, key: string): number[] | undefined {
  const start = text.indexOf(key);
  if (start === -1) return undefined;
  const end = text.indexOf('\n', start + key.length);
  const line = text.slice(start + key.length, end === -1 ? text.length : end);
  if (!/^\d+(?:\t\d+)*$/.test(line)) throw cannotParse(line);
  return line.split('\t').map(Number);
}

function cannotParse(text: string): SyntaxError {
  return new SyntaxError(`Cannot parse ${JSON.stringify(text.slice(0, 80))} as the status of a process`);
}
