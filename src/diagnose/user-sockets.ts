import { readdirSync, statSync } from 'node:fs';
import { isDenied, missingAsUndefined } from '../kernel/errno.ts';

/** Where each user has a directory of its own, which is closed to others. */
const DIRECTORY = '/run/user';

/** Sockets of users' own engines. */
export interface UserSockets {
  readonly found: readonly string[];
  /** Users in whose directory the exporter cannot look: whether they have such a socket is unknown. */
  readonly hidden: number;
}

/**
 * Looks for a socket in the directory of each user.
 *
 * @param name its path there: `docker.sock`.
 * @returns `undefined` if the list of users may not be read, as in a unit with `ProtectHome`.
 */
export function userSockets(name: string, directory: string = DIRECTORY): UserSockets | undefined {
  const users = allowed(() => missingAsUndefined(() => readdirSync(directory)) ?? []);
  if (users === undefined) return undefined;
  const sockets = users.map((user) => `${directory}/${user}/${name}`);
  const looks = sockets.map((socket) => allowed(() => missingAsUndefined(() => statSync(socket)) !== undefined));
  return {
    found: sockets.filter((_, at) => looks[at] === true),
    hidden: looks.filter((exists) => exists === undefined).length,
  };
}

/** `undefined` if a privilege is missing. */
function allowed<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}
