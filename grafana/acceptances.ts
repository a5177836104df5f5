import { CONTAINER_COLUMNS } from './columns.ts';
import { ACCEPTED, FINDING, LOOKED_AT, openFindings, SERIOUS } from './findings.ts';
import { values } from './colours.ts';
import { type Row, sized } from './layout.ts';
import { coloured } from './overrides.ts';
import { IDENTITY, onHosts } from './queries.ts';
import { range, rows } from './query.ts';
import { table } from './table.ts';
import { timeseries } from './timeseries.ts';

const FROM_FILE = 'from the file of --findings.accept-file';

/** A sum of findings for each value of the team label, over all containers, also those that have no such label. */
function byTeam(findings: string): string {
  const named = `${onHosts('isolation_container_labels_info')} or on (${IDENTITY}) ${onHosts('isolation_container_info')}`;
  return `sum by (team) (label_join((${named}) * on (${IDENTITY}) group_left () sum by (${IDENTITY}) (${findings}), "team", "", "$team_label"))`;
}

/** How many, also 0 while there are containers that were looked at. */
const sumOf = (findings: string) => `sum(${findings} or ${onHosts(LOOKED_AT)} * 0)`;

/** What was accepted a day ago, for containers that were there. */
const YESTERDAY = `(${onHosts(ACCEPTED)} offset 1d)`;

/** Accepted findings: which, since when, whose, and what is left. */
export const ACCEPTANCES: Row = {
  title: 'Accepted findings',
  panels: [
    sized(
      12,
      8,
      timeseries({
        title: 'Open and accepted findings',
        what: 'Findings of severity low or above that nobody has accepted, those that somebody has, and those of which it is unknown whether containers have them.',
        from: `isolation_container_finding and isolation_container_finding_unknown, from namespaces, capabilities, seccomp, LSM, mounts and devices; isolation_container_finding_accepted, ${FROM_FILE}.`,
        red: 'open ones rise when containers are started, when one gets worse while it runs, and when an acceptance expires.',
        queries: [
          range(sumOf(openFindings(onHosts, 'severity!="info"')), 'open'),
          range(sumOf(onHosts(ACCEPTED, 'severity!="info"')), 'accepted'),
          range(sumOf(onHosts(`${FINDING}_unknown`, 'severity!="info"')), 'unknown'),
        ],
        unit: 'short',
        overrides: [coloured('open', 'orange'), coloured('accepted', 'blue'), coloured('unknown', 'text')],
      }),
    ),
    sized(
      12,
      8,
      table({
        title: 'Findings by team',
        what: 'Open findings of the containers of each team, and accepted ones. A team is a value of the label above: label_<name> for a name of --container.labels, or namespace. Containers without it are in the row without a name.',
        from: `isolation_container_finding, isolation_container_finding_accepted and isolation_container_labels_info: the labels of containers, by their engine.`,
        queries: [
          rows(byTeam(openFindings(onHosts, SERIOUS))),
          rows(byTeam(openFindings(onHosts))),
          rows(byTeam(onHosts(ACCEPTED))),
          rows(byTeam(`${onHosts(LOOKED_AT)} * 0 + 1`)),
        ],
        columns: [
          { field: 'team', header: 'Team' },
          { field: 'Value #A', header: 'Critical and high', unit: 'short', width: 120 },
          { field: 'Value #B', header: 'Open', unit: 'short', width: 80 },
          { field: 'Value #C', header: 'Accepted', unit: 'short', width: 90 },
          { field: 'Value #D', header: 'Containers', unit: 'short', width: 100 },
        ],
        sortBy: [{ header: 'Critical and high', order: 'descending' }],
        noValue: 'No containers',
      }),
    ),
    sized(
      10,
      8,
      table({
        title: 'Accepted findings',
        what: 'Findings that somebody has accepted, in the file of accepted findings of the exporter. They fire no alerts.',
        from: `isolation_container_finding_accepted, ${FROM_FILE}. The reasons are on the page of the exporter.`,
        queries: [rows(onHosts(ACCEPTED))],
        columns: [
          { field: 'finding', header: 'Finding' },
          { field: 'severity', header: 'Severity', width: 100 },
          ...CONTAINER_COLUMNS,
        ],
        sortBy: [{ header: 'Finding', order: 'ascending' }],
        noValue: 'None',
      }),
    ),
    sized(
      8,
      8,
      table({
        title: 'Acceptances that changed within a day',
        what: 'What is accepted and was not a day ago, and what was accepted then and is open again: its acceptance expired or was removed.',
        from: `isolation_container_finding_accepted, ${FROM_FILE}, now and a day ago.`,
        red: 'the container has the finding, and nobody accepts it any more: renew the entry with a new date, or fix the finding.',
        queries: [
          rows(`(${onHosts(ACCEPTED)} unless ${YESTERDAY}) or (${openFindings(onHosts)} == 1 and ${YESTERDAY}) * 2`),
        ],
        columns: [
          {
            field: 'Value',
            header: 'Change',
            width: 90,
            mappings: values({ 1: ['new', 'blue'], 2: ['ended', 'orange'] }),
          },
          { field: 'finding', header: 'Finding' },
          ...CONTAINER_COLUMNS,
        ],
        sortBy: [{ header: 'Change', order: 'descending' }],
        noValue: 'None',
      }),
    ),
    sized(
      6,
      8,
      timeseries({
        title: 'Entries of accept files',
        what: 'Entries in the files of accepted findings: active, expired (their findings alert again), and unmatched (they have accepted nothing for a week).',
        from: `isolation_exporter_accept_entries, ${FROM_FILE}.`,
        red: 'renew or remove what has expired, and remove what is unmatched on all hosts: the logs of the exporters name the entries.',
        queries: [range(`sum by (state) (${onHosts('isolation_exporter_accept_entries')})`, '{{state}}')],
        unit: 'short',
        overrides: [coloured('active', 'green'), coloured('expired', 'orange'), coloured('unmatched', 'yellow')],
      }),
    ),
  ],
};
