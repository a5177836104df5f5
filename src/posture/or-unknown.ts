import { toError } from '../kernel/errno.ts';

/** Reads a fact. If that fails, this fact is unknown and no other, and `note` gets the error. */
export function orUnknown<T>(read: () => T, note: (error: Error) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    note(toError(error));
    return undefined;
  }
}
