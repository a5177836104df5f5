/**
 * Whether a reading says the same as the last one of its target: it is equal, or an object or array with equal members.
 * Then its lines have not changed either.
 */
export function isSameReading(before: unknown, now: unknown): boolean {
  if (before === now) return true;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return false;
  if (Array.isArray(now)) return Array.isArray(before) && isSameList(before, now);
  return !Array.isArray(before) && isSameRecord(before as Members, now as Members);
}

type Members = Readonly<Record<string, unknown>>;

function isSameList(before: readonly unknown[], now: readonly unknown[]): boolean {
  if (before.length !== now.length) return false;
  for (let index = 0; index < now.length; index += 1) if (before[index] !== now[index]) return false;
  return true;
}

function isSameRecord(before: Members, now: Members): boolean {
  // A map or another class keeps its state elsewhere.
  if (Object.getPrototypeOf(now) !== Object.prototype) return false;
  let members = 0;
  for (const name in now) {
    if (before[name] !== now[name]) return false;
    members += 1;
  }
  for (const _ in before) members -= 1;
  return members === 0;
}
