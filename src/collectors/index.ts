import type { Collector } from './collector.ts';
import { cpu } from './cpu.ts';
import { descriptors } from './descriptors.ts';
import { drift } from './drift.ts';
import { exits } from './exits.ts';
import { allFindings, findings } from './findings.ts';
import { freezer } from './freezer.ts';
import { health } from './health.ts';
import { host } from './host.ts';
import { hugetlb } from './hugetlb.ts';
import { info } from './info.ts';
import { inventory } from './inventory.ts';
import { io } from './io.ts';
import { labels } from './labels.ts';
import { layers } from './layers.ts';
import { limiters } from './limiters.ts';
import { limits } from './limits.ts';
import { memory } from './memory.ts';
import { misc } from './misc.ts';
import { namespaces } from './namespaces.ts';
import { network } from './network.ts';
import { oom } from './oom.ts';
import { pids } from './pids.ts';
import { posture } from './posture.ts';
import { pressure } from './pressure.ts';
import { rdma } from './rdma.ts';
import { standards } from './standards.ts';
import { starts } from './starts.ts';
import { uclamp } from './uclamp.ts';
import { zswap } from './zswap.ts';

/** All collectors, in the order of the exposition: cheap and important ones first. */
export const collectors: readonly Collector[] = [
  inventory,
  host,
  info,
  labels,
  namespaces,
  limits,
  limiters,
  posture,
  findings,
  drift,
  standards,
  oom,
  starts,
  health,
  exits,
  memory,
  cpu,
  pids,
  freezer,
  descriptors,
  pressure,
  io,
  hugetlb,
  network,
  layers,
  zswap,
  uclamp,
  misc,
  rdma,
];

/** The collectors, with each known answer of {@link findings} on request. */
export function collectorsWith(options: { readonly allFindings: boolean }): readonly Collector[] {
  return options.allFindings ? collectors.map((each) => (each === findings ? allFindings : each)) : collectors;
}
