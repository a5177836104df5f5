import { openFiles } from '../config-files/open-files.ts';
import type { Log } from '../log.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { Acceptances } from './acceptances.ts';

/** The acceptances, and what keeps them up to date. */
export interface OpenedAcceptances extends Disposable {
  /** `undefined`: there is no accept file. */
  readonly acceptances: Acceptances | undefined;
  /** The labels of containers that engines must be asked for. They are not exported. */
  readonly labels: readonly { readonly name: string; readonly exportedAs: undefined }[];
}

/**
 * Reads the accept file.
 *
 * @param path `undefined`: there is none.
 * @throws Error in one line if it is invalid or does not answer.
 */
export async function openAcceptances(
  path: string | undefined,
  probes: PathProbes,
  log: Log,
): Promise<OpenedAcceptances> {
  if (path === undefined) return { acceptances: undefined, labels: [], [Symbol.dispose]() {} };
  const opened = await openFiles(path, { option: '--findings.accept-file', probes });
  try {
    const acceptances = new Acceptances(path, { log, files: opened.files });
    const labels = [...acceptances.labels].map((name) => ({ name, exportedAs: undefined }));
    return { acceptances, labels, [Symbol.dispose]: () => opened[Symbol.dispose]() };
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
}
