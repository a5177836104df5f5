import { isAbsenceCode, isDeniedCode } from '../kernel/errno.ts';
import type { ProbedPath } from '../probes/look-ups.ts';
import type { Outcome } from '../probes/requests.ts';

/**
 * The result of a look-up. `undefined` if it is unknown: the look-up is not answered yet, does not return, or is not
 * permitted.
 *
 * @param note is called with the error if a privilege is missing.
 */
export function found<Value>(
  outcome: Outcome<Value> | 'pending',
  { shownAs }: Pick<ProbedPath, 'shownAs'>,
  note: (error: Error) => void,
): Value | 'absent' | undefined {
  if (outcome === 'pending' || outcome.kind === 'unanswered') return undefined;
  if (outcome.kind === 'value') return outcome.value;
  const { code } = outcome;
  if (isAbsenceCode(code)) return 'absent';
  // A path from another mount can lead through a file here, and a former directory may now be a link.
  if (code === 'ENOTDIR' || code === 'ELOOP') return 'absent';
  if (isDeniedCode(code))
    note(Object.assign(new Error(`Cannot inspect ${JSON.stringify(shownAs)}: ${code}`), { code }));
  return undefined;
}
