import { decodeHexEscapes } from './hex-escapes.ts';
import type { KmsgRecord } from './kmsg-record.ts';
import { type OomEvent, OomEvents } from './oom-events.ts';
import {
  isUnfinished,
  type OomDump,
  type OomPlaces,
  parseChosen,
  parseDump,
  parseGroup,
  parseSkipped,
  parseKilled,
  parseLimit,
  parseListed,
} from './oom-lines.ts';

/** A process killed by the OOM killer, from the kernel log. Each counts as one in `oom_kill` of `/proc/vmstat`. */
export interface OomVictim {
  /** Microseconds since boot. */
  readonly time: number;
  /** The pid in the initial pid namespace. */
  readonly pid: number;
  /** The content of `/proc/<pid>/comm`: at most 15 bytes, which the process can choose. */
  readonly command: string;
  /** In the initial user namespace; `undefined` before Linux 5.4. */
  readonly uid: number | undefined;
  /**
   * Its cgroup in the memory hierarchy; `undefined` if the log lacks it. The kernel writes at most ten full reports in
   * five seconds.
   */
  readonly cgroup: string | undefined;
  /** The cgroup whose limit was hit; `undefined` if the host ran out of memory, or if the kernel did not say. */
  readonly limitedBy: string | undefined;
  /** The limit that was hit, in bytes. */
  readonly limit: number | undefined;
  /** `CONSTRAINT_MEMCG`, `CONSTRAINT_NONE`, …; `undefined` if the kernel did not say, as before Linux 5.0. */
  readonly constraint: string | undefined;
  /** The event in which the process was killed. */
  readonly event: OomEvent;
  /** The processes that the report lists: those in the cgroup whose limit was hit, and in the cgroups below it. */
  readonly listed: readonly number[];
}

/** The maximum number of these processes that the parser reads. */
const MAX_LISTED = 512;

/**
 * The maximum length of a record in bytes (`PRINTKRB_RECORD_MAX`, before Linux 5.10 `LOG_LINE_MAX`). The kernel cuts
 * longer pieces.
 */
const SHORTEST_CUT_PIECE = 992;

/** The maximum length of a line in characters. A longer text contains pieces of other lines. */
const LONGEST_LINE = 16_384;

/**
 * The first characters of the lines that matter. Most of a report are other lines: the call trace, the registers, the statistics of the
 * cgroup.
 */
const BEGINNINGS = 'moMTOK[';

/** The facts about the process in a report. */
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
 * Linux 5.0 and 5.1 mix both. The lines `Kill process` and `Killed process` come with each kill, the others with at
 * most ten kills in five seconds. With `memory.oom.group` the kernel writes `Tasks in /docker/<id> are going to be
 * killed …`, and then `Killed process` for each of these tasks. This includes the chosen process a second time. The
 * lines of two kills never mix, because the kernel holds a lock during each kill. Other lines are skipped.
 */
export function createOomReader(): (record: KmsgRecord) => OomVictim | undefined {
  let reader: OomReader | undefined;
  let next: number | undefined;
  return (record) => {
    // Lines before a gap say nothing about lines after it.
    if (reader === undefined || record.sequence !== next) reader = new OomReader(record.time);
    next = record.sequence + 1;
    return record.fromKernel ? reader.read(record) : undefined;
  };
}

class OomReader {
  #dump: OomDump | undefined;
  /** The kernel has named the chosen process. `report` is `undefined` if it omitted the report. */
  #chosen: { readonly report: Report | undefined } | undefined;
  /** The report of the current event. */
  #report: Report | undefined;
  #limit: number | undefined;
  #listed: number[] = [];
  readonly #events: OomEvents;
  readonly #join = createJoiner();

  /** @param start the time of the first record. */
  constructor(start: number) {
    this.#events = new OomEvents(start);
  }

  /** Reads the next record of the kernel. */
  read(record: KmsgRecord): OomVictim | undefined {
    if (!record.isContinuation && !BEGINNINGS.includes(record.text.charAt(0))) return undefined;
    const text = this.#join(record);
    if (text === undefined) return undefined;
    const { time } = record;
    this.#limit = parseLimit(text) ?? this.#limit;
    this.#list(parseListed(text));
    const dump = parseDump(text);
    if (dump !== undefined) {
      this.#dump = dump;
      this.#events.noteReport(time);
    }
    this.#choose(text);
    this.#skip(text, time);
    const group = parseGroup(text);
    if (group !== undefined) this.#events.beginGroup(decodeHexEscapes(group), time);
    return this.#victimIn(text, time);
  }

  #list(pid: number | undefined): void {
    if (pid === 0) this.#listed = [];
    else if (pid !== undefined && this.#listed.length < MAX_LISTED) this.#listed.push(pid);
  }

  #choose(text: string): void {
    const process = parseChosen(text);
    if (process === undefined) return;
    const dump = this.#dump;
    const isOwn = dump !== undefined && (dump.pid ?? process.pid) === process.pid;
    this.#chosen = { report: isOwn ? reportOf(dump, process.command) : undefined };
    this.#dump = undefined;
    this.#events.end();
  }

  /**
   * The chosen process was about to exit, or one of a group that is being killed. If the chosen one belongs to a group, the kernel kills
   * the other processes of the group.
   */
  #skip(text: string, time: number): void {
    const process = parseSkipped(text);
    if (process === undefined) return;
    if (this.#events.skip(time, process.pid) !== undefined)
      this.#report = this.#ownReport(process.pid, process.command);
    this.#dump = undefined;
    this.#chosen = undefined;
  }

  #victimIn(text: string, time: number): OomVictim | undefined {
    const killed = parseKilled(text);
    if (killed === undefined) return undefined;
    const { pid, command, uid } = killed;
    const own = this.#ownReport(pid, command);
    const isChosen = own !== undefined || this.#chosen !== undefined;
    const isMarked = this.#chosen !== undefined;
    const event = isChosen ? this.#events.begin(time, pid, isMarked) : this.#events.eventOf(time, pid);
    const isUncertain = event.perhapsPartOf !== undefined;
    // A new event without a report.
    if (isChosen || (event.group === undefined && !isUncertain)) this.#report = own;
    this.#dump = undefined;
    this.#chosen = undefined;
    const { places, constraint } = (isUncertain ? undefined : this.#report) ?? {};
    const limitedBy = places?.limitedBy;
    const cgroup = places?.cgroup;
    return {
      time,
      pid,
      command: decodeHexEscapes(command),
      uid,
      cgroup: event.group ?? (cgroup && decodeHexEscapes(cgroup)),
      limitedBy: limitedBy && decodeHexEscapes(limitedBy),
      limit: limitedBy === undefined ? undefined : this.#limit,
      constraint,
      event,
      listed: own !== undefined && limitedBy !== undefined ? this.#listed : [],
    };
  }

  #ownReport(pid: number, command: string): Report | undefined {
    return this.#chosen?.report ?? (this.#dump?.pid === pid ? reportOf(this.#dump, command) : undefined);
  }
}

function reportOf({ constraint, placesFor }: OomDump, command: string): Report {
  return { constraint, places: placesFor(command) };
}

/**
 * Joins the pieces of a line about cgroups. The kernel writes such a line in pieces, and uses several records if they are too long
 * for one (nested containers), or if another CPU writes in between.
 *
 * @returns the text of the record or of the joined line; `undefined` while the line is incomplete.
 */
function createJoiner(): (record: KmsgRecord) => string | undefined {
  let begun: string | undefined;
  return ({ text, isContinuation }) => {
    const line = isContinuation && begun !== undefined && !isUnfinished(text) ? begun + text : text;
    if (isUnfinished(line)) {
      // The kernel cut the piece, and nothing shows what is missing.
      const isCut = Buffer.byteLength(decodeHexEscapes(text)) >= SHORTEST_CUT_PIECE;
      begun = isCut || line.length > LONGEST_LINE ? undefined : line;
      return undefined;
    }
    if (isContinuation || parseKilled(text) !== undefined) begun = undefined;
    return line;
  };
}
