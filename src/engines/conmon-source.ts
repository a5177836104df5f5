import type { CgroupMatch, Names } from '../container.ts';
import { isDenied, toError } from '../kernel/errno.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { Log } from '../log.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import type { HostRoot } from '../kernel/host-root.ts';
import { namesByConmon } from './conmon.ts';
import { NameCache } from './name-cache.ts';
import { isNamedAsInfra } from './podman-names.ts';
import type { NameSource, Whereabouts } from './name-source.ts';

/** Finds processes that may be the monitor of the container in a cgroup. The caller closes them. */
export type FindConmons = (cgroup: string) => readonly ProcessFiles[];

/** In ms. */
interface Timings {
  /** After each failure: the cgroup exists before the monitor has become the parent of a process in it. */
  readonly lookAgain: readonly number[];
  readonly keepForgotten: number;
}

const TIMINGS: Timings = { lookAgain: [50, 150, 500, 1_000, 3_000, 10_000, 30_000], keepForgotten: 60_000 };

/** Whether a monitor may name a container: not one in another container, whose monitor is there, too. */
export function mayHaveConmon({ engine, outer }: CgroupMatch): boolean {
  return engine === 'podman' && outer === undefined;
}

interface Wanted extends Pick<Whereabouts, 'podmanPod'> {
  readonly cgroup: string;
  timer: NodeJS.Timeout | undefined;
}

interface SourceOptions {
  readonly find: FindConmons;
  readonly hostRoot: HostRoot;
  readonly probes: Pick<PathProbes, 'ask'>;
  readonly log: Log;
  readonly timings?: Partial<Timings>;
}

/**
 * Names of Podman's containers, of all users, from the command lines of their monitors. It needs no API, but the privilege to
 * inspect processes. It knows the name with which a container was started, also after `podman rename`.
 */
export class ConmonSource implements NameSource {
  readonly name = 'conmon';
  readonly engine = 'podman';
  readonly limitHits = new Map<string, number>();
  readonly tried = true;
  /** Stays `undefined` where no container of Podman's has appeared, or where access is denied. */
  up: boolean | undefined;
  /** The last attempt to inspect a monitor failed, because a privilege is missing. */
  #isDenied = false;
  readonly #options: SourceOptions;
  readonly #timings: Timings;
  readonly #cache: NameCache;
  readonly #wanted = new Map<string, Wanted>();

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#cache = new NameCache({
      keepForgottenMs: this.#timings.keepForgotten,
      isWanted: (id) => this.#wanted.has(id),
    });
  }

  mayKnow(match: CgroupMatch): boolean {
    return mayHaveConmon(match);
  }

  namesOf(id: string): Names | undefined {
    return this.#cache.get(id);
  }

  want(id: string, { cgroup, podmanPod }: Pick<Whereabouts, 'cgroup' | 'podmanPod'> = {}): void {
    this.#cache.remember(id);
    // A container that is gone has no monitor.
    if (cgroup === undefined) return;
    clearTimeout(this.#wanted.get(id)?.timer);
    if (!this.#isDenied) this.up ??= true;
    this.#wanted.set(id, { cgroup, podmanPod, timer: undefined });
    void this.#look(id, 0);
  }

  forget(id: string): void {
    clearTimeout(this.#wanted.get(id)?.timer);
    this.#wanted.delete(id);
    this.#cache.forget(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { timer } of this.#wanted.values()) clearTimeout(timer);
    this.#wanted.clear();
    this.#cache[Symbol.dispose]();
  }

  /** Looks for the nth time. Never rejects. */
  async #look(id: string, nth: number): Promise<void> {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    const names = withInfra(await this.#namesIn(wanted.cgroup, id), wanted);
    // It may have been forgotten and wanted again meanwhile.
    if (this.#wanted.get(id) !== wanted) return;
    const delay = this.#timings.lookAgain[nth];
    if (names !== undefined) this.#cache.put(id, names);
    else if (delay !== undefined) wanted.timer = setTimeout(() => void this.#look(id, nth + 1), delay).unref();
  }

  async #namesIn(cgroup: string, id: string): Promise<Names | undefined> {
    const { find, log } = this.#options;
    let conmons: readonly ProcessFiles[] = [];
    try {
      conmons = find(cgroup);
      for (const conmon of conmons) {
        const names = await namesByConmon(conmon, id, { ...this.#options, cgroup });
        if (names !== undefined) {
          this.#isDenied = false;
          this.up = true;
          return names;
        }
      }
    } catch (reason) {
      const error = toError(reason);
      if (isDenied(error)) {
        this.#isDenied = true;
        this.up = undefined;
      }
      log.debug({ source: this.name, cgroup, error }, 'cannot inspect the monitor of a container');
    } finally {
      for (const conmon of conmons) conmon.close();
    }
    return undefined;
  }
}

/**
 * Whether it is a pod's infra container. Its cgroup and its name must show the same pod. One that a user has named otherwise
 * is not recognised.
 */
function withInfra(names: Names | undefined, { podmanPod }: Wanted): Names | undefined {
  const isInfra = podmanPod !== undefined && isNamedAsInfra(names?.name, podmanPod);
  return names === undefined || !isInfra ? names : { ...names, infra: true };
}
