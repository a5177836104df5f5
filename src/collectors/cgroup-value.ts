import type { Bytes, CgroupFiles, Controller } from '../kernel/files.ts';
import { parseSingleValue } from '../kernel/single-value.ts';

/** Reads a file of a cgroup and parses it; `undefined` if there is no such file. */
export function parsedFile<T>(
  files: CgroupFiles,
  controller: Controller,
  name: string,
  parse: (bytes: Bytes) => T,
): T | undefined {
  const bytes = files.read(controller, name);
  return bytes === undefined ? undefined : parse(bytes);
}

/** Reads a file with one number or `max` (which is `Infinity`); `undefined` if there is no such file. */
export function singleValue(files: CgroupFiles, controller: Controller, name: string): number | undefined {
  return parsedFile(files, controller, name, parseSingleValue);
}
