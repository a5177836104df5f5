import { describe, expect, it } from 'vitest';
import { SteadyClock } from './steady-clock.ts';

const HOURS = 3600;

describe('SteadyClock', () => {
  it('shows times by the wall clock, the same ones each time', () => {
    const clocks = { steady: 100, wall: 1e9 };
    const clock = new SteadyClock({ steady: () => clocks.steady, wall: () => clocks.wall });
    expect([clock.now(), clock.toWall()(90)]).toEqual([100, 1e9 - 10]);
    for (const waver of [0.01, -0.02, 0.3]) {
      clocks.steady += 10;
      clocks.wall += 10 + waver;
      expect(clock.toWall()(90)).toBe(1e9 - 10);
    }
  });

  it.each([2 * HOURS, -2 * HOURS])('keeps the age of times if the wall clock is set by %d s', (step) => {
    const clocks = { steady: 100, wall: 1e9 };
    const clock = new SteadyClock({ steady: () => clocks.steady, wall: () => clocks.wall });
    clocks.steady += 50;
    clocks.wall += 50 + step;
    expect(clock.now()).toBe(150);
    expect(clocks.wall - clock.toWall()(90)).toBe(60);
    // Events from before boot get a time, too.
    expect(clocks.wall - clock.toWall()(-1000)).toBe(1150);
  });

  it('shows no time in the future', () => {
    const clocks = { steady: 100, wall: 1e9 };
    const clock = new SteadyClock({ steady: () => clocks.steady, wall: () => clocks.wall });
    clocks.wall -= 0.9;
    expect(clock.toWall()(100)).toBe(1e9 - 0.9);
  });

  it('follows small steps once they add up', () => {
    const clocks = { steady: 100, wall: 1e9 };
    const clock = new SteadyClock({ steady: () => clocks.steady, wall: () => clocks.wall });
    for (let step = 0; step < 3; step += 1) {
      clocks.wall += 0.6;
      clock.toWall();
    }
    expect(Math.abs(clocks.wall - clock.toWall()(100))).toBeLessThanOrEqual(1);
  });

  it('reads the clocks of the machine', () => {
    const clock = new SteadyClock();
    const before = clock.now();
    expect(before).toBeGreaterThan(0);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    expect(Math.abs(clock.toWall()(before) - Date.now() / 1000)).toBeLessThan(5);
  });
});
