import { describe, expect, it } from 'vitest';
import { FIGURES, type Sample, robustSlope, trendOf } from './load/figures.ts';
import { drawSoak } from './load/soak-plot.ts';

const memory = FIGURES[0]!;

/** Samples each 15 s in which memory is as told. */
function samplesOf(values: readonly number[]): readonly Sample[] {
  const none = {
    containers: 0,
    descriptors: 0,
    watches: 0,
    timers: 0,
    handles: 0,
    threads: 0,
    processes: 0,
    series: 0,
  };
  return values.map((bytes, nth) => ({ ...none, seconds: nth * 15, memory: bytes, heap: 0, plainCpu: 0, gzipCpu: 0 }));
}

/** The same in each run, and evenly spread over ±`width`. */
function noise(nth: number, width: number): number {
  return (((nth * 7_919) % 101) / 50 - 1) * width;
}

describe('the verdict of a soak', () => {
  it('finds a leak in noise that is larger than it', () => {
    const values = Array.from({ length: 300 }, (_, nth) => 100e6 + nth * 50e3 + noise(nth, 10e6));
    const { grows, growth } = trendOf(samplesOf(values), memory);
    expect(grows).toBe(true);
    // Of the second half.
    expect(growth / 7.5e6).toBeCloseTo(1, 0);
  });

  it('is not misled by caches that fill at first, by noise, and by single bursts', () => {
    const values = Array.from({ length: 300 }, (_, nth) =>
      nth < 100 ? nth * 1e6 : 100e6 + noise(nth, 10e6) + (nth % 50 === 49 ? 200e6 : 0),
    );
    expect(trendOf(samplesOf(values), memory)).toMatchObject({ grows: false });
  });

  it('takes a figure that is missing for growth', () => {
    expect(trendOf(samplesOf(Array(20).fill(NaN)), memory).grows).toBe(true);
  });

  it('knows the slope of a line', () => {
    expect(robustSlope([0, 1, 2, 3, 4].map((at) => [at, 3 + 2 * at]))).toBe(2);
  });
});

describe('the plot of a soak', () => {
  it('has a curve for each figure that begins left and ends right', () => {
    const svg = drawSoak(samplesOf([1e6, 2e6, 1e6]));
    expect(svg.match(/<polyline points="56\.0,\d+\.\d \d+\.\d,\d+\.\d 450\.0,\d+\.\d"\/>/g)?.length).toBe(8);
    expect(svg).not.toContain('NaN');
  });
});
