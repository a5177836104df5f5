/** Yes, no, or not to be told. */
export type Answer = 'yes' | 'no' | 'unknown';

/** An answer from a fact that may be unknown. */
export function answer(fact: boolean | undefined): Answer {
  if (fact === undefined) return 'unknown';
  return fact ? 'yes' : 'no';
}

/** Whether any is so: one that is decides, and one that is unknown leaves it open. */
export function any(...answers: readonly Answer[]): Answer {
  if (answers.includes('yes')) return 'yes';
  return answers.includes('unknown') ? 'unknown' : 'no';
}

/** Whether all are so: one that is not decides. */
export function all(...answers: readonly Answer[]): Answer {
  if (answers.includes('no')) return 'no';
  return answers.includes('unknown') ? 'unknown' : 'yes';
}

export function not(given: Answer): Answer {
  if (given === 'unknown') return 'unknown';
  return given === 'yes' ? 'no' : 'yes';
}
