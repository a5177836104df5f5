import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import { type Bytes, cannotParse, textOf } from '../kernel/bytes.ts';
import { flatKeyedParser } from '../kernel/flat-keyed.ts';
import { parsedFile } from './cgroup-value.ts';
import { type Collector, defineContainerCollector } from './collector.ts';

interface FreezerReading {
  readonly frozen: boolean | undefined;
  /** Seconds since the cgroup was created. */
  readonly frozenTime: number | undefined;
}

/** Whether the container is frozen, and for how long it has been. */
export const freezer: Collector = defineContainerCollector({
  name: 'freezer',
  help: 'Whether containers are frozen (paused), and for how long.',
  read: ({ files }): FreezerReading => (files.versionOf('freezer') === 1 ? readV1(files) : readV2(files)),
  families: [
    {
      name: 'isolation_container_frozen',
      type: 'gauge',
      help: 'Whether all processes of the container are frozen (1), as docker pause does, by it or by a cgroup above: frozen of cgroup.events (v1: FROZEN in freezer.state). Absent before Linux 5.2 on cgroup v2.',
      value: ({ frozen }) => (frozen === undefined ? undefined : Number(frozen)),
    },
    {
      name: 'isolation_container_frozen_seconds_total',
      type: 'counter',
      since: 'cgroup',
      help: 'Time that the container was frozen: frozen_usec of cgroup.stat.local. Absent before Linux 6.18, and where the freezer is on cgroup v1.',
      value: ({ frozenTime }) => frozenTime,
    },
  ],
});

/** `THAWED`, `FREEZING` or `FROZEN` (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst). */
function isFrozen(bytes: Bytes): boolean {
  const state = textOf(bytes).trimEnd();
  if (!['THAWED', 'FREEZING', 'FROZEN'].includes(state)) throw cannotParse('a state of the freezer', bytes);
  return state === 'FROZEN';
}

function readV1(files: CgroupFiles): FreezerReading {
  return { frozen: parsedFile(files, 'freezer', 'freezer.state', isFrozen), frozenTime: undefined };
}

const parseEvents = flatKeyedParser(['frozen']);
const parseLocalStat = flatKeyedParser(['frozen_usec']);

function readV2(files: CgroupFiles): FreezerReading {
  const frozen = parsedFile(files, 'unified', 'cgroup.events', parseEvents)?.frozen;
  const time = parsedFile(files, 'unified', 'cgroup.stat.local', parseLocalStat)?.frozen_usec;
  return {
    frozen: frozen === 0 || frozen === 1 ? frozen === 1 : undefined,
    frozenTime: time === undefined ? undefined : time / 1e6,
  };
}
