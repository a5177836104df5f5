/**
 * Metrics about this process or this run, not about the captured host. A writable layer is counted by another process, and on no
 * captured host it can be.
 */
const OF_THIS_RUN =
  /^(process_|nodejs_|isolation_exporter_|isolation_scrape_collector_duration|isolation_posture_age_seconds|isolation_container_writable_layer)/;

/** The host's own numbers that tell truly that a container has come or gone, or could not be read. */
const TELLS_OF_FAULTS = new RegExp(
  `^isolation_(${[
    'containers',
    'containers_started_total',
    'containers_removed_total',
    'container_starts_total',
    'source_up',
    'scrape_collector_success',
    // The kills of a container that ended before its counter was read.
    'oom_kills_unattributed_total',
  ].join('|')})[ {]`,
);

/** The lines of an exposition about containers, by their ids, and those of the host. */
export interface Scraped {
  readonly of: ReadonlyMap<string, ReadonlySet<string>>;
  readonly host: ReadonlySet<string>;
}

export function sortOut(text: string, ids: readonly string[]): Scraped {
  const of = new Map(ids.map((id) => [id, new Set<string>()]));
  const host = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || OF_THIS_RUN.test(line) || TELLS_OF_FAULTS.test(line)) continue;
    const id = ids.find((each) => line.includes(`container="${each.slice(0, 12)}"`));
    if (id !== undefined) of.get(id)?.add(line);
    else host.add(line);
  }
  return { of, host };
}

/** What says that a fact is unknown, so that it may be said of a container that could not be read; or truly, that no process is left. */
const SAYS_NOTHING = [
  /^isolation_container_finding_unknown\{.*\} 1$/,
  /^isolation_container_isolation_level_certain\{.*\} 0$/,
  /^isolation_container_pids\{.*\} 0$/,
];

const LEVEL = /^isolation_container_isolation_level\{.*\} (\d)$/;

/** A level is the lowest possible one while it is uncertain. */
function isLowerLevel(line: string, lines: ReadonlySet<string>, before: ReadonlySet<string>): boolean {
  const level = LEVEL.exec(line)?.[1];
  const levelBefore = [...before].flatMap((each) => LEVEL.exec(each)?.[1] ?? [])[0];
  const isUncertain = [...lines].some((each) => /_isolation_level_certain\{.*\} 0$/.test(each));
  return level !== undefined && levelBefore !== undefined && level < levelBefore && isUncertain;
}

/** Everything in the lines of a disturbed container that is neither its own old value nor absent nor unknown. */
export function lies(lines: ReadonlySet<string>, before: ReadonlySet<string>): string[] {
  return [...lines].filter((line) => {
    if (before.has(line) || SAYS_NOTHING.some((pattern) => pattern.test(line))) return false;
    return !isSameWithLess(line, before) && !isLowerLevel(line, lines, before);
  });
}

/** A line of facts as labels, of which some are absent because they are unknown. */
function isSameWithLess(line: string, before: ReadonlySet<string>): boolean {
  const [, name = '', inside = '', value] = /^(\w+_info)\{(.*)\} (\S+)$/.exec(line) ?? [];
  if (name === '') return false;
  const pairs = inside.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? [];
  return [...before].some(
    (old) => old.startsWith(`${name}{`) && old.endsWith(`} ${value}`) && pairs.every((pair) => old.includes(pair)),
  );
}

/** Sums over all containers with the same labels, past and present. */
const IS_SUM = /^isolation_container_(oom_kills_total|oom_events_total|last_oom_kill_timestamp_seconds)\{/;

export function withoutSums({ of, host }: Scraped, id: string): Scraped {
  const lines = [...(of.get(id) ?? [])].filter((line) => !IS_SUM.test(line));
  return { of: new Map([...of, [id, new Set(lines)]]), host };
}

export function difference(
  found: ReadonlySet<string> | undefined,
  expected: ReadonlySet<string> | undefined,
): string[] {
  return [
    ...[...(found ?? [])].filter((line) => expected?.has(line) !== true).map((line) => `+ ${line}`),
    ...[...(expected ?? [])].filter((line) => found?.has(line) !== true).map((line) => `- ${line}`),
  ];
}
