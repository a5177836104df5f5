import { type Bytes, cannotParse, decimalAt, indexOfByte, NEWLINE } from './bytes.ts';

/** A shorter read of `/proc/vmstat` is complete, in bytes: its lines are shorter than 64 bytes. See `FileReader`. */
export const VMSTAT_COMPLETE = 4096 - 64;

const OOM_KILL = Buffer.from('oom_kill ');
const OOM_KILL_LINE = Buffer.from('\noom_kill ');

/**
 * Finds the number of processes that the OOM killer has killed since boot in `/proc/vmstat`:
 *
 *     pgmajfault 1532
 *     oom_kill 3
 *     numa_hit 8120331
 *
 * The other 180 lines are not parsed, because the exporter reads the file many times a second.
 *
 * @returns `undefined` if there is no such line (before Linux 4.13).
 * @throws SyntaxError if it has no number.
 */
export function oomKillsIn(bytes: Bytes): number | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const line = text.indexOf(OOM_KILL_LINE);
  const isFirst = line === -1 && text.indexOf(OOM_KILL) === 0;
  if (line === -1 && !isFirst) return undefined;
  const start = isFirst ? 0 : line + 1;
  const kills = decimalAt(bytes, start + OOM_KILL.length, indexOfByte(bytes, NEWLINE, start));
  if (kills === undefined) throw cannotParse('a line of key and number', bytes, start);
  return kills;
}
