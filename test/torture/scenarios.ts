/** How the containers of a scenario die: see kill.pl. */
export type WayToDie = 'main' | 'child' | 'nested' | 'moved' | 'group' | 'reused' | 'mixed';

/** How a scenario disturbs the exporter, or a source that it relies on, while containers die. */
export type Trouble = 'none' | 'no kmsg' | 'SIGKILL' | 'SIGKILL each minute' | 'overrun' | 'clock';

/** A number of OOM kills, and the conditions under which they happen. */
export interface Scenario {
  readonly name: string;
  readonly way: WayToDie;
  readonly containers: number;
  /** Containers started per second. */
  readonly rate: number;
  /** How long a container lives until its kill, in ms. */
  readonly lifeMs: number;
  readonly trouble: Trouble;
  /** The only cgroup version for the scenario, if it makes no sense or is impossible on the other one. */
  readonly only?: 1 | 2;
}

const calm = { rate: 1, trouble: 'none' } as const;
const storm = { rate: 26, trouble: 'none' } as const;
const mixed = { way: 'mixed', lifeMs: 200, rate: 26, trouble: 'SIGKILL each minute' } as const;

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'calm', way: 'main', containers: 10, lifeMs: 200, ...calm },
  { name: 'calm, a child is killed', way: 'child', containers: 10, lifeMs: 100, ...calm },
  { name: 'calm, without kmsg', way: 'main', containers: 10, lifeMs: 200, rate: 1, trouble: 'no kmsg' },
  { name: 'burst of 15', way: 'main', containers: 15, lifeMs: 100, rate: 1_000, trouble: 'none' },
  { name: 'storm of 10/s', way: 'main', containers: 150, lifeMs: 200, rate: 10, trouble: 'none' },
  { name: 'storm of 26/s', way: 'main', containers: 400, lifeMs: 200, ...storm },
  { name: 'storm of 26/s', way: 'main', containers: 200, lifeMs: 100, ...storm },
  { name: 'storm of 26/s', way: 'main', containers: 200, lifeMs: 50, ...storm },
  { name: 'storm, a child is killed', way: 'child', containers: 200, lifeMs: 200, ...storm },
  { name: 'storm, nested containers', way: 'nested', containers: 200, lifeMs: 200, ...storm },
  { name: 'storm, moved into inner cgroups', way: 'moved', containers: 200, lifeMs: 200, ...storm },
  { name: 'storm, one path reused', way: 'reused', containers: 60, lifeMs: 50, ...storm },
  { name: 'groups of five', way: 'group', containers: 20, lifeMs: 200, rate: 1, trouble: 'none', only: 2 },
  { name: 'storm of groups of five', way: 'group', containers: 40, lifeMs: 200, rate: 5, trouble: 'none', only: 2 },
  { name: 'groups, without kmsg', way: 'group', containers: 10, lifeMs: 200, rate: 1, trouble: 'no kmsg', only: 2 },
  { name: 'storm, without kmsg', way: 'main', containers: 200, lifeMs: 200, rate: 26, trouble: 'no kmsg' },
  { name: 'storm, exporter killed', way: 'main', containers: 200, lifeMs: 200, rate: 26, trouble: 'SIGKILL' },
  { name: 'moved, exporter killed', way: 'moved', containers: 100, lifeMs: 200, rate: 10, trouble: 'SIGKILL' },
  // Overrunning the log requires a switch that affects the whole machine.
  { name: 'storm, kmsg overrun', way: 'main', containers: 100, lifeMs: 200, rate: 26, trouble: 'overrun', only: 2 },
  { name: '10,000 of all kinds, exporter killed each minute', containers: 10_000, ...mixed, only: 1 },
  { name: '2,000 of all kinds, exporter killed each minute', containers: 2_000, ...mixed, only: 2 },
  {
    name: 'many containers, the clock is set two hours forward, then back',
    way: 'main',
    containers: 3_000,
    lifeMs: 50,
    rate: 40,
    trouble: 'clock',
    only: 1,
  },
];

/** The scenarios that are short enough for CI: one of each kind. Their results must not depend on the load. */
export const QUICK_SCENARIOS: readonly Scenario[] = [
  { name: 'storm of 26/s', way: 'main', containers: 60, lifeMs: 200, ...storm },
  { name: 'storm, moved into inner cgroups', way: 'moved', containers: 40, lifeMs: 100, ...storm },
  { name: 'storm, one path reused', way: 'reused', containers: 10, lifeMs: 50, ...storm },
  { name: 'storm, without kmsg', way: 'main', containers: 30, lifeMs: 100, rate: 26, trouble: 'no kmsg' },
  { name: 'storm, exporter killed', way: 'main', containers: 60, lifeMs: 100, rate: 26, trouble: 'SIGKILL' },
];
