import { sectionOf, wrong } from '../config-files/config-section.ts';
import { readYamlFile } from '../config-files/strict-yaml.ts';
import { toError } from '../kernel/errno.ts';
import { type AcceptEntry, parseAcceptEntry } from './accept-entry.ts';

/** More bytes take too long to parse while nothing else is served. */
const MOST_BYTES = 256 * 1024;
const MOST_ENTRIES = 1_000;

const LIST = 'accept';

/**
 * Reads an accept file:
 *
 *     accept:
 *       - match: { container: node-agent }
 *         findings: [host_pid_namespace]
 *         reason: It reads /proc of all processes.
 *
 * @throws Error that says in one line where it is wrong, and why.
 */
export function parseAcceptFile(text: string): readonly AcceptEntry[] {
  if (Buffer.byteLength(text) > MOST_BYTES) throw new Error(`larger than ${MOST_BYTES / 1024} KiB`);
  const file = readYamlFile(text);
  const root = sectionOf(file.value, '', [LIST]);
  const list = root.get(LIST);
  if (list === undefined || list === '') {
    if (root.has(LIST)) return [];
    throw wrong(LIST, 'missing: the list of entries, [] if there are none');
  }
  if (!Array.isArray(list)) throw wrong(LIST, 'expected a list');
  if (list.length > MOST_ENTRIES) throw wrong(LIST, `at most ${MOST_ENTRIES} entries`);
  const seen = new Map<string, number>();
  return list.map((value: unknown, index) => {
    const line = file.lineOf([LIST, index]);
    try {
      const entry = parseAcceptEntry(value, line);
      const twin = seen.get(entry.text);
      if (twin !== undefined) throw new Error(`the same as entry ${twin}`);
      seen.set(entry.text, index + 1);
      return entry;
    } catch (error) {
      const place = line === undefined ? '' : `line ${line}, `;
      throw new Error(`${place}entry ${index + 1}: ${toError(error).message}`, { cause: error });
    }
  });
}

/** The labels of containers that the entries ask for. */
export function labelsIn(entries: readonly AcceptEntry[]): ReadonlySet<string> {
  return new Set(
    entries.flatMap(({ match, fromLabel }) => [
      ...match.labels.keys(),
      ...(fromLabel === undefined ? [] : [fromLabel]),
    ]),
  );
}
