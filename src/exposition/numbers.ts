const ZERO = 0x30;

/** The shortest text that reads back as the same number. */
export function renderValue(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** Writes a number as the shortest text that reads back as the same. Returns the end offset. */
export function putValue(value: number, into: Uint8Array, at: number): number {
  return Number.isInteger(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
    ? putInteger(value, into, at)
    : putAscii(renderValue(value), into, at);
}

/** Writes a whole number up to 2^53 without creating a string. Most values are whole. Returns the end offset. */
function putInteger(value: number, into: Uint8Array, at: number): number {
  let end = at + 1;
  for (let power = 10; power <= value; power *= 10) end += 1;
  let rest = value;
  for (let index = end - 1; index >= at; index -= 1) {
    const next = Math.floor(rest / 10);
    into[index] = ZERO + rest - next * 10;
    rest = next;
  }
  return end;
}

function putAscii(text: string, into: Uint8Array, at: number): number {
  for (let index = 0; index < text.length; index += 1) into[at + index] = text.charCodeAt(index);
  return at + text.length;
}
