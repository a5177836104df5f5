/**
 * Error codes that mean "does not exist, or no longer exists". All others, above all EACCES and EPERM for a missing privilege,
 * are failures that the operator must see.
 */
const ABSENT: ReadonlySet<string> = new Set([
  'ENOENT', // no such file: a missing controller or kernel feature, a removed cgroup, an ended process
  'ENODEV', // the cgroup was removed after its file was opened
  'ESRCH', // the process ended after its /proc directory was opened
  'ENOTSUP', // PSI disabled at boot (psi=0); cgroup.procs of a threaded cgroup
]);

/** The code of a system error such as `ENOENT`; `undefined` for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** Returns an `Error` unchanged. Any other thrown value becomes the message of a new `Error`. */
export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether an error means absence (see the list above), not failure. */
export function isAbsence(error: unknown): boolean {
  return isAbsenceCode(errnoOf(error));
}

/** The same as {@link isAbsence}, for the code of a system error. */
export function isAbsenceCode(code: string | undefined): boolean {
  return code !== undefined && ABSENT.has(code);
}

/** Whether an error means that this process lacks a privilege. */
export function isDenied(error: unknown): boolean {
  return isDeniedCode(errnoOf(error));
}

/** The same as {@link isDenied}, for the code of a system error. */
export function isDeniedCode(code: string | undefined): boolean {
  return code === 'EACCES' || code === 'EPERM';
}

/** Runs `read`. Absence becomes `undefined`; any other error is rethrown. */
export function absentAsUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** The same as {@link absentAsUndefined}, for paths of the user: what is below a file is missing too. */
export function missingAsUndefined<T>(read: () => T): T | undefined {
  try {
    return absentAsUndefined(read);
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The same as {@link absentAsUndefined}, but a missing privilege becomes `undefined` too. */
export function unseenAsUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAbsence(error) || isDenied(error)) return undefined;
    throw error;
  }
}

/** Adds the path to an error, which Node omits in errors of `read`. */
export function namePath(error: unknown, path: string): Error {
  const code = errnoOf(error);
  return Object.assign(new Error(`Cannot read ${JSON.stringify(path)}: ${code ?? String(error)}`), { code });
}
