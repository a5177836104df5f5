import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { parseIrqPressure, type Pressure, parsePressure } from '../kernel/pressure.ts';
import { unseenAsUndefined } from '../kernel/errno.ts';
import { parsedFile, parsedOrUnreadable } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Family, oncePerScrape, type Scrape } from './collector.ts';

const RESOURCES = ['cpu', 'memory', 'io', 'irq'] as const;

/** Flat, because a reading is compared with that of the last scrape member by member. In microseconds. */
type PressureReading = Readonly<Record<`${(typeof RESOURCES)[number]}${'Some' | 'Full'}`, number | undefined>>;

/** Pressure stall information: time spent waiting for CPU, memory, I/O and interrupts. */
export const pressure: Collector = defineContainerCollector({
  name: 'pressure',
  help: 'Time spent waiting for CPU, memory, I/O and interrupts (PSI).',
  read({ files }, scrape): PressureReading {
    const { cpu, memory, io } = readPressure(files);
    return {
      cpuSome: cpu?.some,
      cpuFull: cpu?.full,
      memorySome: memory?.some,
      memoryFull: memory?.full,
      ioSome: io?.some,
      ioFull: io?.full,
      // Interrupts stop all tasks, so the kernel has no `some` for them.
      irqSome: undefined,
      irqFull: readIrq(files, cpu !== undefined, scrape),
    };
  },
  families: [
    byResource(
      'isolation_container_pressure_waiting_seconds_total',
      'Time in which at least one task waited for the resource: some of cpu.pressure, memory.pressure, io.pressure.',
      'Some',
    ),
    byResource(
      'isolation_container_pressure_stalled_seconds_total',
      'Time in which all non-idle tasks waited for the resource: full of cpu.pressure, memory.pressure, io.pressure, and of irq.pressure (interrupts, where the kernel accounts their time).',
      'Full',
    ),
  ],
});

/** Reads the pressure of a cgroup, without that of interrupts. */
export function readPressure(files: CgroupFiles): Readonly<Record<'cpu' | 'memory' | 'io', Pressure | undefined>> {
  return {
    cpu: read(files, 'cpu.pressure'),
    memory: read(files, 'memory.pressure'),
    io: read(files, 'io.pressure'),
  };
}

function read(files: CgroupFiles, name: string): Pressure | undefined {
  return parsedFile(files, 'unified', name, parsePressure);
}

/**
 * Whether this kernel may account the time of interrupts. If it does not, no cgroup has the file, or none can be read. A cgroup
 * without the file is not enough: its container may have switched its pressure off at that moment. The host must lack it too.
 */
const mayAccountIrq = oncePerScrape(() => ({ still: true }));

const hostAccountsIrq = oncePerScrape(
  ({ kernel }) => unseenAsUndefined(() => kernel.proc('pressure/irq')) !== undefined,
);

function readIrq(files: CgroupFiles, hasPressure: boolean, scrape: Scrape): number | undefined {
  const mayAccount = mayAccountIrq(scrape);
  if (!mayAccount.still) return undefined;
  const full = parsedOrUnreadable(files, 'unified', 'irq.pressure', parseIrqPressure);
  if (full === undefined && hasPressure && !files.gone) mayAccount.still = hostAccountsIrq(scrape);
  return typeof full === 'number' ? full : undefined;
}

function byResource(name: string, help: string, who: 'Some' | 'Full'): Family<PressureReading> {
  const members = RESOURCES.map((resource) => [resource, `${resource}${who}`] as const);
  return {
    name,
    type: 'counter',
    since: 'cgroup',
    help: `${help} Absent if PSI is off, and on cgroup v1 without a cgroup2 hierarchy beside it.`,
    labels: ['resource'],
    samples(reading, emit) {
      for (const [resource, member] of members) {
        const lost = reading[member];
        if (lost !== undefined) emit(lost / 1e6, resource);
      }
    },
  };
}
