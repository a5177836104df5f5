/** A part of a file that the user wrote: settings by their names. All values are text, lists or further sections. */
export type Section = ReadonlyMap<string, unknown>;

/**
 * Reads a section, which may be absent or empty.
 *
 * @param path for errors: `tls_server_config`.
 * @param known the valid settings; without it any name is valid.
 * @throws Error for an unknown setting: one line, without values.
 */
export function sectionOf(value: unknown, path: string, known?: readonly string[]): Section {
  if (isAbsent(value)) return new Map();
  if (!(value instanceof Map)) throw wrong(path, 'expected settings with names');
  const section = new Map<string, unknown>();
  for (const [name, inner] of value) {
    if (typeof name !== 'string') throw wrong(path, 'expected settings whose names are text');
    const inside = path === '' ? shown(name) : `${path}.${shown(name)}`;
    if (known?.includes(name) === false) throw wrong(inside, `no such setting; there are: ${known.join(', ')}`);
    section.set(name, inner);
  }
  return section;
}

/** A name that the user wrote, on one short line. */
function shown(name: string): string {
  return /^[\w./-]{1,100}$/.test(name) ? name : JSON.stringify(name.slice(0, 100));
}

/** Reads a text; `undefined` for an empty one. */
export function textOf(value: unknown, path: string): string | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string') throw wrong(path, 'expected one value');
  return value;
}

/** Reads a list of texts; `undefined` if it is absent. */
export function textsOf(value: unknown, path: string): readonly string[] | undefined {
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value)) throw wrong(path, 'expected a list');
  return value.map((each: unknown) => {
    const text = textOf(each, path);
    if (text === undefined) throw wrong(path, 'an entry is empty');
    return text;
  });
}

/** Reads a list of names that stand for something else. */
export function namesOf<T>(value: unknown, path: string, table: ReadonlyMap<string, T>): readonly T[] {
  return (textsOf(value, path) ?? []).map((name) => {
    const found = table.get(name);
    if (found === undefined) throw wrong(path, `expected some of ${[...table.keys()].join(', ')}`);
    return found;
  });
}

/** Reads a YAML 1.1 boolean. */
export function switchOf(value: unknown, path: string): boolean | undefined {
  const text = textOf(value, path);
  if (text === undefined) return undefined;
  if (/^(true|yes|on|y)$/i.test(text)) return true;
  if (/^(false|no|off|n)$/i.test(text)) return false;
  throw wrong(path, 'expected true or false');
}

/** An error about a setting. */
export function wrong(path: string, why: string): Error {
  return new Error(path === '' ? why : `${path}: ${why}`);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === '~' || value === 'null';
}
