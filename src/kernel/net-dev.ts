import { type Bytes, countOf, raise, textOf } from './bytes.ts';

/** The traffic of one network interface since it was created. */
export interface InterfaceCounts {
  readonly name: string;
  readonly receive: DirectionCounts;
  readonly transmit: DirectionCounts;
}

/** One direction: bytes, packets, erroneous packets and dropped packets. What is malformed is `undefined`. */
export interface DirectionCounts {
  readonly bytes: number | undefined;
  readonly packets: number | undefined;
  readonly errors: number | undefined;
  readonly dropped: number | undefined;
}

/**
 * Parses `/proc/<pid>/net/dev`, the interfaces of the process's network namespace (proc_pid_net(5)):
 *
 *     Inter-|   Receive                                                |  Transmit
 *      face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
 *         lo:    2048      16    0    0    0     0          0         0     2048      16    0    0    0     0       0          0
 *       eth0: 1296432    8127    0    3    0     0          0         0   642111    4410    0    0    0     0       0          0
 *
 * @param options.most lines after as many interfaces are not read. The kernel lists the oldest first, or in any order that stays the
 * same.
 * @param options.note gets the error for a count that is not a number, or negative, also without its sign, as a driver has it whose
 * counter has fallen below 0. The other counts are read. Without it the parser throws the error.
 * @throws SyntaxError for any other line.
 */
export function parseNetDev(
  bytes: Bytes,
  { most = Infinity, note = raise }: { readonly most?: number; readonly note?: (error: SyntaxError) => void } = {},
): InterfaceCounts[] {
  const lines = textOf(bytes).split('\n').slice(2).filter(Boolean);
  return lines.slice(0, most).map((line) => {
    // A name may contain colons (`eth0:1` of old alias tools); the numbers never do.
    const colon = line.lastIndexOf(':');
    const words = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    if (colon < 0 || words.length < 16) throw malformed(line);
    const counts = words.map(countOf);
    if (counts.includes(undefined)) note(malformed(line));
    return { name: line.slice(0, colon).trim(), receive: direction(counts, 0), transmit: direction(counts, 8) };
  });
}

function direction(counts: readonly (number | undefined)[], offset: number): DirectionCounts {
  const [bytes, packets, errors, dropped] = counts.slice(offset);
  return { bytes, packets, errors, dropped };
}

function malformed(line: string): SyntaxError {
  return new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 200))} as a network interface`);
}
