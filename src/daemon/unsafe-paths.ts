import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { CheckPath } from '../probes/path-check.ts';

/**
 * Refuses paths on which the serving thread could hang, because it reads the files there itself.
 *
 * @throws Error that names the option.
 */
export async function refuseUnsafePaths({ path }: Config, check: CheckPath): Promise<void> {
  for (const option of ['procfs', 'cgroupfs', 'kmsg'] as const) {
    const at = path[option];
    const state = at === undefined ? 'absent' : await check(`--path.${option}`, at);
    if (typeof state !== 'string') throw new Error(`--path.${option}: ${state.unsafe}`);
  }
}

/** Why reading or writing the state file could take for ever; `undefined` if it cannot. */
export async function whyStateFileIsUnsafe(
  { oom: { stateFile } }: Config,
  check: CheckPath,
): Promise<string | undefined> {
  if (stateFile === undefined) return undefined;
  // The file may be a mount of its own, and a new one is created beside it.
  for (const path of [stateFile, dirname(stateFile)]) {
    const state = await check('--oom.state-file', path);
    if (typeof state !== 'string') return state.unsafe;
  }
  return undefined;
}
