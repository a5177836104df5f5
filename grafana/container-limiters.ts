import { thresholds, USE_OF_LIMIT } from './colours.ts';
import { type Row, sized } from './layout.ts';
import { growth, ofContainer, rate, share } from './queries.ts';
import { events, range, rows } from './query.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

/** A metric of the other cgroups that limit the selected container. */
const ofLimiters = (metric: string) => ofContainer(`isolation_container_limiter_${metric}`);

/** Drops the metric name, so that the rows of a cgroup merge into one. */
const byCgroup = (metric: string) => rows(`max by (instance, scope, cgroup) (${ofLimiters(metric)})`);

const LEGEND = '{{scope}} {{cgroup}}';

/** Limits above and inside the container. */
export const LIMITERS: Row = {
  title: 'Limits of other cgroups',
  panels: [
    sized(
      24,
      5,
      table({
        title: 'Cgroups that limit this container',
        what: 'Cgroups other than its own whose limits hold for this container: its pod, task or unit, one that it shares with strangers, or one inside it. Their use counts everybody in them.',
        from: 'memory.max, memory.high, memory.current, cpu.max, pids.max and pids.current from the cgroup of the init process to the root.',
        queries: [
          byCgroup('memory_limit_bytes'),
          byCgroup('memory_high_bytes'),
          byCgroup('memory_usage_bytes'),
          byCgroup('cpu_limit_cores'),
          byCgroup('pids_limit'),
          byCgroup('pids'),
        ],
        columns: [
          { field: 'scope', header: 'Whose', width: 100 },
          { field: 'cgroup', header: 'Cgroup' },
          { field: 'Value #A', header: 'Memory limit', unit: 'bytes', width: 120 },
          { field: 'Value #B', header: 'memory.high', unit: 'bytes', width: 120 },
          { field: 'Value #C', header: 'Memory usage', unit: 'bytes', width: 120 },
          { field: 'Value #D', header: 'CPU limit (cores)', unit: 'short', width: 140 },
          { field: 'Value #E', header: 'PIDs limit', unit: 'short', width: 100 },
          { field: 'Value #F', header: 'PIDs', unit: 'short', width: 100 },
          { field: 'instance', header: 'Host' },
        ],
        noValue: 'Only its own limits hold',
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Memory of limiting cgroups, % of limit',
        what: 'Memory of each limiting cgroup that the kernel cannot free, as a share of its limit. The dashed lines are at 80 % and 90 %.',
        from: 'memory.stat (anonymous memory, tmpfs, kernel memory) over memory.max of the limiting cgroup.',
        red: 'the containers in it are near their common limit, even if each is far from its own.',
        queries: [range(share(ofLimiters('memory_unreclaimable_bytes'), ofLimiters('memory_limit_bytes')), LEGEND)],
        unit: 'percentunit',
        softMax: 1,
        thresholds: USE_OF_LIMIT,
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'CPU throttling by limiting cgroups',
        what: 'Share of periods in which the quota of a limiting cgroup ran out, and seconds throttled per second. The dashed line is at 25 %.',
        from: 'nr_throttled over nr_periods, and throttled_usec, of cpu.stat of the limiting cgroup.',
        red: 'everything in that cgroup is held back, this container too.',
        queries: [
          range(
            share(rate(ofLimiters('cpu_throttled_periods_total')), rate(ofLimiters('cpu_periods_total'))),
            `periods: ${LEGEND}`,
          ),
          range(rate(ofLimiters('cpu_throttled_seconds_total')), `time: ${LEGEND}`),
        ],
        unit: 'percentunit',
        softMax: 1,
        thresholds: thresholds('green', [0.25, 'orange']),
      }),
    ),
    sized(
      8,
      8,
      timeseries({
        title: 'Limit hits of limiting cgroups',
        what: 'How often the memory and PIDs limits of other cgroups were met. Scope unknown: the kernel does not say which of several PIDs limits refused the fork.',
        from: 'memory.events.local and pids.events.local of the limiting cgroup (v1: memory.failcnt, memory.memsw.failcnt, pids.events).',
        red: 'that limit is too low for all that is in the cgroup, or one of them uses too much.',
        queries: [
          events(growth(ofLimiters('memory_events_total')), `memory {{event}}: ${LEGEND}`),
          events(growth(ofLimiters('pids_limit_hits_total')), `forks refused: ${LEGEND}`),
        ],
        unit: 'short',
        draw: 'bars',
        softMax: 1,
      }),
    ),
  ],
};
