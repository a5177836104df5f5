import { type KmsgRecord, unescapeKmsg } from './kmsg-record.ts';

/** A process that the OOM killer killed, as the kernel's log tells it. Each is one in `oom_kill` of `/proc/vmstat`. */
export interface OomVictim {
  /** Microseconds since boot. */
  readonly time: number;
  /** In the initial pid namespace. */
  readonly pid: number;
  /** `/proc/<pid>/comm`: 15 bytes at most, and whatever the process wanted to be called. */
  readonly command: string;
  /** In the initial user namespace; `undefined` before Linux 5.4. */
  readonly uid: number | undefined;
  /** The cgroup that it was killed in. `undefined` if the kernel did not say: it tells ten kills in five seconds in full. */
  readonly cgroup: string | undefined;
  /** The cgroup whose limit was met; `undefined` for the whole host (or if it is not said). */
  readonly limitedBy: string | undefined;
  /** That limit in bytes. */
  readonly limit: number | undefined;
  /** `CONSTRAINT_MEMCG`, `CONSTRAINT_NONE`, …; `undefined` if it is not said. */
  readonly constraint: string | undefined;
}

const LIMITED = ',oom_memcg=/';
const GLOBAL = ',global_oom,task_memcg=/';

/** Between two victims of one group pass far less, and between two kills that have nothing to do with each other, more. */
const GROUP_PAUSE_US = 100_000;

interface Report {
  readonly pid: number;
  readonly places: string;
  readonly constraint: string;
}

/**
 * Finds the victims of the OOM killer in the records of the kernel's log, which must come in their order. What it says
 * of one kill (mm/oom_kill.c):
 *
 *     memory: usage 16384kB, limit 16384kB, failcnt 0
 *     oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=<id>,mems_allowed=0,oom_memcg=/docker/<id>,task_memcg=/docker/<id>,task=tail,pid=9716,uid=0
 *     Memory cgroup out of memory: Killed process 9716 (tail) total-vm:18048kB, anon-rss:15872kB, …, UID:0 pgtables:72kB oom_score_adj:0
 *
 * Only the last line comes for every kill; of the others the kernel leaves out what goes beyond ten kills in five seconds.
 * With `memory.oom.group` there is `Tasks in /docker/<id> are going to be killed due to memory.oom.group set` and then a
 * last line for each of them. Kills do not mix: the kernel holds a lock for each. Since Linux 4.20; lines that are not
 * of these forms are passed over.
 */
export function createOomReader(): (record: KmsgRecord) => OomVictim | undefined {
  /** Of a kill whose victim is still to be named. */
  let report: Report | undefined;
  /** Of the last victim; `undefined` if the kernel left it out. */
  let last: Report | undefined;
  let limit: number | undefined;
  let group: { readonly cgroup: string; readonly report: Report | undefined; until: number } | undefined;

  function victimIn(text: string, time: number): OomVictim | undefined {
    const killed = /^(?:Memory cgroup out|Out) of memory[^:]*: Killed process (\d+) \((.*)\) total-vm:(.*)$/.exec(text);
    if (killed === null) return undefined;
    const [, digits, command = '', rest = ''] = killed;
    const pid = Number(digits);
    const uid = /\bUID:(\d+)/.exec(rest)?.[1];
    const own = report?.pid === pid ? report : undefined;
    const fellow = own === undefined && group !== undefined && time < group.until ? group : undefined;
    if (fellow === undefined) group = undefined;
    else fellow.until = time + GROUP_PAUSE_US;
    report = undefined;
    last = own ?? fellow?.report;
    const places = last && placesOf(last, own && command);
    const cgroup = fellow?.cgroup ?? places?.cgroup;
    const limitedBy = places?.limitedBy;
    return {
      time,
      pid,
      command: unescapeKmsg(command),
      uid: uid === undefined ? undefined : Number(uid),
      cgroup: cgroup && unescapeKmsg(cgroup),
      limitedBy: limitedBy && unescapeKmsg(limitedBy),
      limit: limitedBy === undefined ? undefined : limit,
      constraint: last?.constraint,
    };
  }

  return ({ fromKernel, text, time }) => {
    if (!fromKernel) return undefined;
    const usage = /^memory: usage \d+kB, limit (\d+)kB, /.exec(text);
    if (usage !== null) limit = Number(usage[1]) * 1024;
    report = reportIn(text) ?? report;
    const cgroup = /^Tasks in (\/.*) are going to be killed due to memory\.oom\.group set$/.exec(text)?.[1];
    if (cgroup !== undefined) group = { cgroup, report: last, until: time + GROUP_PAUSE_US };
    return victimIn(text, time);
  };
}

function reportIn(text: string): Report | undefined {
  const [, constraint, places, pid] = /^oom-kill:constraint=(\w+),(.*),pid=(\d+),uid=\d+$/.exec(text) ?? [];
  if (constraint === undefined || places === undefined) return undefined;
  return { constraint, places, pid: Number(pid) };
}

/**
 * The cgroups in `…,oom_memcg=/a,task_memcg=/a/b,task=tail`. Their names and that of the task may hold commas and the very
 * words between them. The task's name is known from the victim's own line, names of cgroups hold no slash, and the
 * limited cgroup is the victim's or above it: so a container cannot be taken for another by what it calls things.
 */
function placesOf(
  { places }: Report,
  command: string | undefined,
): { readonly cgroup: string | undefined; readonly limitedBy: string | undefined } | undefined {
  const task = command === undefined ? places.slice(Math.max(0, places.lastIndexOf(',task='))) : `,task=${command}`;
  if (!places.endsWith(task)) return undefined;
  const text = places.slice(0, places.length - task.length);
  const [limitedAt, globalAt] = [text.indexOf(LIMITED), text.indexOf(GLOBAL)];
  // What comes first is the kernel's: before it there is no place for a slash.
  if (globalAt >= 0 && (limitedAt < 0 || globalAt < limitedAt)) {
    return { cgroup: text.slice(globalAt + GLOBAL.length - 1), limitedBy: undefined };
  }
  if (limitedAt < 0) return undefined;
  const both = text.slice(limitedAt + LIMITED.length - 1);
  const between = ',task_memcg=';
  for (let at = both.indexOf(between); at !== -1; at = both.indexOf(between, at + 1)) {
    const [limitedBy, cgroup] = [both.slice(0, at), both.slice(at + between.length)];
    if (cgroup === limitedBy || cgroup.startsWith(limitedBy === '/' ? '/' : `${limitedBy}/`))
      return { cgroup, limitedBy };
  }
  return undefined;
}
