import type { ProcessFiles } from '../kernel/process-files.ts';
import { orUnknown } from './or-unknown.ts';

/** Whether a process has another root directory than its mount namespace; `undefined` if unknown. */
export function isChrooted(files: ProcessFiles): boolean | undefined {
  // The link has the same access check as those of the namespaces, whose error says what is missing.
  const root = orUnknown(
    () => files.link('root'),
    () => {},
  );
  return root === undefined ? undefined : root !== '/';
}
