import type { Container, ContainerCgroup, InitProcess } from '../container.ts';
import type { Assessment } from '../findings/assess.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';
import type { Log } from '../log.ts';
import type { Posture } from '../posture/posture.ts';
import { DriftLog, type Told } from './drift-log.ts';
import { factsOf, type Facts, type OwnLimits } from './facts.ts';
import { type Change, isExpected, started, step, type Watched } from './step.ts';

/** How long after its start a container is still starting, in ms: it mounts, drops privileges and starts services. */
export const STARTING_MS = 30_000;

/** A finding, or a limit, that got worse while the container ran. */
export interface Drift extends Change {
  /** How often it got worse. */
  readonly count: number;
  /** When that was last seen, in seconds since the epoch. */
  readonly at: number;
}

/** What the facts come from. The same objects while nothing changes. */
interface Sources {
  readonly posture: Posture;
  readonly findings: Assessment['findings'];
  readonly limits: OwnLimits;
}

/** What is known about a container from one start to the next. */
interface State extends Told {
  /** The process id of its init. */
  readonly pid: number;
  /** When its start is over, in ms of `performance.now()`. */
  readonly settledAt: number;
  sources: Sources;
  watched: Watched;
  isSettled: boolean;
  /** With times in seconds since boot. */
  drifts: ReadonlyMap<string, Drift>;
  /** The values of `drifts` with times by the wall clock: a reading, which must not change. */
  shown: readonly Drift[];
  /** How that clock was set then: the time of boot. */
  bootTime: number;
}

const NONE: readonly Drift[] = [];

/**
 * Which containers got worse since they were started, or since this began to watch. It looks at nothing itself: it compares what a
 * scrape has found with what earlier ones have.
 */
export class DriftWatch {
  readonly #log: DriftLog;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #clock: SteadyClock;
  readonly #states = new WeakMap<ContainerCgroup, State>();

  /**
   * @param options.now ms since the epoch.
   * @param options.elapsed `performance.now()`.
   * @param options.clock by which changes are kept.
   */
  constructor(
    log: Log,
    options: { readonly now?: () => number; readonly elapsed?: () => number; readonly clock?: SteadyClock } = {},
  ) {
    const { now = () => Date.now(), elapsed = () => performance.now(), clock = new SteadyClock() } = options;
    this.#clock = clock;
    this.#now = now;
    this.#elapsed = elapsed;
    this.#log = new DriftLog(log, elapsed);
  }

  /** Compares a container with what is known of it. Returns all that got worse so far: the same object while it is the same. */
  observe(container: Container, findings: Assessment['findings'], limits: OwnLimits): readonly Drift[] {
    const { cgroup, init, posture } = container;
    const known = this.#states.get(cgroup);
    // Without a visible process nothing is known that could be compared.
    if (init === undefined || posture === undefined) return this.#show(known);
    const sources = { posture, findings, limits };
    const isOfSameStart = known?.pid === init.pid;
    if (isOfSameStart && isSame(known.sources, sources)) {
      known.isSettled ||= isSettledIn(known, container);
      return this.#show(known);
    }
    // What was read of a container that is being removed, or of the next one at its path, must not be remembered.
    container.files.confirm();
    if (container.files.gone) return NONE;
    if (!isOfSameStart) {
      this.#states.set(cgroup, this.#begin(container, init, sources));
      return NONE;
    }
    known.sources = sources;
    const facts = factsOf(findings, sources);
    if (known.isSettled) this.#compare(container, known, facts);
    else {
      known.watched = started(known.watched, facts);
      known.isSettled = isSettledIn(known, container);
    }
    return this.#show(known);
  }

  /** What is known of a container, by the wall clock as it is set now. */
  #show(state: State | undefined): readonly Drift[] {
    if (state === undefined || state.drifts.size === 0) return NONE;
    const bootTime = this.#clock.bootTime();
    if (state.shown === NONE || state.bootTime !== bootTime) {
      const toWall = this.#clock.toWall();
      state.shown = Array.from(state.drifts.values(), (drift) => ({ ...drift, at: toWall(drift.at) }));
      state.bootTime = bootTime;
    }
    return state.shown;
  }

  #begin(container: Container, init: InitProcess, sources: Sources): State {
    // Not the cgroup's: a container can start again in it.
    const settledAt = this.#elapsed() - Math.max(0, this.#now() - init.startTime * 1000) + STARTING_MS;
    return {
      pid: init.pid,
      settledAt,
      sources,
      watched: started(undefined, factsOf(sources.findings, sources)),
      isSettled: isSettledIn({ settledAt }, container),
      drifts: new Map(),
      shown: NONE,
      bootTime: NaN,
      at: new Map(),
      untold: 0,
    };
  }

  #compare({ labels }: Container, state: State, facts: Facts): void {
    const { watched, changes } = step(state.watched, facts);
    state.watched = watched;
    const at = this.#clock.now();
    const drifts = new Map(state.drifts);
    for (const change of changes) {
      drifts.set(change.finding, { ...change, count: (drifts.get(change.finding)?.count ?? 0) + 1, at });
    }
    for (const finding of drifts.keys()) {
      if (isExpected(watched.latest.get(finding), watched.baseline.get(finding))) drifts.delete(finding);
    }
    if (changes.length === 0 && drifts.size === state.drifts.size) return;
    state.drifts = drifts;
    state.shown = NONE;
    if (changes.length > 0) this.#log.tell(labels, changes, state);
  }
}

function isSame(one: Sources, other: Sources): boolean {
  return one.posture === other.posture && one.findings === other.findings && isSameLimits(one.limits, other.limits);
}

function isSameLimits(one: OwnLimits, other: OwnLimits): boolean {
  return (
    one === other ||
    (one.memory === other.memory && one.swap === other.swap && one.cpu === other.cpu && one.pids === other.pids)
  );
}

/** All facts must be from after the start, also those that are not read in each scrape, and of all processes. */
function isSettledIn(
  { settledAt }: Pick<State, 'settledAt'>,
  { posture, postureReadAt = -Infinity }: Container,
): boolean {
  return postureReadAt >= settledAt && posture?.pending !== true;
}
