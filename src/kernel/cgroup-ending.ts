import { textOf } from './bytes.ts';
import type { FileReader } from './file-reader.ts';

/**
 * Whether the kernel may be removing a cgroup of which a file of a controller is missing. The files of its controllers are gone a
 * moment before its directory, so such a file says nothing. `false` if the cgroup still says that it does not have the controller.
 *
 * @throws the system error for anything but absence.
 */
export function isPerhapsEnding(
  reader: FileReader,
  cgroup: { readonly directory: string; readonly version: 1 | 2 | undefined },
  controller: string,
): boolean {
  const isV2 = cgroup.version === 2;
  // Every cgroup has this file.
  const bytes = reader.readOnce(`${cgroup.directory}/${isV2 ? 'cgroup.controllers' : 'cgroup.procs'}`);
  if (bytes === undefined) return true;
  return isV2 && textOf(bytes).split(/\s+/).includes(controller);
}
