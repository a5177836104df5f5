import type { Bytes } from '../kernel/bytes.ts';
import type { CgroupFiles, Controller } from '../kernel/cgroup-files.ts';
import { parseCount } from '../kernel/single-value.ts';

/** The file exists, but the kernel never writes content in this form. Its value is unknown. */
export const MALFORMED = Symbol('malformed');

let firstMalformed: SyntaxError | undefined;

/**
 * The first malformed file that was read since the last call. Only the value of that file is lost, or of one of its keys, so
 * reading continues. The code that reports failures calls this function.
 */
export function takeMalformed(): SyntaxError | undefined {
  const taken = firstMalformed;
  firstMalformed = undefined;
  return taken;
}

/**
 * Reads a file of a cgroup and parses it; `undefined` if there is no such file, `MALFORMED` if its parser throws. A parser that can
 * go on after a malformed value calls `note`. {@link takeMalformed} returns the failure.
 */
export function parsedOrMalformed<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: (bytes: Bytes, note: (error: SyntaxError) => void) => T,
): T | typeof MALFORMED | undefined {
  const bytes = files.read(controller, name);
  return bytes === undefined ? undefined : unlessMalformed(name, (note) => parse(bytes, note));
}

/** Parses a file of that name; `MALFORMED` if its parser throws, as in {@link parsedOrMalformed}. */
export function unlessMalformed<T>(
  name: string,
  parse: (note: (error: SyntaxError) => void) => T,
): T | typeof MALFORMED {
  const note = (error: SyntaxError): void => {
    firstMalformed ??= new SyntaxError(`${name}: ${error.message}`, { cause: error });
  };
  try {
    return parse(note);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    note(error);
    return MALFORMED;
  }
}

/** The same as {@link parsedOrMalformed}, for callers that do not need the reason why a value is unknown. */
export function parsedFile<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: (bytes: Bytes, note: (error: SyntaxError) => void) => T,
): T | undefined {
  const value = parsedOrMalformed(files, controller, name, parse);
  return value === MALFORMED ? undefined : value;
}

/** Reads a file with one count; `undefined` if it is absent or malformed. */
export function countIn(files: CgroupFiles, controller: Controller, name: string): number | undefined {
  return parsedFile(files, controller, name, parseCount);
}
