import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { parseMisc } from '../kernel/resource-values.ts';
import { parsedFile } from './cgroup-value.ts';
import { type Collector, defineContainerCollector, type Family } from './collector.ts';

type Values = ReadonlyMap<string, number> | undefined;

interface MiscReading {
  readonly current: Values;
  readonly limits: Values;
  readonly events: Values;
}

const ABSENT =
  'Absent for a resource that the host does not have, and without the misc controller (Linux 5.13, cgroup v2).';

/** Scarce resources of the host, such as keys for encrypted virtual machines. */
export const misc: Collector = defineContainerCollector({
  name: 'misc',
  help: 'Scarce resources of the misc controller, such as keys of encrypted virtual machines.',
  offByDefault: true,
  read: ({ files }): MiscReading => ({
    current: read(files, 'misc.current'),
    limits: read(files, 'misc.max'),
    events: read(files, 'misc.events'),
  }),
  families: [
    byResource(
      'isolation_container_misc_usage',
      'gauge',
      `In use, by resource: misc.current. ${ABSENT}`,
      (reading) => reading.current,
    ),
    byResource(
      'isolation_container_misc_limit',
      'gauge',
      `Limit of the container's own cgroup, by resource: misc.max. Absent if unlimited. ${ABSENT}`,
      (reading) => reading.limits,
    ),
    byResource(
      'isolation_container_misc_limit_hits_total',
      'counter',
      `Times that the container or a cgroup inside was refused a resource: <resource>.max of misc.events, Linux 5.17. ${ABSENT}`,
      (reading) => reading.events,
    ),
  ],
});

function read(files: CgroupFiles, name: string): Values {
  return parsedFile(files, 'misc', name, parseMisc);
}

function byResource(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  valuesOf: (reading: MiscReading) => Values,
): Family<MiscReading> {
  return {
    name,
    type,
    ...(type === 'counter' && { since: 'cgroup' }),
    help,
    labels: ['resource'],
    samples(reading, emit) {
      for (const [key, value] of valuesOf(reading) ?? []) {
        if (value === Infinity) continue;
        if (type === 'gauge') emit(value, key);
        else if (key.endsWith('.max')) emit(value, key.slice(0, -'.max'.length));
      }
    },
  };
}
