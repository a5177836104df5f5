/** The cgroups that a report names, in the memory hierarchy, escaped as in the log. */
export interface OomPlaces {
  /** The cgroup of the victim. */
  readonly cgroup: string;
  /** The cgroup whose limit was hit; `undefined` if the host ran out of memory. */
  readonly limitedBy: string | undefined;
}

/** The report that the kernel writes before a kill. It writes at most ten reports in five seconds. */
export interface OomDump {
  /** The chosen process; `undefined` before Linux 5.0, which has a separate line for it. */
  readonly pid: number | undefined;
  /** `CONSTRAINT_MEMCG`, `CONSTRAINT_NONE`, …; `undefined` before Linux 5.0. */
  readonly constraint: string | undefined;
  /** Finds the cgroups, given the name of the chosen process. `undefined`: missing or ambiguous. */
  placesFor(command: string): OomPlaces | undefined;
}

/** The process that is killed. */
export interface KilledProcess {
  readonly pid: number;
  /** Escaped as in the log. */
  readonly command: string;
  /** The uid in the initial user namespace; `undefined` if the kernel does not write it. */
  readonly uid: number | undefined;
}

/** The kernel writes uids with a sign in some places: one from 2^31 on, as in a user namespace with high ids, is negative there. */
const SIGNED_UID = String.raw`-?\d+`;

const OUT_OF_MEMORY = String.raw`(?:Memory cgroup out|Out) of memory[^:]*: `;
const KILLED = new RegExp(
  String.raw`^(?:${OUT_OF_MEMORY})?Killed process (\d+) \((.*)\)(?:, UID (${SIGNED_UID}),)? total-vm:(.*)$`,
);
const SUMMARY = new RegExp(`^oom-kill:constraint=(\\w+),(.*),pid=(\\d+),uid=${SIGNED_UID}$`);
const LISTED = new RegExp(String.raw`^\[ *\d+\] +${SIGNED_UID} +(\d+) +\d`);
const CHOSEN = new RegExp(String.raw`^${OUT_OF_MEMORY}Kill process (\d+) \((.*)\) score \d+ or sacrifice child$`);
const SKIPPED = new RegExp(
  String.raw`^${OUT_OF_MEMORY}OOM victim (\d+) \((.*)\) is already exiting\. Skip killing the task$`,
);

/**
 * Parses the line of a killed process, the only one that every kill has (mm/oom_kill.c):
 *
 *     Killed process 3897 (stress) total-vm:1579488kB, anon-rss:1048132kB, file-rss:12kB                      3.10 to 5.1
 *     Killed process 45465 (tail), UID 0, total-vm:7582132kB, anon-rss:7420324kB, file-rss:0kB, shmem-rss:0kB  RHEL 7
 *     Memory cgroup out of memory: Killed process 9716 (tail) total-vm:18048kB, …, UID:0 pgtables:72kB …       from 5.2
 */
export function parseKilled(text: string): KilledProcess | undefined {
  const [, pid, command, uid, rest = ''] = KILLED.exec(text) ?? [];
  if (pid === undefined || command === undefined) return undefined;
  const id = uid ?? /\bUID:(\d+)/.exec(rest)?.[1];
  return { pid: Number(pid), command, uid: id === undefined ? undefined : Number(id) >>> 0 };
}

/**
 * Parses the line about the chosen process, before Linux 5.2. The kernel may then kill a child of that process instead.
 * The line names a thread where later kernels name the process:
 *
 *     Memory cgroup out of memory: Kill process 3897 (stress) score 1001 or sacrifice child
 */
export function parseChosen(text: string): Pick<KilledProcess, 'pid' | 'command'> | undefined {
  const [, pid, command] = CHOSEN.exec(text) ?? [];
  return pid === undefined || command === undefined ? undefined : { pid: Number(pid), command };
}

/**
 * Parses the line about a chosen process that the kernel does not kill, because it is exiting anyway (since Linux
 * 4.19.44, 5.2):
 *
 *     Memory cgroup out of memory: OOM victim 9716 (tail) is already exiting. Skip killing the task
 */
export function parseSkipped(text: string): Pick<KilledProcess, 'pid' | 'command'> | undefined {
  const [, pid, command] = SKIPPED.exec(text) ?? [];
  return pid === undefined || command === undefined ? undefined : { pid: Number(pid), command };
}

/**
 * Parses the line of a report with the victim's cgroup: the first format since Linux 5.0 (and RHEL 8), the second before that. The
 * second is only written for kills by the limit of a cgroup:
 *
 *     oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=<id>,mems_allowed=0,oom_memcg=/docker/<id>,task_memcg=/docker/<id>,task=tail,pid=9716,uid=0
 *     Task in /docker/<id> killed as a result of limit of /docker/<id>
 */
export function parseDump(text: string): OomDump | undefined {
  const [, constraint, places, pid] = SUMMARY.exec(text) ?? [];
  if (places !== undefined) {
    return { constraint, pid: Number(pid), placesFor: (command) => placesInSummary(places, command) };
  }
  const cgroups = /^Task in (\/.*)$/.exec(text)?.[1];
  const found =
    cgroups === undefined ? undefined : splitPlaces(cgroups, ' killed as a result of limit of ', 'cgroup first');
  return found === undefined ? undefined : { constraint: undefined, pid: undefined, placesFor: () => found };
}

/** Parses `Tasks in /docker/<id> are going to be killed due to memory.oom.group set`, since Linux 4.19. */
export function parseGroup(text: string): string | undefined {
  return /^Tasks in (\/.*) are going to be killed due to memory\.oom\.group set$/.exec(text)?.[1];
}

/**
 * Parses a row of the process list in a report. The list has the processes in the limited cgroup and below it:
 *
 *     [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
 *     [  17366]     0 17366     1090      781       64      717         0    53248        0             0 bash
 *
 * @returns the pid; `0` for the head of the list.
 */
export function parseListed(text: string): number | undefined {
  if (!text.startsWith('[')) return undefined;
  if (/^\[ +pid +\] +uid +tgid /.test(text)) return 0;
  const pid = LISTED.exec(text)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Parses the limit in bytes: `memory: usage 16384kB, limit 16384kB, failcnt 0`. */
export function parseLimit(text: string): number | undefined {
  const limit = /^memory: usage \d+kB, limit (\d+)kB, /.exec(text)?.[1];
  return limit === undefined ? undefined : Number(limit) * 1024;
}

/** Whether a line about cgroups is incomplete: the kernel writes such lines in pieces. */
export function isUnfinished(text: string): boolean {
  if (text.startsWith('oom-kill:constraint=')) return !SUMMARY.test(text);
  if (/^Tasks in (?:\/|$)/.test(text)) return parseGroup(text) === undefined;
  return /^Task in (?:\/|$)/.test(text) && parseDump(text) === undefined;
}

const LIMITED = ',oom_memcg=/';
const GLOBAL = ',global_oom,task_memcg=/';

/**
 * Finds the cgroups in `…,oom_memcg=/a,task_memcg=/a/b,task=tail`. Names of cgroups and tasks may contain commas and
 * the keys themselves. But another line gives the name of the task, and no name contains a slash. A container therefore
 * cannot choose names that make it look like another container.
 */
function placesInSummary(summary: string, command: string): OomPlaces | undefined {
  const task = `,task=${command}`;
  if (!summary.endsWith(task)) return undefined;
  const text = summary.slice(0, -task.length);
  const [limitedAt, globalAt] = [text.indexOf(LIMITED), text.indexOf(GLOBAL)];
  // The first one is the kernel's: the text before it cannot contain a slash.
  if (globalAt >= 0 && (limitedAt < 0 || globalAt < limitedAt)) {
    return { cgroup: text.slice(globalAt + GLOBAL.length - 1), limitedBy: undefined };
  }
  if (limitedAt < 0) return undefined;
  return splitPlaces(text.slice(limitedAt + LIMITED.length - 1), ',task_memcg=', 'limit first');
}

/** Splits two paths. The limited cgroup is the victim's own or above it. */
function splitPlaces(text: string, separator: string, order: 'cgroup first' | 'limit first'): OomPlaces | undefined {
  for (let at = text.indexOf(separator); at !== -1; at = text.indexOf(separator, at + 1)) {
    const [first, second] = [text.slice(0, at), text.slice(at + separator.length)];
    const [cgroup, limitedBy] = order === 'cgroup first' ? [first, second] : [second, first];
    if (cgroup === limitedBy || cgroup.startsWith(limitedBy === '/' ? '/' : `${limitedBy}/`))
      return { cgroup, limitedBy };
  }
  return undefined;
}
