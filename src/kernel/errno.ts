/**
 * The errors by which the kernel says "there is no such thing, or not any more". Everything else (EACCES and EPERM
 * above all: a missing privilege) is a failure that the operator must learn of.
 */
const ABSENT: ReadonlySet<string> = new Set([
  'ENOENT', // no such file: a controller or kernel feature that is not there, a cgroup or process that is gone
  'ENODEV', // the cgroup was removed after its file was opened
  'ESRCH', // the process ended after its /proc directory was opened
  'ENOTSUP', // PSI switched off at boot (psi=0); cgroup.procs of a threaded cgroup
]);

/** The code of a system error such as `ENOENT`; `undefined` for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The error itself; anything else that was thrown becomes the message of a new one. */
export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether an error means absence (see the list above) and not failure. */
export function isAbsence(error: unknown): boolean {
  const code = errnoOf(error);
  return code !== undefined && ABSENT.has(code);
}

/** Whether an error means that this process lacks a privilege. */
export function isDenied(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'EACCES' || code === 'EPERM';
}

/** Runs `read`; absence becomes `undefined`, any other error is thrown on. */
export function absentAsUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** The same where a missing privilege is no more than one reason not to know. */
export function unseenAsUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAbsence(error) || isDenied(error)) return undefined;
    throw error;
  }
}

/** Says which file an error is about, as Node's errors of `read` do not. */
export function namePath(error: unknown, path: string): Error {
  const code = errnoOf(error);
  return Object.assign(new Error(`Cannot read ${JSON.stringify(path)}: ${code ?? String(error)}`), { code });
}
