/** The value below which a share of the values lies (nearest rank); NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** What rounds of work cost, in milliseconds. */
export interface Cost {
  /** Mean of a round. */
  readonly cpu: number;
  readonly wallP50: number;
  readonly wallP99: number;
}

/** Runs the work some times and says what a round cost; `cpuNow` in milliseconds. */
export async function costOf(rounds: number, cpuNow: () => number, work: () => void | Promise<void>): Promise<Cost> {
  const walls: number[] = [];
  const before = cpuNow();
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    walls.push(performance.now() - start);
  }
  const cpu = (cpuNow() - before) / rounds;
  return { cpu, wallP50: percentile(walls, 0.5), wallP99: percentile(walls, 0.99) };
}

/** CPU time of this process in milliseconds. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
