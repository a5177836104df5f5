import type { Container, Labels } from '../container.ts';
import type { Accepted, Acceptance } from '../findings/acceptance.ts';
import type { AcceptEntry, MatchedName } from './accept-entry.ts';
import type { Matcher } from './glob.ts';

/** What entries match: the names of a container. */
export type MatchedContainer = Pick<Container, 'labels' | 'names'>;

/** How many different answers are kept. Labels of containers can make more. */
const MOST_GRANTS = 1_000;

/** The findings of a container that one entry accepts. */
interface Grant {
  readonly entry: AcceptEntry;
  readonly findings: readonly string[];
}

/** The entries of an accept file, applied to containers. */
export class AcceptRules {
  readonly #entries: readonly AcceptEntry[];
  /** A container has the same `Labels` object as long as its names do not change. */
  readonly #known = new WeakMap<Labels, Grants>();
  /** Most containers with the same entries have the same answer, so that each is made once. */
  readonly #shared = new Map<string, Grants>();

  constructor(entries: readonly AcceptEntry[]) {
    this.#entries = entries;
  }

  /** The acceptances that hold for a container at a time, in ms since the epoch; `undefined` if there is none. */
  of(container: MatchedContainer, now: number): Accepted | undefined {
    let grants = this.#known.get(container.labels);
    if (grants === undefined) {
      grants = this.#share(grantsFor(container, this.#entries));
      this.#known.set(container.labels, grants);
    }
    return grants.at(now);
  }

  #share(grants: readonly Grant[]): Grants {
    const key = grants.map(({ entry, findings }) => `${this.#entries.indexOf(entry)}:${findings.join()}`).join(' ');
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    if (this.#shared.size >= MOST_GRANTS) this.#shared.clear();
    const made = new Grants(grants);
    this.#shared.set(key, made);
    return made;
  }
}

/** What the entries accept of a container, whatever the time. */
class Grants {
  readonly #grants: readonly Grant[];
  #accepted: Accepted | undefined;
  /** The answer is the same from one time to before the other, in ms since the epoch. */
  #from = Infinity;
  #until = -Infinity;

  constructor(grants: readonly Grant[]) {
    this.#grants = grants;
  }

  at(now: number): Accepted | undefined {
    if (this.#grants.length === 0 || (now >= this.#from && now < this.#until)) return this.#accepted;
    const held = this.#grants.filter(({ entry }) => now < entry.until);
    const ended = this.#grants.filter(({ entry }) => now >= entry.until);
    this.#from = Math.max(-Infinity, ...ended.map(({ entry }) => entry.until));
    this.#until = Math.min(Infinity, ...held.map(({ entry }) => entry.until));
    const accepted = new Map<string, Acceptance>();
    // The first entry of the file counts.
    for (const { entry, findings } of held.toReversed()) {
      for (const id of findings) accepted.set(id, entry.acceptance);
    }
    this.#accepted = accepted.size === 0 ? undefined : accepted;
    return this.#accepted;
  }
}

function grantsFor(container: MatchedContainer, entries: readonly AcceptEntry[]): readonly Grant[] {
  return entries.flatMap((entry) => {
    if (!isMatched(container, entry)) return [];
    const findings = entry.fromLabel === undefined ? entry.findings : askedFor(container, entry, entry.fromLabel);
    return findings.length === 0 ? [] : [{ entry, findings }];
  });
}

function isMatched(container: MatchedContainer, { match }: AcceptEntry): boolean {
  for (const [name, matchers] of match.names) if (!matchesAny(nameOf(container, name), matchers)) return false;
  for (const [name, matchers] of match.labels) if (!matchesAny(labelOf(container, name), matchers)) return false;
  return true;
}

/** A name that the container does not have, or that is unknown, matches no pattern, not even `*`. */
function matchesAny(text: string | undefined, matchers: readonly Matcher[]): boolean {
  return text !== undefined && text !== '' && matchers.some((matches) => matches(text));
}

function nameOf({ labels, names }: MatchedContainer, name: MatchedName): string | undefined {
  return name === 'image' ? names.image : labels[name];
}

function labelOf({ names: { matchedLabels } }: MatchedContainer, name: string): string | undefined {
  return matchedLabels !== undefined && Object.hasOwn(matchedLabels, name) ? matchedLabels[name] : undefined;
}

/**
 * The findings among those of the entry that the container asks for in a label. Others are ignored: the container may not decide.
 * A label of Kubernetes can have neither commas nor spaces, so dots separate too.
 */
function askedFor(container: MatchedContainer, { findings }: AcceptEntry, label: string): readonly string[] {
  const asked = new Set(labelOf(container, label)?.split(/[\s,.]+/));
  return findings.filter((id) => asked.has(id));
}
