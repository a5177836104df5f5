import { capabilitiesIn } from './capabilities.ts';

/** Who a process is to the kernel's access checks. */
export interface Credentials {
  /** The effective user. */
  readonly uid: number;
  readonly ppid: number;
  /** Capabilities that count now, and those that it could have at most; without `CAP_` in front. */
  readonly effective: readonly string[];
  readonly bounding: readonly string[];
}

/**
 * Parses the lines of `/proc/<pid>/status` on users and capabilities (proc_pid_status(5)): real, effective, saved and
 * file system user, and sets of bits.
 *
 *     PPid:	7941
 *     Uid:	1000	1000	1000	1000
 *     CapEff:	0000000000000000
 *     CapBnd:	000001ffffffffff
 *
 * @throws SyntaxError if one of them is missing or malformed.
 */
export function parseCredentials(status: string): Credentials {
  const [, uid] = fieldsOf(status, /^Uid:\t(\d+)\t(\d+)\t\d+\t\d+$/m);
  const [ppid] = fieldsOf(status, /^PPid:\t(\d+)$/m);
  const [effective = ''] = fieldsOf(status, /^CapEff:\t(\w+)$/m);
  const [bounding = ''] = fieldsOf(status, /^CapBnd:\t(\w+)$/m);
  return {
    uid: Number(uid),
    ppid: Number(ppid),
    effective: capabilitiesIn(effective),
    bounding: capabilitiesIn(bounding),
  };
}

function fieldsOf(status: string, line: RegExp): readonly string[] {
  const [, ...fields] = line.exec(status) ?? [];
  if (fields.length === 0) throw new SyntaxError(`Cannot find ${line.source} in the status of a process`);
  return fields;
}
