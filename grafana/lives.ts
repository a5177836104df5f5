import { NONE_IS_GOOD_FEW_ARE_NOT, thresholds, values } from './colours.ts';
import { CONTAINER_COLUMNS, CONTAINER_LEGEND } from './columns.ts';
import { type Row, sized } from './layout.ts';
import { SERIES_TO_CONTAINER } from './links.ts';
import { ageOf, eventsIn, growth, IDENTITY, ofContainer, onHosts } from './queries.ts';
import { events, last, rows } from './query.ts';
import { stat } from './single-values.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

const ENGINE_SAYS = 'what Docker, Podman or the container runtime says; nothing without it.';
const UNHEALTHY = onHosts('isolation_container_health_status', 'status="unhealthy"');
const ENDED = onHosts('isolation_container_ended');
const ofEnded = (metric: string) => `max by (${IDENTITY}) (${onHosts(metric)} and ${ENDED})`;
const NO_OR_YES = values({ 0: ['no', 'text'], 1: ['yes', 'red'] });
const CODE = thresholds('text', [1, 'orange']);

/** What engines say about the lives of the containers of all hosts. */
export const LIVES: Row = {
  title: 'Health checks and ends',
  panels: [
    sized(
      8,
      8,
      table({
        title: 'Unhealthy containers',
        what: 'Containers whose health check fails.',
        from: ENGINE_SAYS,
        queries: [rows(UNHEALTHY)],
        columns: CONTAINER_COLUMNS,
        noValue: 'None',
      }),
    ),
    sized(
      16,
      8,
      table({
        title: 'Containers that have ended',
        what: 'Containers that do not run and that their engine keeps, the last one first, with how they ended. At most 100 for each engine.',
        from: ENGINE_SAYS,
        red: 'an exit code other than 0 is a failure; 137 is SIGKILL, by the OOM killer or by somebody. A container that should run has its own alert.',
        queries: [
          rows(ageOf(ofEnded('isolation_container_exit_timestamp_seconds'))),
          rows(ofEnded('isolation_container_exit_code')),
          rows(ofEnded('isolation_container_exit_oom_killed')),
          rows(ofEnded('isolation_container_expected_up')),
        ],
        columns: [
          ...CONTAINER_COLUMNS,
          { field: 'Value #A', header: 'Ended', unit: 's', decimals: 0, width: 110 },
          { field: 'Value #B', header: 'Exit code', unit: 'short', width: 100, thresholds: CODE },
          { field: 'Value #C', header: 'OOM-killed', width: 110, mappings: NO_OR_YES },
          { field: 'Value #D', header: 'Should run', width: 110, mappings: values({ 0: ['yes', 'red'] }) },
        ],
        sortBy: [{ header: 'Ended', order: 'ascending' }],
        noValue: 'None',
      }),
    ),
    sized(
      24,
      7,
      timeseries({
        title: 'Restarts by engines (top 10)',
        what: 'How often engines restarted containers because of their restart policy. Each bar covers one to two minutes.',
        from: 'RestartCount of Docker and Podman, attempt of the kubelet.',
        queries: [events(`topk(10, ${growth(onHosts('isolation_container_restarts_total'))} > 0)`, CONTAINER_LEGEND)],
        unit: 'short',
        draw: 'bars',
        stacked: 'stacked',
        softMax: 1,
        links: [SERIES_TO_CONTAINER],
      }),
    ),
  ],
};

const has = (status: string, value: number) =>
  `count(${ofContainer('isolation_container_health_status', `status="${status}"`)}) * 0 + ${value}`;

/** What its engine says about the life of one container. */
export const LIFE: Row = {
  title: 'Health check and last end',
  panels: [
    sized(
      6,
      4,
      stat({
        title: 'Health check',
        what: 'The result of the health check of the container. Unknown while its engine does not answer.',
        from: 'State.Health of Docker and Podman.',
        red: 'see what the check printed: docker inspect shows it in State.Health.Log.',
        queries: [last(`${has('unhealthy', 0)} or ${has('starting', 1)} or ${has('healthy', 2)}`, 'health')],
        unit: 'none',
        mappings: values({ 0: ['unhealthy', 'red'], 1: ['starting', 'text'], 2: ['healthy', 'green'] }),
        noValue: 'no check, or unknown',
      }),
    ),
    sized(
      6,
      4,
      stat({
        title: 'Last exit code',
        what: 'How the container last ended, while its engine keeps it: 0 is success, 128 and more the number of a signal (137 is SIGKILL).',
        from: ENGINE_SAYS,
        red: 'see its logs, and for 137 whether the OOM killer ended it.',
        queries: [last(`max(${ofContainer('isolation_container_exit_code')})`, 'code')],
        unit: 'none',
        thresholds: thresholds('green', [1, 'orange']),
        noValue: 'none',
      }),
    ),
    sized(
      6,
      4,
      stat({
        title: 'Last end',
        what: 'When the container last ended, while its engine keeps it.',
        from: ENGINE_SAYS,
        queries: [last(`max(${ofContainer('isolation_container_exit_timestamp_seconds')}) * 1000`, 'ended')],
        unit: 'dateTimeFromNow',
        noValue: 'none',
      }),
    ),
    sized(
      6,
      4,
      stat({
        title: 'Restarts by the engine in range',
        what: 'How often the engine restarted the container in the time range because of its restart policy.',
        from: 'RestartCount of Docker and Podman, attempt of the kubelet.',
        red: 'see the last exit code and the logs.',
        queries: [last(`sum(${eventsIn('$__range', ofContainer('isolation_container_restarts_total'))})`, 'restarts')],
        unit: 'short',
        thresholds: NONE_IS_GOOD_FEW_ARE_NOT,
        noValue: 'no restart policy',
      }),
    ),
  ],
};
