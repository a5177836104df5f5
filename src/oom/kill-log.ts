import type { Log } from '../log.ts';
import type { ContainerRecord, KmsgKill } from './container-record.ts';
import type { SteadyClock } from './steady-clock.ts';

/** Writes one line for each kill, once its container is known. */
export class KillLog {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #counter: string;
  /** Kills that only the counter knew at the last call. The kernel's log reports each a moment later. */
  readonly #unreported = new WeakMap<ContainerRecord, number>();

  readonly #clock: Pick<SteadyClock, 'toWall'>;

  /** @param options.counter the file that counts kills, named in lines for kills without a record in the kernel's log. */
  constructor(options: {
    readonly log: Pick<Log, 'info' | 'warn'>;
    readonly counter: string;
    readonly clock: Pick<SteadyClock, 'toWall'>;
  }) {
    this.#log = options.log;
    this.#counter = options.counter;
    this.#clock = options.clock;
  }

  /** Writes what the log does not show yet of a container's kills. */
  write(record: ContainerRecord): void {
    if (record.named === undefined || record.logged >= record.kills) return;
    for (const kill of record.unlogged.splice(0)) {
      // It was logged before its details came.
      if (record.logged >= record.kills) return;
      // Kills from before this start are logged at info: they are repeated at every start.
      const level = kill.beforeStart ? 'info' : 'warn';
      const at = new Date(this.#clock.toWall()(kill.at) * 1000).toISOString();
      this.#log[level]({ ...containerFields(record), at, ...killFields(kill), source: 'kmsg' }, 'OOM kill');
      record.logged += 1;
    }
    const unreported = record.kills - record.logged;
    if (unreported > 0 && this.#unreported.get(record) === unreported) {
      this.#log.warn({ ...containerFields(record), kills: unreported, source: this.#counter }, 'OOM kill');
      record.logged = record.kills;
    }
    this.#unreported.set(record, record.kills - record.logged);
  }
}

function containerFields({ match, path, named }: ContainerRecord): object {
  return { ...withoutEmpty(named?.labels ?? {}), id: match.id, cgroup: path };
}

function killFields({ beforeStart, command, pid, uid, limit, limitedBy, constraint }: KmsgKill): object {
  return { ...(beforeStart && { past: true }), command, pid, uid, limit, limitedBy, constraint };
}

function withoutEmpty(labels: object): object {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
