/** A day in UTC. */
export interface Day {
  /** When it ends: the first moment of the next day, in ms since the epoch. */
  readonly end: number;
}

const DAY_MS = 86_400_000;

/** Reads `2027-06-30`; `undefined` if there is no such day. */
export function dayOf(text: string): Day | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const start = Date.parse(`${text}T00:00:00Z`);
  // `Date.parse` takes the 30th of February for the 2nd of March.
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== text) return undefined;
  return { end: start + DAY_MS };
}
