import { ACCEPTANCES } from './acceptances.ts';
import { drifts, oomKills } from './annotations.ts';
import { thresholds } from './colours.ts';
import { CONTAINER_COLUMNS } from './columns.ts';
import type { Board } from './dashboard.ts';
import {
  ACCEPTED,
  BY_SEVERITY,
  findingRows,
  LOOKED_AT,
  openFindings,
  SERIOUS,
  SEVERITY_COLOURS,
  SEVERITY_COLUMN,
} from './findings.ts';
import { type Row, sized } from './layout.ts';
import { CONTAINERS_BY_LEVEL, LEVELS, LEVEL_NAMES } from './levels.ts';
import { UIDS } from './links.ts';
import { coloured } from './overrides.ts';
import { POD_SECURITY } from './pod-security.ts';
import { LIMITS, NAMESPACES, PRIVILEGES } from './posture-tables.ts';
import { IDENTITY, onHosts } from './queries.ts';
import { last, range, rows } from './query.ts';
import { bargauge, gauge } from './single-values.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';
import { HOST_VARIABLES, TEAM_LABEL } from './variables.ts';

const overview: Row = {
  title: 'Overview',
  panels: [
    sized(
      5,
      8,
      gauge({
        title: 'Containers with critical or high findings',
        what: 'Share of containers with at least one critical or high finding that nobody has accepted: a hole that gives access to the host, or nearly so.',
        from: 'isolation_container_finding, from namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'start with critical findings, then with those that most containers have: often one template is the cause.',
        queries: [
          last(
            `sum(max by (${IDENTITY}) (${openFindings(onHosts, SERIOUS)}) or max by (${IDENTITY}) (${onHosts(LOOKED_AT)}) * 0) / (sum(${onHosts('isolation_containers')}) > 0)`,
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
        what: 'Containers at each isolation level, from host-like to microVM. Unknown: the exporter is not allowed to inspect them.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'host-like and weakened containers lack protection that engines give by default. The tables below show what.',
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
        title: 'Weakest containers',
        what: 'Containers at the two lowest isolation levels. If the level is not certain it may be higher: what could not be read counts as the worst.',
        from: 'namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'open the container: its findings say why, and docs/findings.md how to fix them.',
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
        noValue: 'None',
      }),
    ),
    sized(
      7,
      10,
      bargauge({
        title: 'Findings by type (top 15)',
        what: 'Containers with each finding of severity low or above that nobody has accepted.',
        from: 'isolation_container_finding, from namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        queries: [last(`topk(15, sum by (finding) (${openFindings(onHosts, 'severity!="info"')}) > 0)`, '{{finding}}')],
        unit: 'short',
        min: 0,
        noValue: 'No findings',
      }),
    ),
    sized(
      7,
      10,
      timeseries({
        title: 'Findings by severity',
        what: 'Findings of all containers by severity, and those that somebody has accepted. A step up means that something was started or changed.',
        from: 'isolation_container_finding, from namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'check what was deployed at that time.',
        queries: [
          range(`sum by (severity) (${openFindings(onHosts)})`, '{{severity}}'),
          range(`sum(${onHosts(ACCEPTED)})`, 'accepted'),
        ],
        unit: 'short',
        stacked: 'stacked',
        overrides: [...SEVERITY_COLOURS, coloured('accepted', 'text')],
      }),
    ),
    sized(
      10,
      10,
      table({
        title: 'Critical and high findings',
        what: 'Holes that give access to the host, or nearly so, and that nobody has accepted.',
        from: 'isolation_container_finding, from namespaces, capabilities, seccomp, LSM, mounts and devices: /proc/<pid>/ns, status, attr/current and mountinfo.',
        red: 'docs/findings.md says how to fix each.',
        queries: [findingRows(onHosts, 'high')],
        columns: [{ field: 'finding', header: 'Finding' }, SEVERITY_COLUMN, ...CONTAINER_COLUMNS],
        sortBy: BY_SEVERITY,
        noValue: 'None',
      }),
    ),
    sized(
      24,
      7,
      table({
        title: 'Containers that got worse',
        what: 'What running containers came to have that they did not have when they had started: a mount, a capability, a limit that is gone.',
        from: 'isolation_container_last_drift_timestamp_seconds, which compares findings with those at the start of the container or of the exporter.',
        red: 'the log of the exporter says what was before and after. Undo it, or start the container again. docs/drift.md says more.',
        queries: [rows(`${onHosts('isolation_container_last_drift_timestamp_seconds')} * 1000`)],
        columns: [
          { field: 'Value', header: 'Last time', unit: 'dateTimeAsIso', width: 180 },
          { field: 'finding', header: 'Finding' },
          { field: 'severity', header: 'Severity', width: 100 },
          ...CONTAINER_COLUMNS,
        ],
        sortBy: [{ header: 'Last time', order: 'descending' }],
        noValue: 'None',
      }),
    ),
  ],
};

/** How well containers are isolated, and what to fix. */
export const posture: Board = {
  uid: UIDS.posture,
  title: 'Isolation / Posture',
  description: 'How containers are isolated from their hosts and from each other, and what weakens it.',
  variables: [...HOST_VARIABLES, TEAM_LABEL],
  annotations: [oomKills((metric) => onHosts(metric)), drifts((metric) => onHosts(metric))],
  rows: [overview, ACCEPTANCES, POD_SECURITY, NAMESPACES, LIMITS, PRIVILEGES],
};
