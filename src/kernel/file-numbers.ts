const numbers = new Map<string, number>();

/** A small, stable number for a file name. Only a few dozen names exist. */
export function numberOf(name: string): number {
  let known = numbers.get(name);
  if (known === undefined) {
    known = numbers.size;
    numbers.set(name, known);
  }
  return known;
}
