import { accessSync, constants, existsSync } from 'node:fs';
import type { EnginePlace } from '../engines/engine-client.ts';
import { askEngine } from '../engines/name-sources.ts';
import { errnoOf, toError } from '../kernel/errno.ts';

/**
 * `absent`: there is no socket; `hidden`: its directory is closed to the exporter; otherwise the result of a ping.
 */
export type EngineAnswer = 'absent' | 'hidden' | 'answers' | { readonly error: string };

/** Pings an engine. */
export async function answerOf(place: EnginePlace): Promise<EngineAnswer> {
  const { socketPath } = place;
  if (socketPath !== undefined) {
    try {
      accessSync(socketPath, constants.R_OK | constants.W_OK);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return 'absent';
      if (errnoOf(error) === 'EACCES' && !existsSync(socketPath)) return 'hidden';
      return { error: errnoOf(error) ?? String(error) };
    }
  }
  try {
    await askEngine(place);
    return 'answers';
  } catch (error) {
    return { error: toError(error).message };
  }
}
