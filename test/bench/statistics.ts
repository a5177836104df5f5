/** The value that a share of the values does not exceed (nearest rank); NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** The mean; NaN for no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The cost of a round of work, in milliseconds. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

/** The costs of rounds, with a name before each number. */
export function summary(name: string, costs: readonly Cost[]): Record<string, number> {
  const cpu = costs.map((cost) => cost.cpu);
  const wall = costs.map((cost) => cost.wall);
  return {
    [`${name} cpu p50`]: percentile(cpu, 0.5),
    [`${name} cpu mean`]: mean(cpu),
    [`${name} wall p50`]: percentile(wall, 0.5),
    [`${name} wall p99`]: percentile(wall, 0.99),
  };
}

/** The CPU cost of some rounds as a multiple of others, by median and by mean. */
export function ratio(name: string, costs: readonly Cost[], others: readonly Cost[]): Record<string, number> {
  const [a, b] = [costs, others].map((all) => all.map(({ cpu }) => cpu)) as [number[], number[]];
  return {
    [`${name} p50`]: percentile(a, 0.5) / percentile(b, 0.5),
    [`${name} mean`]: mean(a) / mean(b),
  };
}

/** Runs work once, and returns its cost for this process. */
export async function costOfThis(work: () => void | Promise<void>): Promise<Cost> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1000, wall: performance.now() - start };
}

/** To two decimals. */
export function rounded(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Math.round(value * 100) / 100]));
}

/** One row per number, one column per count of containers. */
export function transposed(
  results: readonly Record<string, number>[],
): Record<string, Record<string, number | undefined>> {
  const names = Object.keys(results[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(results.map((result) => [`n=${result['containers']}`, result[name]])),
    ]),
  );
}
