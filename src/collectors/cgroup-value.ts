import type { Bytes } from '../kernel/bytes.ts';
import type { CgroupFiles, Controller } from '../kernel/cgroup-files.ts';
import { errnoOf } from '../kernel/errno.ts';
import { parseCount } from '../kernel/single-value.ts';

/** The file exists, but it cannot be read, or the kernel never writes content in this form. Its value is unknown. */
export const UNREADABLE = Symbol('unreadable');

let firstUnreadable: Error | undefined;

/**
 * The first file that could not be read or parsed since the last call. Only the value of that file is lost, or of one of its
 * keys, so reading continues. The code that reports failures calls this function.
 */
export function takeUnreadable(): Error | undefined {
  const taken = firstUnreadable;
  firstUnreadable = undefined;
  return taken;
}

/** Reports that a value is unknown, also one that was read earlier in the scrape. See {@link takeUnreadable}. */
export function noteUnreadable(error: Error): void {
  firstUnreadable ??= error;
}

/** Parses the content of a file. A parser that can go on after a malformed value calls `note`. */
type Parse<T> = (bytes: Bytes, note: (error: SyntaxError) => void) => T;

/**
 * Reads a file of a cgroup and parses it; `undefined` if there is no such file, `UNREADABLE` if it cannot be read or its parser
 * throws. {@link takeUnreadable} returns the failure.
 */
export function parsedOrUnreadable<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: Parse<T>,
): T | typeof UNREADABLE | undefined {
  const found = parsedOrError(files, controller, name, parse);
  if (!(found instanceof Error)) return found;
  noteUnreadable(found);
  return UNREADABLE;
}

/** The same as {@link parsedOrUnreadable}, but with the failure as the value. The caller reports it. */
export function parsedOrError<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: Parse<T>,
): T | Error | undefined {
  try {
    const bytes = files.read(controller, name);
    return bytes === undefined ? undefined : parse(bytes, (error) => noteUnreadable(inFile(name, error)));
  } catch (error) {
    if (error instanceof SyntaxError) return inFile(name, error);
    // A system error, such as of a security module that denies this one file.
    if (error instanceof Error && errnoOf(error) !== undefined) return error;
    throw error;
  }
}

/** Parses a file of that name; `UNREADABLE` if its parser throws, as in {@link parsedOrUnreadable}. */
export function unlessMalformed<T>(
  name: string,
  parse: (note: (error: SyntaxError) => void) => T,
): T | typeof UNREADABLE {
  const note = (error: SyntaxError): void => noteUnreadable(inFile(name, error));
  try {
    return parse(note);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    note(error);
    return UNREADABLE;
  }
}

function inFile(name: string, error: SyntaxError): SyntaxError {
  return new SyntaxError(`${name}: ${error.message}`, { cause: error });
}

/** The same as {@link parsedOrUnreadable}, for callers that do not need the reason why a value is unknown. */
export function parsedFile<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: Parse<T>,
): T | undefined {
  const value = parsedOrUnreadable(files, controller, name, parse);
  return value === UNREADABLE ? undefined : value;
}

/** Reads a file with one count; `undefined` if it is absent or unreadable. */
export function countIn(files: CgroupFiles, controller: Controller, name: string): number | undefined {
  return parsedFile(files, controller, name, parseCount);
}
