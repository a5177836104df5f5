import type { Log } from '../log.ts';
import type { ContainerRecord, ToldKill } from './container-record.ts';

/** Writes one line for each kill, once it is known whose it is. */
export class KillLog {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #counter: string;
  /** Kills that only the counter knew when last looked at: the kernel's log tells of each a moment later. */
  readonly #untold = new WeakMap<ContainerRecord, number>();

  /** @param options.counter the file that counts kills, for those that the kernel's log does not tell of. */
  constructor(options: { readonly log: Pick<Log, 'info' | 'warn'>; readonly counter: string }) {
    this.#log = options.log;
    this.#counter = options.counter;
  }

  /** Logs what is not logged yet of a container's kills. */
  tell(life: ContainerRecord): void {
    if (life.named === undefined || life.logged >= life.kills) return;
    for (const kill of life.unlogged.splice(0)) {
      // It was logged before its details came.
      if (life.logged >= life.kills) return;
      // Of what was before this daemon there is nothing to be warned of, and each start tells it again.
      const level = kill.past ? 'info' : 'warn';
      this.#log[level]({ ...factsOf(life), ...detailsOf(kill), source: 'kmsg' }, 'OOM kill');
      life.logged += 1;
    }
    const untold = life.kills - life.logged;
    if (untold > 0 && this.#untold.get(life) === untold) {
      this.#log.warn({ ...factsOf(life), kills: untold, source: this.#counter }, 'OOM kill');
      life.logged = life.kills;
    }
    this.#untold.set(life, life.kills - life.logged);
  }
}

function factsOf({ match, path, named }: ContainerRecord): object {
  return { ...withoutEmpty(named?.labels ?? {}), id: match.id, cgroup: path };
}

function detailsOf({ at, past, command, pid, uid, limit, limitedBy, constraint }: ToldKill): object {
  const time = new Date(at * 1000).toISOString();
  return { at: time, ...(past && { past }), command, pid, uid, limit, limitedBy, constraint };
}

function withoutEmpty(labels: object): object {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
