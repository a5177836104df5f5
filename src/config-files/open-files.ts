import { dirname, resolve } from 'node:path';
import { createPathCheck } from '../probes/path-check.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { type ConfigFiles, LOCAL_FILES, MOST_BYTES } from './config-files.ts';
import { FetchedFiles, type FetchText, type NamedIn } from './fetched-files.ts';

/** Files that can be read without waiting. */
export interface OpenedFiles extends Disposable {
  readonly files: ConfigFiles;
}

/**
 * Prepares to read a file that the user wrote, and those that it names. If one is on a file system whose server may not answer, a
 * probe process reads them all, and changes apply some seconds later.
 *
 * @param options.option the option that names the file, for errors.
 * @param options.namedIn the files that the content of this one names; absent: none.
 * @throws Error in one line if they do not answer.
 */
export async function openFiles(
  path: string,
  options: { readonly option: string; readonly probes: PathProbes; readonly namedIn?: NamedIn },
): Promise<OpenedFiles> {
  const { option, probes, namedIn } = options;
  // One file that does not answer keeps no other one away.
  const subjectOf = (file: string): string => `${option} ${file}`;
  const fetchText: FetchText = async (file) => {
    const outcome = await probes.ask(subjectOf(file), { look: 'text', path: file, most: MOST_BYTES });
    if (outcome.kind === 'unanswered') return undefined;
    if (outcome.kind === 'error') throw new Error(`${outcome.code}: ${JSON.stringify(file)} cannot be read`);
    if (Buffer.byteLength(outcome.value) >= MOST_BYTES) throw new Error(`${JSON.stringify(file)} is too large`);
    return outcome.value;
  };
  const check = createPathCheck(probes);
  const isUnsafe = async (file: string): Promise<boolean> => {
    // A file that is not there now would be created in the directory.
    for (const at of [file, dirname(file)]) if (typeof (await check(subjectOf(file), at)) !== 'string') return true;
    return false;
  };
  const mayNotAnswer = async (): Promise<boolean> => {
    if (await isUnsafe(path)) return true;
    // A pipe can be read only once: <(…) of a shell.
    if (namedIn === undefined) return false;
    const named = namedIn((await fetchText(path).catch(() => '')) ?? '');
    for (const file of named) if (await isUnsafe(resolve(dirname(path), file))) return true;
    return false;
  };
  if (!(await mayNotAnswer())) return { files: LOCAL_FILES, [Symbol.dispose]() {} };
  try {
    const files = await FetchedFiles.start(path, fetchText, { namedIn: namedIn ?? (() => []) });
    return { files, [Symbol.dispose]: () => files[Symbol.dispose]() };
  } catch (error) {
    throw new Error(`${option}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
