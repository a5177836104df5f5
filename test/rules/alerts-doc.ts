import type { AlertRule, RuleGroup } from './rule-files.ts';

/** What the groups are about, by their names. */
const TITLES: Readonly<Record<string, string>> = {
  'isolation-exporter.oom': 'OOM kills',
  'isolation-exporter.limits': 'Limits',
  'isolation-exporter.isolation': 'Isolation',
  'isolation-exporter.health': 'The exporter itself',
};

/** Renders `docs/alerts.md`. */
export function renderAlertsDoc(groups: readonly RuleGroup[]): string {
  const [first] = groups.flatMap((group) => group.rules);
  const base = first?.annotations['runbook_url']?.replace(`/${first.alert}.md`, '') ?? '';
  return [INTRODUCTION, ...groups.map(table), rest(base)].join('\n');
}

function table({ name, rules }: RuleGroup): string {
  const title = TITLES[name];
  if (title === undefined) throw new Error(`${name} has no title`);
  const rows = rules.map((rule) => row([linkOf(rule), rule.labels['severity'] ?? '', rule.for ?? '', summaryOf(rule)]));
  return [
    `### ${title}`,
    '',
    row(['Alert', 'Severity', 'For', 'Meaning']),
    row(['---', '---', '---', '---']),
    ...rows,
    '',
  ].join('\n');
}

const linkOf = ({ alert }: AlertRule) => `[${alert}](runbooks/${alert}.md)`;
const summaryOf = ({ annotations }: AlertRule) => annotations['summary'] ?? '';
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

const INTRODUCTION = `# Alerts

Generated from \`deploy/prometheus/alerts.yml\`. Each alert links to its runbook.

## The alerts

\`critical\` pages somebody, \`warning\` makes a ticket, \`info\` is for people who look.
\`deploy/alertmanager/alertmanager.yml\` routes them so, and by one line there a missing memory limit pages too.
`;

const rest = (base: string) => `## To use them

1. Copy \`deploy/prometheus/alerts.yml\` beside \`prometheus.yml\`, and name it under \`rule_files\`.
   \`deploy/prometheus/prometheus.yml\` is an example of the whole. Prometheus 2.42 or later is needed.
2. The job has to be called \`isolation-exporter\`: all rules select it. \`honor_labels: true\` keeps the namespace and pod of a
   container from being taken for those of the exporter.
3. Put the address of your copy of the runbooks into the rules. It is one base for all of them:
   \`sed -i 's#${base}#https://YOUR.HOST/PATH#' alerts.yml tests/*.yml\`
4. Put your own receivers into \`deploy/alertmanager/alertmanager.yml\`.

After a change of a rule, \`promtool test rules tests/*.yml\` shows whether it still does what it should, and
\`npx vitest run --project rules\` in a clone of the repository whether the tests would notice if it did not.

Exceptions are made in the selector of a rule, such as \`container!~"batch-.*"\`, or by a silence. Nothing tells that
Prometheus itself is down: have it watched from outside.

## How an OOM kill is told

- **By its time.** \`isolation_container_last_oom_kill_timestamp_seconds\` outlives its container. A counter that is first seen at
  1 has not increased, and a series that is gone cannot be joined with: rules on these miss the kills that matter most.
- **By the count of the host.** It needs no clock, no container and no name. If both tell of one kill, Alertmanager sends only
  the first, which says whose it was.
- **By the difference.** A kill in no known container has an alert of its own, which is never kept back, so that it cannot hide
  behind the kill of a container.
- **After an outage.** The count of the host is compared with what was known before, up to a day back, and a time that is new
  to Prometheus is found however old it is, up to a day.

| What happens | What tells it |
| --- | --- |
| the container is gone before the next scrape | IsolationContainerOOMKilled |
| a child is killed and the container lives on | IsolationContainerOOMKilled |
| it is killed at each start | IsolationContainerOOMKilled once, then IsolationContainerOOMKillLoop |
| a process of the host is killed | IsolationOOMKillUnattributed |
| the exporter dies with the container | IsolationContainerOOMKilled if it was scraped once, else IsolationHostOOMKill once it is back; and IsolationExporterDown |
| Prometheus is down meanwhile | IsolationHostOOMKill, IsolationOOMKillFoundAfterGap |
| the host's clock is wrong by more than 15 minutes | IsolationHostOOMKill, IsolationExporterClockSkew |
| the host is rebooted before the next scrape | nothing |

One case is left in which a kill is not told. If \`/dev/kmsg\` cannot be read and there is no state file, a container that lost
a child while the exporter was down has a count and no time. Only IsolationHostOOMKill tells of it, and that is kept back if
another container of the host is killed in the same ten minutes.
`;
