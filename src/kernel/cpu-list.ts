import { textOf } from './bytes.ts';
import type { Bytes } from './files.ts';

/**
 * Counts the CPUs in a list such as `cpuset.cpus.effective`, `cpuset.effective_cpus`
 * (Documentation/admin-guide/cputopology.rst):
 *
 *     0-3
 *     0,2-5,8
 *
 * An empty line is an empty list.
 *
 * @throws SyntaxError for anything else.
 */
export function countCpuList(bytes: Bytes): number {
  const text = textOf(bytes).trim();
  if (text === '') return 0;
  let count = 0;
  for (const range of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || last < first)
      throw new SyntaxError(`Cannot parse ${JSON.stringify(range.slice(0, 80))} as CPUs`);
    count += last - first + 1;
  }
  return count;
}
