import type { Bytes } from '../kernel/bytes.ts';
import type { CgroupFiles, Controller } from '../kernel/cgroup-files.ts';
import { parseSingleValue } from '../kernel/single-value.ts';

/**
 * Reads a file of a cgroup and parses it; `undefined` if there is no such file.
 *
 * @throws SyntaxError with the name of the file, if its content is malformed.
 */
export function parsedFile<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: (bytes: Bytes) => T,
): T | undefined {
  const bytes = files.read(controller, name);
  if (bytes === undefined) return undefined;
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) throw new SyntaxError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Reads a file with one number or `max` (`Infinity`); `undefined` if there is no such file. */
export function singleValue(files: CgroupFiles, controller: Controller, name: string): number | undefined {
  return parsedFile(files, controller, name, parseSingleValue);
}
