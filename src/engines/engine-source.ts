import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupMatch, Life, Names } from '../container.ts';
import type { Log } from '../log.ts';
import { ContainerLives, MOST_ENDED } from './container-lives.ts';
import { ENGINE_LIMITS, type EngineLimit, type EnginePlace, UnsupportedApi } from './engine-client.ts';
import { runSession, type SessionTimings } from './engine-session.ts';
import { Inspections } from './inspections.ts';
import { NameCache } from './name-cache.ts';
import type { EndedContainers, NameSource } from './name-source.ts';
import type { CheckPath } from '../probes/path-check.ts';

export interface EngineOptions {
  readonly name: string;
  /** See {@link NameSource.engine}. */
  readonly engine?: string | undefined;
  /** Whether the engine may know the name of a container. */
  readonly mayKnow: (match: CgroupMatch) => boolean;
  /** No user has configured the engine, so its absence is not a failure. */
  readonly isDefault: boolean;
  readonly log: Log;
  readonly checkPath: CheckPath;
  readonly timings?: Partial<Timings>;
  /** Where the engine may listen: the first place that exists is used, and after a failure the next. */
  readonly places: readonly EnginePlace[];
}

/** In ms. */
interface Timings extends SessionTimings {
  readonly lookForSocket: number;
  readonly shortestBackOff: number;
  readonly longestBackOff: number;
  readonly keepForgotten: number;
  /** How far back the first session requests events. They may name containers that were removed before. */
  readonly history: number;
  /** The delays after each failed inspection: a container's cgroup exists before its engine reports it. */
  readonly inspectAgain: readonly number[];
  /** The minimum time between two inspections of one container because of its events. */
  readonly repeatInterval: number;
}

/** The maximum rate of inspections because of events, for all containers of an engine. */
const REPEATS_PER_SECOND = 10;

const LIMIT_MESSAGES: Readonly<Record<EngineLimit, string>> = {
  value_size: 'a name or label from the engine is too large; leaving it out',
  list_size: 'the list of containers is too long; inspecting the rest one by one',
  inspection_rate: 'inspection rate limit reached; some names will be delayed',
  ended_containers: `the engine keeps more than ${MOST_ENDED} containers that have ended; leaving the oldest out`,
};

/** A new session also requests events from this long before the previous session failed, in ms. */
const HISTORY_OVERLAP = 5_000;

const TIMINGS: Timings = {
  ping: 5_000,
  inspect: 2_000,
  list: 10_000,
  heartbeat: 5_000,
  listAgain: 60_000,
  lookForSocket: 2_000,
  shortestBackOff: 250,
  longestBackOff: 15_000,
  keepForgotten: 60_000,
  history: 3_600_000,
  inspectAgain: [100, 300, 1_000, 3_000, 10_000],
  repeatInterval: 1_000,
};

/**
 * Names from an engine, for any API. It connects once the engine exists, and reconnects for ever. Meanwhile it answers
 * from its cache.
 */
export class EngineSource implements NameSource {
  readonly name: string;
  readonly engine: string | undefined;
  up: boolean | undefined;
  tried = false;
  listsAllRunning = true;
  readonly #options: EngineOptions;
  readonly #timings: Timings;
  readonly #stop = new AbortController();
  readonly #cache: NameCache;
  readonly #inspections: Inspections;
  readonly #lives: ContainerLives;
  /** Of containers that have ended. */
  readonly #lastInspections: Inspections;
  /** The engine of the containers that have ended; `undefined` until it has listed them. */
  #engineOfEnded: string | undefined;
  #saidEndedUnknown = false;
  readonly #running = new Set<string>();
  readonly #loop: Promise<void>;
  #wasUp = false;
  /** No event before this time was missed, in ms since the epoch. */
  #upToDate: number;
  /** Places where something other than such an engine listens. */
  readonly #nonEngines = new Set<EnginePlace>();
  /** The source has logged that the engine does not answer, and has not yet logged that it answers again. */
  #saidDown = false;
  /** How often each limit was reached. */
  readonly limitHits = new Map<EngineLimit, number>(ENGINE_LIMITS.map((limit) => [limit, 0]));

  constructor(options: EngineOptions) {
    this.name = options.name;
    this.engine = options.engine;
    this.up = options.isDefault ? undefined : false;
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#upToDate = Date.now() - this.#timings.history;
    this.#cache = new NameCache({
      keepForgottenMs: this.#timings.keepForgotten,
      isWanted: (id) => this.#inspections.isWanted(id),
    });
    const howToInspect = {
      retryDelays: this.#timings.inspectAgain,
      repeatInterval: this.#timings.repeatInterval,
      repeatsPerSecond: REPEATS_PER_SECOND,
      onFailed: (id: string, error: unknown) =>
        options.log.debug({ source: this.name, id, error }, 'cannot inspect a container'),
      onDeferred: () => this.#hitLimit('inspection_rate'),
    };
    this.#inspections = new Inspections(howToInspect);
    this.#lastInspections = new Inspections(howToInspect);
    this.#lives = new ContainerLives({
      onLeftOut: () => this.#hitLimit('ended_containers'),
      onNotEnded: (id) => this.#lastInspections.forget(id),
    });
    this.#loop = this.#connectForEver();
  }

  get running(): ReadonlySet<string> {
    return this.#running;
  }

  mayKnow(match: CgroupMatch): boolean {
    return this.#options.mayKnow(match);
  }

  namesOf(id: string): Names | undefined {
    return this.#cache.get(id);
  }

  lifeOf(id: string): Life | undefined {
    return this.#lives.get(id);
  }

  get ended(): EndedContainers | undefined {
    if (this.#engineOfEnded === undefined) return undefined;
    return { engine: this.#engineOfEnded, containers: this.#lives.ended(), count: this.#lives.endedCount };
  }

  want(id: string): void {
    this.#cache.remember(id);
    this.#inspections.want(id);
  }

  forget(id: string): void {
    this.#inspections.forget(id);
    this.#cache.forget(id);
    this.#lives.forget(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const place of this.#options.places) place.close();
    this.#inspections[Symbol.dispose]();
    this.#lastInspections[Symbol.dispose]();
    this.#cache[Symbol.dispose]();
    this.up &&= false;
  }

  async #connectForEver(): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const { there, unsafe } = await this.#placesThere();
      if (signal.aborted) return;
      const place = there[failures % there.length];
      if (place === undefined) {
        if (this.up !== undefined) this.#down(new Error(unsafe ?? `No socket at ${this.#socketPaths()}`));
        this.tried = true;
        await this.#pause(this.#timings.lookForSocket);
        continue;
      }
      // New containers wait for their names from now on.
      if (!this.#isElsewhere(there)) this.up ??= false;
      const start = performance.now();
      const error = await this.#session(place).catch((reason: unknown) => reason);
      if (signal.aborted) return;
      if (error instanceof UnsupportedApi) this.#nonEngines.add(place);
      else this.#nonEngines.delete(place);
      if (this.#isElsewhere(there)) this.#notThere(error);
      else this.#down(error);
      this.tried = true;
      // An engine that fails right after each answer gets the longer pauses, too.
      if (performance.now() - start > this.#timings.heartbeat * 2) failures = 0;
      const backOff = Math.min(
        this.#timings.longestBackOff,
        this.#timings.shortestBackOff * 2 ** Math.min(failures, 16),
      );
      failures += 1;
      await this.#pause(backOff * (0.5 + Math.random() / 2));
    }
  }

  /** The places whose socket accepts connections, and why an existing one cannot be used. */
  async #placesThere(): Promise<{ readonly there: readonly EnginePlace[]; readonly unsafe: string | undefined }> {
    const there: EnginePlace[] = [];
    let unsafe: string | undefined;
    for (const place of this.#options.places) {
      const { socketPath } = place;
      const state =
        socketPath === undefined ? 'there' : await this.#options.checkPath(`the socket of ${this.name}`, socketPath);
      if (state === 'there') there.push(place);
      else if (state !== 'absent') ({ unsafe } = state);
    }
    return { there, unsafe };
  }

  #socketPaths(): string {
    return this.#options.places.map(({ socketPath }) => JSON.stringify(socketPath)).join(' or ');
  }

  #session(place: EnginePlace): Promise<never> {
    return runSession({
      place,
      timings: this.#timings,
      cache: this.#cache,
      inspections: this.#inspections,
      lives: this.#lives,
      lastInspections: this.#lastInspections,
      running: this.#running,
      // The clock may have been set back: Podman leaves out new events that are older than this.
      since: Math.min(this.#upToDate, Date.now()) - HISTORY_OVERLAP,
      stop: this.#stop.signal,
      onListed: () => {
        this.up = true;
        this.#wasUp = true;
        this.tried = true;
        if (!this.#saidDown) this.#sayUp();
      },
      onListTaken: (isComplete) => void (this.listsAllRunning = isComplete),
      onEndedListed: (engine) => void (this.#engineOfEnded = engine),
      onEndedUnknown: (error) => this.#endedUnknown(error),
      // An engine that fails right after each answer must not cause two log lines each time.
      onBeat: () => {
        this.#upToDate = Date.now();
        if (this.#saidDown) this.#sayUp();
      },
      onLimit: (limit) => this.#hitLimit(limit),
    });
  }

  /** What was known may be wrong by now. */
  #endedUnknown(error: unknown): void {
    this.#engineOfEnded = undefined;
    if (this.#saidEndedUnknown) return;
    this.#saidEndedUnknown = true;
    const message = 'cannot list the containers that have ended; continuing without them';
    this.#options.log.warn({ source: this.name, error }, message);
  }

  /** Counts every time, and logs the first. */
  #hitLimit(limit: EngineLimit): void {
    const hits = this.limitHits.get(limit) ?? 0;
    this.limitHits.set(limit, hits + 1);
    if (hits === 0) this.#options.log.warn({ source: this.name, limit }, LIMIT_MESSAGES[limit]);
  }

  #sayUp(): void {
    this.#saidDown = false;
    this.#options.log.info({ source: this.name }, 'connected to the engine');
  }

  /**
   * Whether the default sockets belong to another service, as far as known. If no user has configured the engine, this
   * is not a failure, and no names are expected.
   */
  #isElsewhere(there: readonly EnginePlace[]): boolean {
    return this.#options.isDefault && !this.#wasUp && there.some((place) => this.#nonEngines.has(place));
  }

  #notThere(error: unknown): void {
    this.up = undefined;
    this.#options.log.debug({ source: this.name, error }, 'engine not found; continuing without its names');
  }

  #down(error: unknown): void {
    this.up = false;
    if (this.#saidDown) return;
    this.#saidDown = true;
    this.#options.log.warn({ source: this.name, error }, 'engine does not answer; using the last known names');
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
  }
}
