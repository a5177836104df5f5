import { cpu } from './cpu.ts';
import { health } from './health.ts';
import { hugetlb } from './hugetlb.ts';
import { io } from './io.ts';
import { layers } from './layers.ts';
import { machine } from './machine.ts';
import { memory } from './memory.ts';
import { network } from './network.ts';
import { oom } from './oom.ts';
import { pressure } from './pressure.ts';
import { pids, ulimits } from './processes.ts';
import { spec } from './spec.ts';
import { start } from './start.ts';
import type { CadvisorView } from './view.ts';

/** All views, in the order of the exposition: what shows that a container runs, what limits it, what it uses. */
export const views: readonly CadvisorView[] = [
  machine,
  start,
  spec,
  cpu,
  memory,
  pids,
  ulimits,
  oom,
  health,
  pressure,
  io,
  hugetlb,
  network,
  layers,
];
