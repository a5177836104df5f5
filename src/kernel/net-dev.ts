import { type Bytes, decimalOf, textOf } from './bytes.ts';

/** The traffic of one network interface since it was created. */
export interface InterfaceCounts {
  readonly name: string;
  readonly receive: DirectionCounts;
  readonly transmit: DirectionCounts;
}

/** One direction: bytes, packets, erroneous packets and dropped packets. */
export interface DirectionCounts {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

/**
 * Parses `/proc/<pid>/net/dev`, the interfaces of the process's network namespace (proc_pid_net(5)):
 *
 *     Inter-|   Receive                                                |  Transmit
 *      face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
 *         lo:    2048      16    0    0    0     0          0         0     2048      16    0    0    0     0       0          0
 *       eth0: 1296432    8127    0    3    0     0          0         0   642111    4410    0    0    0     0       0          0
 *
 * @param most lines after as many interfaces are not read. The kernel lists the oldest first, or in any order that stays the same.
 * @throws SyntaxError for any other line.
 */
export function parseNetDev(bytes: Bytes, most = Infinity): InterfaceCounts[] {
  const lines = textOf(bytes).split('\n').slice(2).filter(Boolean);
  return lines.slice(0, most).map((line) => {
    // A name may contain colons (`eth0:1` of old alias tools); the numbers never do.
    const colon = line.lastIndexOf(':');
    const numbers = line.slice(colon + 1).trim();
    const counts = numbers.split(/\s+/).flatMap((digits) => decimalOf(digits) ?? []);
    if (colon < 0 || counts.length < 16 || counts.length < numbers.split(/\s+/).length) {
      throw new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 80))} as a network interface`);
    }
    return { name: line.slice(0, colon).trim(), receive: direction(counts, 0), transmit: direction(counts, 8) };
  });
}

function direction(counts: readonly number[], offset: number): DirectionCounts {
  const [bytes = 0, packets = 0, errors = 0, dropped = 0] = counts.slice(offset);
  return { bytes, packets, errors, dropped };
}
