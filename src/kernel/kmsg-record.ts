/** One record of the kernel's log. */
export interface KmsgRecord {
  /** Increases by one with each record since boot. */
  readonly sequence: number;
  /** Microseconds since boot. The clock stops while the machine is suspended. */
  readonly time: number;
  /** The kernel wrote it. User space can write records to `/dev/kmsg` too, but not with this facility. */
  readonly fromKernel: boolean;
  /** The record continues the line of an earlier record: flag `c`, before Linux 4.10 `+`. */
  readonly isContinuation: boolean;
  /** Escaped: see `decodeHexEscapes`. */
  readonly text: string;
}

/** The facility that user space cannot use. The lowest three bits of the prefix are the level. */
const FACILITY_KERNEL = 0;

/**
 * Parses the result of one `read` of `/dev/kmsg` (Documentation/ABI/testing/dev-kmsg): the record, then possibly lines about a
 * device, which begin with a space:
 *
 *     6,458,348413378,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),…,task=tail,pid=9716,uid=0
 *     3,459,348413398,-;Memory cgroup out of memory: Killed process 9716 (tail) total-vm:18048kB, …
 *     12,460,348500000,-;written by user space
 *
 * Later kernels may add fields before the semicolon.
 *
 * @throws SyntaxError for any other text.
 */
export function parseKmsgRecord(record: string): KmsgRecord {
  const found = /^(\d+),(\d+),(\d+),([^,;]*)[^;]*;([^\n]*)/.exec(record);
  if (found === null) throw new SyntaxError(`Cannot parse ${JSON.stringify(record.slice(0, 80))} as a record of kmsg`);
  const [, prefix, sequence, time, flags = '', text = ''] = found;
  return {
    sequence: Number(sequence),
    time: Number(time),
    fromKernel: Number(prefix) >> 3 === FACILITY_KERNEL,
    isContinuation: flags === 'c' || flags === '+',
    text,
  };
}
