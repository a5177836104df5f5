import { openFiles } from '../config-files/open-files.ts';
import type { Log } from '../log.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { filesNamedIn } from '../web/web-config.ts';
import { type CurrentRules, readWebRules } from '../web/web-rules.ts';

/** The rules, and what keeps them up to date. */
export interface WatchedRules extends CurrentRules, Disposable {}

/**
 * Reads the web configuration.
 *
 * @throws Error in one line if it, or a file that it names, is invalid or does not answer.
 */
export async function openWebRules(path: string | undefined, probes: PathProbes, log: Log): Promise<WatchedRules> {
  if (path === undefined) {
    const open = readWebRules(undefined, log);
    return { current: () => open.current(), [Symbol.dispose]() {} };
  }
  const opened = await openFiles(path, { option: '--web.config.file', probes, namedIn: filesNamedIn });
  try {
    const rules = readWebRules(path, log, opened.files);
    return { current: () => rules.current(), [Symbol.dispose]: () => opened[Symbol.dispose]() };
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
}
