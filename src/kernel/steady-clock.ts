import { uptime } from 'node:os';

/** The wall clock only counts as changed beyond this many seconds, so that exported times do not vary between scrapes. */
const STEP_S = 1;

/** Reads the clocks of the machine, in seconds. */
export interface ClockSource {
  /** Seconds since boot, including time in suspend: CLOCK_BOOTTIME. Nobody can set this clock. */
  steady(): number;
  /** Seconds since the epoch: CLOCK_REALTIME. */
  wall(): number;
}

const SYSTEM: ClockSource = { steady: uptime, wall: () => Date.now() / 1000 };

/**
 * A clock that never steps. Events are stored by this clock, and exported by the wall clock as it is set now. If somebody moves
 * the wall clock by two hours, all exported times move by two hours. Their ages stay the same, and none lies in the future.
 */
export class SteadyClock {
  readonly #source: ClockSource;
  #offset: number;

  constructor(source: ClockSource = SYSTEM) {
    this.#source = source;
    this.#offset = source.wall() - source.steady();
  }

  /** Seconds since boot. */
  now(): number {
    return this.#source.steady();
  }

  /** When the machine was booted, in seconds since the epoch, by the wall clock as it is set now. */
  bootTime(): number {
    const offset = this.#source.wall() - this.#source.steady();
    if (Math.abs(offset - this.#offset) > STEP_S) this.#offset = offset;
    return this.#offset;
  }

  /** Returns a function that converts seconds since boot to seconds since the epoch, as the wall clock is set now. */
  toWall(): (steady: number) => number {
    const bootTime = this.bootTime();
    const wall = this.#source.wall();
    return (steady) => Math.min(wall, bootTime + steady);
  }
}
