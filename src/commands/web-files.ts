import { dirname, resolve } from 'node:path';
import type { Log } from '../log.ts';
import { createPathCheck } from '../probes/path-check.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { FetchedFiles, type FetchText, filesNamedIn } from '../web/fetched-files.ts';
import { type CurrentRules, readWebRules } from '../web/web-rules.ts';

const OPTION = '--web.config.file';

/** The maximum size of a configuration, a certificate or a key, in bytes. */
const MOST_BYTES = 1024 * 1024;

/** One file that does not answer keeps no other one away. */
const subjectOf = (file: string): string => `${OPTION} ${file}`;

/** The rules, and what keeps them up to date. */
export interface WatchedRules extends CurrentRules, Disposable {}

/**
 * Reads the web configuration. If it, or a file that it names, is on a file system whose server may not answer, a probe process reads
 * them, and changes apply some seconds later.
 *
 * @throws Error in one line if they are invalid, or do not answer.
 */
export async function openWebRules(path: string | undefined, probes: PathProbes, log: Log): Promise<WatchedRules> {
  const fetchText: FetchText = async (file) => {
    const outcome = await probes.ask(subjectOf(file), { look: 'text', path: file, most: MOST_BYTES });
    if (outcome.kind === 'unanswered') return undefined;
    if (outcome.kind === 'error') throw new Error(`${outcome.code}: ${JSON.stringify(file)} cannot be read`);
    if (Buffer.byteLength(outcome.value) >= MOST_BYTES) throw new Error(`${JSON.stringify(file)} is too large`);
    return outcome.value;
  };
  if (path === undefined || !(await mayNotAnswer(path, probes, fetchText))) {
    const rules = readWebRules(path, log);
    return { current: () => rules.current(), [Symbol.dispose]() {} };
  }
  const files = await startFetching(path, fetchText);
  try {
    const rules = readWebRules(path, log, files);
    return { current: () => rules.current(), [Symbol.dispose]: () => files[Symbol.dispose]() };
  } catch (error) {
    files[Symbol.dispose]();
    throw error;
  }
}

async function startFetching(path: string, fetchText: FetchText): Promise<FetchedFiles> {
  try {
    return await FetchedFiles.start(path, fetchText);
  } catch (error) {
    throw new Error(`${OPTION}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Whether reading the configuration, or a file that it names, may take for ever. */
async function mayNotAnswer(path: string, probes: PathProbes, fetchText: FetchText): Promise<boolean> {
  const check = createPathCheck(probes);
  const isUnsafe = async (file: string): Promise<boolean> => {
    // A file that is not there now would be created in the directory.
    for (const at of [file, dirname(file)]) if (typeof (await check(subjectOf(file), at)) !== 'string') return true;
    return false;
  };
  if (await isUnsafe(path)) return true;
  const named = filesNamedIn((await fetchText(path).catch(() => '')) ?? '');
  for (const file of named) if (await isUnsafe(resolve(dirname(path), file))) return true;
  return false;
}
