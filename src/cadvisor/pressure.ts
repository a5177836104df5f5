import { readPressure } from '../collectors/pressure.ts';
import { type CadvisorFamily, defineContainerView, ours } from './view.ts';

type Reading = ReturnType<typeof readPressure>;

/** Pressure stall information. */
export const pressure = defineContainerView({
  name: 'pressure',
  read: ({ files }) => readPressure(files),
  families: (['cpu', 'memory', 'io'] as const).flatMap((resource): CadvisorFamily<Reading>[] => [
    family(resource, 'waiting', 'some'),
    family(resource, 'stalled', 'full'),
  ]),
});

function family(resource: keyof Reading, what: 'waiting' | 'stalled', key: 'some' | 'full'): CadvisorFamily<Reading> {
  const who = what === 'waiting' ? 'at least one task waited' : 'all tasks waited';
  return {
    name: `container_pressure_${resource}_${what}_seconds_total`,
    type: 'counter',
    help: `Time in which ${who} for ${resource}, in seconds.`,
    value(reading) {
      const microseconds = reading[resource]?.[key];
      return microseconds === undefined ? undefined : microseconds / 1e6;
    },
    ours: ours(`pressure_${what}_seconds_total{resource="${resource}"}`),
    differs: 'True on hybrid hosts, where cAdvisor has 0. Absent where the kernel has none.',
  };
}
