import { textOf } from './bytes.ts';
import { FileReader } from './file-reader.ts';

const reader = new FileReader(0);

/**
 * Reads a kernel file that is rarely needed, as text; `undefined` if absent. It neither waits for the writer of a FIFO nor reads a
 * file without end.
 *
 * @throws the system error for anything but absence; EFBIG for a file of more than 16 MiB.
 */
export function readText(path: string): string | undefined {
  const bytes = reader.readOnce(path, 0);
  return bytes === undefined ? undefined : textOf(bytes);
}
