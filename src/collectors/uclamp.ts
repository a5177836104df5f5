import { type Bytes, cannotParse, textOf } from '../kernel/bytes.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { parsedFile } from './cgroup-value.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

/** Shares of a CPU's maximum capacity, from 0 to 1. */
interface Clamps {
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/** The range of utilization that the scheduler assumes for the container's tasks. */
export const uclamp: Collector = defineContainerCollector({
  name: 'uclamp',
  help: 'Utilization clamps of the scheduler.',
  offByDefault: true,
  read: ({ files }): Clamps => ({ min: read(files, 'cpu.uclamp.min'), max: read(files, 'cpu.uclamp.max') }),
  families: [
    {
      name: 'isolation_container_cpu_uclamp_min_ratio',
      type: 'gauge',
      help: 'Lowest utilization that the scheduler assumes, as a part of the highest performance of a CPU: cpu.uclamp.min. Absent before Linux 5.4, without CONFIG_UCLAMP_TASK_GROUP and without the cpu controller.',
      value: ({ min }) => min,
    },
    {
      name: 'isolation_container_cpu_uclamp_max_ratio',
      type: 'gauge',
      help: 'Highest utilization that the scheduler assumes, which holds the frequency of the CPU down: cpu.uclamp.max. Absent as isolation_container_cpu_uclamp_min_ratio.',
      value: ({ max }) => max,
    },
  ],
});

function read(files: CgroupFiles, name: string): number | undefined {
  return parsedFile(files, 'cpu', name, parsePercentage);
}

/** `0.00`, `37.50` or `max`, which is 100. */
function parsePercentage(bytes: Bytes): number {
  const text = textOf(bytes).trim();
  if (text === 'max') return 1;
  const ratio = /^\d{1,3}\.\d\d$/.test(text) ? Number(text) / 100 : NaN;
  if (!(ratio <= 1)) throw cannotParse('a percentage', bytes);
  return ratio;
}
