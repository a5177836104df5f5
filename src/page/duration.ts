const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** A duration in words: `4 minutes`, `less than a minute`. */
export function durationText(seconds: number): string {
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? [];
  if (unit === undefined) return 'less than a minute';
  return countText(Math.floor(seconds / length), unit);
}

/** A count with its noun: `1 minute`, `4 minutes`. */
export function countText(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
