import { type Bytes, cannotParse, decimalAt, indexOfByte, NEWLINE } from './bytes.ts';

/** More than any kernel can be built for (`NR_CPUS` is 8192 at most). */
const MOST_CPUS = 65_536;

const COMMA = 0x2c;
const DASH = 0x2d;

/**
 * Counts the CPUs in a list such as `cpuset.cpus.effective`, `cpuset.effective_cpus`
 * (Documentation/admin-guide/cputopology.rst):
 *
 *     0-3
 *     0,2-5,8
 *
 * The kernel writes them in ascending order. An empty list means that the cgroup sets no CPUs, since a task cannot run
 * without a CPU.
 *
 * @returns `undefined` for an empty list.
 * @throws SyntaxError for anything else.
 */
export function countCpuList(bytes: Bytes): number | undefined {
  const end = bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  if (end === 0) return undefined;
  let count = 0;
  let next = 0;
  for (let start = 0; start <= end;) {
    const comma = Math.min(indexOfByte(bytes, COMMA, start), end);
    const dash = Math.min(indexOfByte(bytes, DASH, start), comma);
    const first = decimalAt(bytes, start, dash);
    const last = dash === comma ? first : decimalAt(bytes, dash + 1, comma);
    if (first === undefined || last === undefined || first < next || last < first || last >= MOST_CPUS) {
      throw cannotParse('CPUs', bytes);
    }
    next = last + 1;
    count += last - first + 1;
    start = comma + 1;
  }
  return count;
}
