import type { Log } from '../log.ts';
import type { ContainerRecord, CounterScope, KmsgKill, UnloggedEvent } from './container-record.ts';
import type { SteadyClock } from '../kernel/steady-clock.ts';

/** How long to wait for more victims of an event, if the kernel can kill groups of processes. In ms. */
const WAIT_FOR_GROUP_MS = 1_000;

/** How many victims a line names. A container can have any number of processes. */
const MAX_VICTIMS = 32;

/** Logs one line for each OOM event, once the container's name and the victims are known. */
export class KillLog {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #scope: CounterScope;
  readonly #clock: Pick<SteadyClock, 'toWall'>;

  /** @param options.scope what the counters count. Lines about kills without a kernel report name it. */
  constructor(options: {
    readonly log: Pick<Log, 'info' | 'warn'>;
    readonly scope: CounterScope;
    readonly clock: Pick<SteadyClock, 'toWall'>;
  }) {
    this.#log = options.log;
    this.#scope = options.scope;
    this.#clock = options.clock;
  }

  /**
   * Logs the kills of a container that were not logged before.
   *
   * @param now in ms of `performance.now()`.
   * @returns whether some kills are still to be logged.
   */
  write(record: ContainerRecord, now: number): boolean {
    if (record.named === undefined) return true;
    const left: UnloggedEvent[] = [];
    for (const unlogged of record.unlogged.splice(0)) {
      if (this.#mayGrow(unlogged, now)) left.push(unlogged);
      else this.#writeEvent(record, unlogged);
    }
    record.unlogged.push(...left);
    const kills = record.events.releasedKills - record.loggedWithoutReport;
    if (kills > 0) {
      const source = this.#scope === 'below' ? 'memory.events' : 'memory.oom_control';
      this.#log.warn({ ...containerFields(record), kills, source }, 'OOM kill');
      record.loggedWithoutReport = record.events.releasedKills;
    }
    return left.length > 0 || record.events.isWaiting;
  }

  /** Whether the kernel may name more victims. There are no groups on cgroup v1. */
  #mayGrow({ event, readAt }: UnloggedEvent, now: number): boolean {
    return this.#scope === 'below' && !event.isOver && now - readAt < WAIT_FOR_GROUP_MS;
  }

  #writeEvent(record: ContainerRecord, { kills, isContinued }: UnloggedEvent): void {
    const [first] = kills;
    if (first === undefined) return;
    const at = new Date(this.#clock.toWall()(first.at) * 1000).toISOString();
    const fields = { ...containerFields(record), at, ...killFields(first), ...groupFields(kills), source: 'kmsg' };
    // Kills from before this start are logged at info: they are repeated at every start.
    const level = first.beforeStart ? 'info' : 'warn';
    this.#log[level](fields, isContinued ? 'more processes killed in the same OOM event' : 'OOM kill');
  }
}

function containerFields({ match, path, named }: ContainerRecord): object {
  return { ...withoutEmpty(named?.labels ?? {}), id: match.id, cgroup: path };
}

function killFields({ beforeStart, command, pid, uid, limit, limitedBy, constraint }: KmsgKill): object {
  return { ...(beforeStart && { past: true }), command, pid, uid, limit, limitedBy, constraint };
}

/** For a group, the kernel's log names the chosen process twice: on its own, and again as a member of the group. */
function groupFields(kills: readonly KmsgKill[]): object {
  const victims = new Map(kills.map(({ pid, command }) => [pid, `${command}[${pid}]`]));
  if (victims.size === 1) return {};
  return { processes: victims.size, victims: [...victims.values()].slice(0, MAX_VICTIMS) };
}

function withoutEmpty(labels: object): object {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
