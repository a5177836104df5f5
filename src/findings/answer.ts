/** Yes, no, or unknown. */
export type Answer = 'yes' | 'no' | 'unknown';

/** An answer from a fact that may be unknown. */
export function answer(fact: boolean | undefined): Answer {
  if (fact === undefined) return 'unknown';
  return fact ? 'yes' : 'no';
}

/** `yes` if any answer is yes; otherwise `unknown` if any is unknown. */
export function any(...answers: readonly Answer[]): Answer {
  if (answers.includes('yes')) return 'yes';
  return answers.includes('unknown') ? 'unknown' : 'no';
}

/** `no` if any answer is no; otherwise `unknown` if any is unknown. */
export function all(...answers: readonly Answer[]): Answer {
  if (answers.includes('no')) return 'no';
  return answers.includes('unknown') ? 'unknown' : 'yes';
}

export function not(given: Answer): Answer {
  if (given === 'unknown') return 'unknown';
  return given === 'yes' ? 'no' : 'yes';
}
