import { readCpu } from '../collectors/cpu.ts';
import { defineContainerView, ours } from './view.ts';

/** CPU time and throttling. */
export const cpu = defineContainerView({
  name: 'cpu',
  read: readCpu,
  families: [
    {
      name: 'container_cpu_usage_seconds_total',
      type: 'counter',
      help: 'CPU time used, in seconds.',
      labels: ['cpu'],
      samples({ usage }, emit) {
        if (usage !== undefined) emit(usage, 'total');
      },
      ours: ours('cpu_usage_seconds_total'),
      differs:
        'Always `cpu="total"`, as on cgroup v2. On v1 cAdvisor can have a series for each CPU (`cpu="cpu00"`). Also while it is 0.',
    },
    {
      name: 'container_cpu_user_seconds_total',
      type: 'counter',
      help: 'CPU time in user mode, in seconds.',
      value: ({ user }) => user,
      ours: ours('cpu_user_seconds_total'),
    },
    {
      name: 'container_cpu_system_seconds_total',
      type: 'counter',
      help: 'CPU time in the kernel, in seconds.',
      value: ({ system }) => system,
      ours: ours('cpu_system_seconds_total'),
    },
    {
      name: 'container_cpu_cfs_periods_total',
      type: 'counter',
      help: 'Enforcement periods of the quota.',
      value: ({ periods }) => periods,
      ours: ours('cpu_periods_total'),
    },
    {
      name: 'container_cpu_cfs_throttled_periods_total',
      type: 'counter',
      help: 'Enforcement periods in which the quota ran out.',
      value: ({ throttledPeriods }) => throttledPeriods,
      ours: ours('cpu_throttled_periods_total'),
    },
    {
      name: 'container_cpu_cfs_throttled_seconds_total',
      type: 'counter',
      help: 'Time held back by the quota, summed over CPUs, in seconds.',
      value: ({ throttled }) => throttled,
      ours: ours('cpu_throttled_seconds_total'),
    },
    {
      name: 'container_cpu_cfs_burst_seconds_total',
      type: 'counter',
      help: 'Time used beyond the quota, in seconds.',
      value: ({ burst }) => burst,
      ours: ours('cpu_burst_seconds_total'),
      differs: 'Also on cgroup v1, where cAdvisor has 0. Absent before Linux 5.14.',
    },
  ],
});
