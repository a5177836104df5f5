import { namesOf, type Section, sectionOf, textOf, textsOf, wrong } from '../config-files/config-section.ts';
import type { Acceptance } from '../findings/acceptance.ts';
import { findings } from '../findings/index.ts';
import { dayOf } from './day.ts';
import { globMatcher, type Matcher } from './glob.ts';

/** An entry of the accept file: which findings of which containers are accepted, and why. */
export interface AcceptEntry {
  /** The line where it begins. */
  readonly line: number | undefined;
  /** All that it says. Two entries with the same text are the same. */
  readonly text: string;
  readonly match: ContainerMatch;
  /** The ids of the findings that it accepts, or that the label may ask for. */
  readonly findings: readonly string[];
  /** The label whose value lists the findings to accept; `undefined`: all of {@link findings}. */
  readonly fromLabel: string | undefined;
  readonly acceptance: Acceptance;
  /** When it ends, in ms since the epoch; `Infinity`: never. */
  readonly until: number;
}

/** Patterns for the names of a container. Each that is there must match, and of its alternatives one. */
export interface ContainerMatch {
  readonly names: ReadonlyMap<MatchedName, readonly Matcher[]>;
  /** By the names of labels. */
  readonly labels: ReadonlyMap<string, readonly Matcher[]>;
}

const MATCHED_NAMES = ['engine', 'namespace', 'pod', 'container', 'image'] as const;
export type MatchedName = (typeof MATCHED_NAMES)[number];

const MEMBERS = ['match', 'findings', 'from_label', 'reason', 'owner', 'expires'] as const;

/** Longer texts do not fit where they are shown, and longer patterns only take time. In characters. */
const LONGEST = { pattern: 250, reason: 500, owner: 100, label: 250 } as const;
const MOST_ALTERNATIVES = 100;
const MOST_LABELS = 20;

const BY_ID: ReadonlyMap<string, string> = new Map(findings.map(({ id }) => [id, id]));

/** The name of a label, in printable ASCII. Engines allow more, but nobody uses it. */
const LABEL_NAME = /^[!-~]+$/;

// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * Reads an entry:
 *
 *     match: { container: node-agent, image: 'registry.example/agent:*' }
 *     findings: [host_pid_namespace]
 *     reason: It reads /proc of all processes.
 *     owner: platform
 *     expires: 2027-06-30
 *
 * @throws Error that says in one line which part is wrong, and why.
 */
export function parseAcceptEntry(value: unknown, line: number | undefined): AcceptEntry {
  const entry = sectionOf(value, '', MEMBERS);
  const match = matchOf(entry.get('match'));
  const ids = findingsOf(entry.get('findings'));
  const fromLabel = labelOf(entry.get('from_label'), 'from_label');
  const reason = lineOf(entry, 'reason', LONGEST.reason);
  if (reason === undefined) throw wrong('reason', 'missing: say why these findings are accepted');
  const owner = lineOf(entry, 'owner', LONGEST.owner);
  const expires = textOf(entry.get('expires'), 'expires');
  const day = expires === undefined ? undefined : dayOf(expires);
  if (expires !== undefined && day === undefined) {
    throw wrong('expires', `expected a day such as 2027-06-30, not ${quote(expires)}`);
  }
  return {
    line,
    text: JSON.stringify(value, (_, inner: unknown) => (inner instanceof Map ? [...inner] : inner)),
    match,
    findings: ids,
    fromLabel,
    acceptance: { reason, owner, expires },
    until: day?.end ?? Infinity,
  };
}

function matchOf(value: unknown): ContainerMatch {
  const section = sectionOf(value, 'match', [...MATCHED_NAMES, 'labels']);
  const names = new Map<MatchedName, readonly Matcher[]>();
  for (const name of MATCHED_NAMES) {
    const matchers = section.has(name) ? patternsOf(section.get(name), `match.${name}`) : [];
    if (matchers.length > 0) names.set(name, matchers);
  }
  const labels = new Map<string, readonly Matcher[]>();
  for (const [name, patterns] of sectionOf(section.get('labels'), 'match.labels')) {
    const path = `match.labels.${labelOf(name, 'match.labels') ?? ''}`;
    labels.set(name, patternsOf(patterns, path));
  }
  if (labels.size > MOST_LABELS) throw wrong('match.labels', `at most ${MOST_LABELS} labels`);
  if (names.size + labels.size === 0) {
    throw wrong('match', `missing: name containers by ${[...MATCHED_NAMES, 'labels'].join(', ')}`);
  }
  return { names, labels };
}

/** One pattern, or a list of them. */
function patternsOf(value: unknown, path: string): readonly Matcher[] {
  const texts = Array.isArray(value) ? textsOf(value, path) : [textOf(value, path)];
  const patterns = (texts ?? []).filter((text) => text !== undefined);
  // An empty pattern is more likely forgotten than meant.
  if (patterns.length === 0) throw wrong(path, 'expected a pattern');
  if (patterns.length > MOST_ALTERNATIVES) throw wrong(path, `at most ${MOST_ALTERNATIVES} patterns`);
  return patterns.map((pattern) => globMatcher(bounded(pattern, path, LONGEST.pattern)));
}

function findingsOf(value: unknown): readonly string[] {
  for (const id of textsOf(value, 'findings') ?? []) {
    if (!BY_ID.has(id)) throw wrong('findings', `there is no finding ${quote(id)}; scan --explain=list shows all`);
  }
  const ids = namesOf(value, 'findings', BY_ID);
  if (ids.length === 0) throw wrong('findings', 'missing: list the ids of findings');
  const twice = ids.find((id, at) => ids.indexOf(id) < at);
  if (twice !== undefined) throw wrong('findings', `${twice} appears twice`);
  return ids;
}

function labelOf(value: unknown, path: string): string | undefined {
  const name = textOf(value, path);
  if (name !== undefined && !LABEL_NAME.test(name)) throw wrong(path, `${quote(name)} is no name of a label`);
  return name === undefined ? undefined : bounded(name, path, LONGEST.label);
}

/** Reads a text of one line. */
function lineOf(entry: Section, name: string, longest: number): string | undefined {
  // A folded text of YAML ends with a newline.
  const text = textOf(entry.get(name), name)?.trim();
  if (text === undefined || text === '') return undefined;
  if (UNPRINTABLE.test(text)) throw wrong(name, 'expected one line of text');
  return bounded(text, name, longest);
}

function bounded(text: string, path: string, longest: number): string {
  if (text.length > longest) throw wrong(path, `longer than ${longest} characters`);
  return text;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
