import { oomKills } from './annotations.ts';
import { thresholds } from './colours.ts';
import { CONTAINER_COLUMNS } from './columns.ts';
import type { Board } from './dashboard.ts';
import { BY_SEVERITY, FINDING, findingRows, SERIOUS, SEVERITY_COLOURS, SEVERITY_COLUMN } from './findings.ts';
import { type Row, sized } from './layout.ts';
import { CONTAINERS_BY_LEVEL, LEVELS, LEVEL_NAMES } from './levels.ts';
import { UIDS } from './links.ts';
import { coloured } from './overrides.ts';
import { LIMITS, NAMESPACES, PRIVILEGES } from './posture-tables.ts';
import { IDENTITY, onHosts } from './queries.ts';
import { last, range, rows } from './query.ts';
import { bargauge, gauge } from './single-values.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';
import { HOST_VARIABLES } from './variables.ts';

const overview: Row = {
  title: 'Overview',
  panels: [
    sized(
      5,
      8,
      gauge({
        title: 'Containers with a serious finding',
        what: 'The part of the containers with at least one finding of severity critical or high: something that lets whoever is inside reach the host, or nearly so.',
        from: 'isolation_container_finding; docs/findings.md says what each means.',
        red: 'start with the findings of severity critical, then with those that most containers have: often it is one template.',
        queries: [
          last(
            `sum(max by (${IDENTITY}) (${onHosts(FINDING, SERIOUS)})) / (sum(${onHosts('isolation_containers')}) > 0)`,
            'containers',
          ),
        ],
        unit: 'percentunit',
        decimals: 0,
        min: 0,
        max: 1,
        thresholds: thresholds('green', [0.05, 'orange'], [0.2, 'red']),
      }),
    ),
    sized(
      7,
      8,
      bargauge({
        title: 'Containers by isolation level',
        what: 'How many containers reach each level, from host-like to a virtual machine of their own; unknown are those that the exporter may not look into.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices of each container, put together.',
        red: 'a host-like or weakened container lost something that engines give by default; the tables below say what.',
        queries: CONTAINERS_BY_LEVEL,
        unit: 'short',
        min: 0,
        overrides: [...LEVELS.map(({ name, colour }) => coloured(name, colour)), coloured('unknown', 'text')],
      }),
    ),
    sized(
      12,
      8,
      table({
        title: 'The weakest containers',
        what: 'The containers of the two lowest levels. Where the level is not certain it may be higher: what could not be read is taken for the worst.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices of each container, put together.',
        red: 'open its board: the findings there say why and how to mend it.',
        queries: [
          rows(`max by (${IDENTITY}) (${onHosts('isolation_container_isolation_level')}) < 2`),
          rows(
            `max by (${IDENTITY}) (${onHosts('isolation_container_isolation_level_certain')}) and on (${IDENTITY}) ${onHosts('isolation_container_isolation_level')} < 2`,
          ),
        ],
        columns: [
          ...CONTAINER_COLUMNS,
          { field: 'Value #A', header: 'Level', width: 100, mappings: LEVEL_NAMES },
          { field: 'Value #B', header: 'Certain', width: 80, unit: 'bool_yes_no' },
        ],
        sortBy: [{ header: 'Level', order: 'ascending' }],
        noValue: 'None is below standard',
      }),
    ),
    sized(
      7,
      10,
      bargauge({
        title: 'Findings by kind',
        what: 'How many containers have each finding, the 15 most frequent of severity low and above.',
        from: 'isolation_container_finding; docs/findings.md says what each means.',
        queries: [last(`topk(15, sum by (finding) (${onHosts(FINDING, 'severity!="info"')}) > 0)`, '{{finding}}')],
        unit: 'short',
        min: 0,
        noValue: 'Nothing found',
      }),
    ),
    sized(
      7,
      10,
      timeseries({
        title: 'Findings over time',
        what: 'Findings of all containers by severity. A step up is something that was started or changed then.',
        from: 'isolation_container_finding.',
        red: 'look at what was deployed at that time.',
        queries: [range(`sum by (severity) (${onHosts(FINDING)})`, '{{severity}}')],
        unit: 'short',
        stacked: 'stacked',
        overrides: SEVERITY_COLOURS,
      }),
    ),
    sized(
      10,
      10,
      table({
        title: 'Critical and high findings',
        what: 'What lets whoever is inside a container reach its host, or nearly so.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices of the processes.',
        red: 'docs/findings.md says how to mend it.',
        queries: [findingRows(onHosts, 'high')],
        columns: [{ field: 'finding', header: 'Finding' }, SEVERITY_COLUMN, ...CONTAINER_COLUMNS],
        sortBy: BY_SEVERITY,
        noValue: 'None',
      }),
    ),
  ],
};

/** How well containers are kept apart, and what is to be mended. */
export const posture: Board = {
  uid: UIDS.posture,
  title: 'Isolation / Posture',
  description: 'How containers are kept apart from their hosts and from each other, and what is wrong with it.',
  variables: HOST_VARIABLES,
  annotations: [oomKills((metric) => onHosts(metric))],
  rows: [overview, NAMESPACES, LIMITS, PRIVILEGES],
};
