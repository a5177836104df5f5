/** What says which process stands for a container. */
export interface ProcStatus {
  readonly ppid: number;
  /** The process's pid in each pid namespace it is in, the outermost first. */
  readonly nspid: readonly number[];
}

/**
 * Parses `/proc/<pid>/status` (proc_pid_status(5)); `NSpid` is there since Linux 4.1:
 *
 *     Name:	sleep
 *     PPid:	2201
 *     NSpid:	2231	1
 *
 * @throws SyntaxError if there is no PPid.
 */
export function parseProcStatus(text: string): ProcStatus {
  const ppid = /^PPid:\s*(\d+)$/m.exec(text)?.[1];
  if (ppid === undefined)
    throw new SyntaxError(`Cannot parse ${JSON.stringify(text.slice(0, 80))} as a process status`);
  const nspid = /^NSpid:\s*([\d\s]*)$/m.exec(text)?.[1] ?? '';
  return { ppid: Number(ppid), nspid: nspid.split(/\s+/).filter(Boolean).map(Number) };
}
