import { decodeHexEscapes } from './hex-escapes.ts';
import type { KmsgRecord } from './kmsg-record.ts';
import {
  isUnfinished,
  type OomDump,
  type OomPlaces,
  parseChosen,
  parseDump,
  parseGroup,
  parseKilled,
  parseLimit,
} from './oom-lines.ts';

/** A process that the OOM killer killed, by the kernel's log. Each is one in `oom_kill` of `/proc/vmstat`. */
export interface OomVictim {
  /** Microseconds since boot. */
  readonly time: number;
  /** In the initial pid namespace. */
  readonly pid: number;
  /** `/proc/<pid>/comm`: at most 15 bytes, chosen by the process. */
  readonly command: string;
  /** In the initial user namespace; `undefined` before Linux 5.4. */
  readonly uid: number | undefined;
  /** Its cgroup in the memory hierarchy. `undefined` if the kernel did not say: it reports ten kills in five seconds in full. */
  readonly cgroup: string | undefined;
  /** The cgroup whose limit was hit; `undefined` if the host ran out of memory, or if the kernel did not say. */
  readonly limitedBy: string | undefined;
  /** That limit in bytes. */
  readonly limit: number | undefined;
  /** `CONSTRAINT_MEMCG`, `CONSTRAINT_NONE`, …; `undefined` if the kernel did not say, as before Linux 5.0. */
  readonly constraint: string | undefined;
}

/** The victims of one group are less than this apart, kills that have nothing to do with each other more. */
const GROUP_PAUSE_US = 100_000;

/** In bytes. A record has no room for more (`PRINTKRB_RECORD_MAX`, before Linux 5.10 `LOG_LINE_MAX`), so a longer piece is cut. */
const SHORTEST_CUT_PIECE = 992;

/** In characters. More pieces than this are not one line, but those of others in between. */
const LONGEST_LINE = 16_384;

/** What a report says of the process that it is about. */
interface Report {
  readonly constraint: string | undefined;
  readonly places: OomPlaces | undefined;
}

/**
 * Finds the victims of the OOM killer in the records of the kernel's log, which must come in order. One kill looks like
 * this (mm/oom_kill.c, mm/memcontrol.c); the first block is what Linux 5.2 and newer write, the second what 3.10 to 4.20 do:
 *
 *     memory: usage 16384kB, limit 16384kB, failcnt 0
 *     oom-kill:constraint=CONSTRAINT_MEMCG,…,oom_memcg=/docker/<id>,task_memcg=/docker/<id>,task=tail,pid=9716,uid=0
 *     Memory cgroup out of memory: Killed process 9716 (tail) total-vm:18048kB, …, UID:0 pgtables:72kB oom_score_adj:0
 *
 *     Task in /docker/<id> killed as a result of limit of /docker/<id>
 *     memory: usage 1048576kB, limit 1048576kB, failcnt 267
 *     Memory cgroup out of memory: Kill process 3897 (stress) score 1001 or sacrifice child
 *     Killed process 3897 (stress) total-vm:1579488kB, anon-rss:1048132kB, file-rss:12kB
 *
 * Linux 5.0 and 5.1 mix both. The lines `Kill process` and `Killed process` come with each kill, the others with at most ten
 * kills in five seconds. With `memory.oom.group` there is `Tasks in /docker/<id> are going to be killed …` and then
 * `Killed process` for each of them. Kills do not mix: the kernel holds a lock for each. Other lines are skipped.
 */
export function createOomReader(): (record: KmsgRecord) => OomVictim | undefined {
  let dump: OomDump | undefined;
  /** The kernel has said whom it chose; `report` is `undefined` if it left the report out. */
  let chosen: { readonly report: Report | undefined } | undefined;
  /** Of the last victim. */
  let last: Report | undefined;
  let limit: number | undefined;
  let group: { readonly cgroup: string; readonly report: Report | undefined; until: number } | undefined;
  const join = createJoiner();

  function victimIn(text: string, time: number): OomVictim | undefined {
    const killed = parseKilled(text);
    if (killed === undefined) return undefined;
    const { pid, command, uid } = killed;
    const own = chosen?.report ?? (dump?.pid === pid ? reportOf(dump, command) : undefined);
    const isFellow = own === undefined && chosen === undefined && group !== undefined && time < group.until;
    if (!isFellow) group = undefined;
    else if (group !== undefined) group.until = time + GROUP_PAUSE_US;
    dump = undefined;
    chosen = undefined;
    last = own ?? group?.report;
    const cgroup = group?.cgroup ?? last?.places?.cgroup;
    const limitedBy = last?.places?.limitedBy;
    return {
      time,
      pid,
      command: decodeHexEscapes(command),
      uid,
      cgroup: cgroup && decodeHexEscapes(cgroup),
      limitedBy: limitedBy && decodeHexEscapes(limitedBy),
      limit: limitedBy === undefined ? undefined : limit,
      constraint: last?.constraint,
    };
  }

  function choose(text: string): void {
    const process = parseChosen(text);
    if (process === undefined) return;
    const isOwn = dump !== undefined && (dump.pid ?? process.pid) === process.pid;
    chosen = { report: isOwn && dump !== undefined ? reportOf(dump, process.command) : undefined };
    dump = undefined;
  }

  return (record) => {
    if (!record.fromKernel) return undefined;
    const text = join(record);
    if (text === undefined) return undefined;
    limit = parseLimit(text) ?? limit;
    dump = parseDump(text) ?? dump;
    choose(text);
    const cgroup = parseGroup(text);
    if (cgroup !== undefined) group = { cgroup, report: last, until: record.time + GROUP_PAUSE_US };
    return victimIn(text, record.time);
  };
}

function reportOf({ constraint, placesFor }: OomDump, command: string): Report {
  return { constraint, places: placesFor(command) };
}

/**
 * Joins the pieces of a line about cgroups. The kernel writes such a line piece by piece, and puts them into more than one
 * record if they get too long for one (nested containers), or if another CPU writes meanwhile.
 *
 * @returns the text of the record, of the joined line, or `undefined` while more of a line is to come.
 */
function createJoiner(): (record: KmsgRecord) => string | undefined {
  let begun: string | undefined;
  return ({ text, isContinuation }) => {
    const line = isContinuation && begun !== undefined && !isUnfinished(text) ? begun + text : text;
    if (isUnfinished(line)) {
      // Nobody knows what is missing from a piece that was cut.
      const isCut = Buffer.byteLength(decodeHexEscapes(text)) >= SHORTEST_CUT_PIECE;
      begun = isCut || line.length > LONGEST_LINE ? undefined : line;
      return undefined;
    }
    if (isContinuation || parseKilled(text) !== undefined) begun = undefined;
    return line;
  };
}
