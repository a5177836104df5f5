import { measuredOn, renderShares } from './firing-shares-table.ts';
import { neededCollectors } from './needed-collectors.ts';
import type { AlertRule, RuleGroup } from './rule-files.ts';

/** The titles of the groups, by name. */
const TITLES: Readonly<Record<string, string>> = {
  'isolation-exporter.oom': 'OOM kills',
  'isolation-exporter.limits': 'Limits',
  'isolation-exporter.lives': 'Health checks and ends',
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
  const rows = rules.map((rule) =>
    row([
      linkOf(rule),
      rule.labels['severity'] ?? '',
      rule.for ?? '',
      summaryOf(rule),
      neededCollectors([rule.expr]).join(', '),
    ]),
  );
  return [
    `### ${title}`,
    '',
    row(['Alert', 'Severity', 'For', 'Meaning', 'Collectors']),
    row(['---', '---', '---', '---', '---']),
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

\`critical\` pages, \`warning\` creates a ticket, \`info\` is visible in Alertmanager only. \`deploy/alertmanager/alertmanager.yml\` routes
them this way; one line there makes a missing memory limit page too.

The last column has the collectors that the alert reads. Without one of them (\`--no-collector.NAME\`, or \`collect[]\` in the scrape),
the alert is silent, or misses what that collector sees: without \`info\`, IsolationContainerPidsLimitHit misses hits before the
first scrape of a new container. Two collectors also keep alerts from firing. Without \`findings\`, alerts of other collectors also
report what somebody has [accepted](accepted-findings.md). Without \`host\`, IsolationContainerOOMKillLoop also counts old kills that an
exporter without a state file finds again after a restart.
`;

const rest = (base: string) => `## How to use them

1. Copy \`deploy/prometheus/alerts.yml\` beside \`prometheus.yml\`, and name it under \`rule_files\`.
   \`deploy/prometheus/prometheus.yml\` is a complete example. Prometheus 2.42 or newer is required.
2. The job must be called \`isolation-exporter\`: all rules select it. \`honor_labels: true\` keeps the container's namespace and pod
   instead of the exporter's.
3. Set the URL of your copy of the runbooks in the rules. All of them have the same base:
   \`sed -i 's#${base}#https://YOUR.HOST/PATH#' alerts.yml\`, and in \`tests/*.yml\` if you run them.
4. Set your own receivers in \`deploy/alertmanager/alertmanager.yml\`.

With VictoriaMetrics, give vmalert \`deploy/victoria-metrics/alerts.yml\` instead. MetricsQL counts the first sample of a counter
as an increase, so the rules for Prometheus would fire for each host that is first seen with old kills. The scrape configuration is
the same (\`-promscrape.config\`). \`-remoteWrite.url\` and \`-remoteRead.url\` let a restarted vmalert continue the \`for\` of an
alert:

\`\`\`sh
vmalert -rule=alerts.yml -datasource.url=http://localhost:8428 -notifier.url=http://localhost:9093 \\
  -remoteWrite.url=http://localhost:8428 -remoteRead.url=http://localhost:8428
\`\`\`

After you change a rule, \`promtool test rules tests/*.yml\` shows whether it still works, as does
\`vmalert-tool unittest --files='tests/*.yml' -disableAlertgroupLabel\` in a copy of \`deploy/victoria-metrics\` beside these tests; and \`npx vitest run --project rules\`
in a clone of the repository shows whether the tests would notice if it did not.

Alerts on findings, shared namespaces, privileged containers and missing limits leave out what [somebody has accepted](accepted-findings.md),
with a reason. Make other exceptions in the selector of a rule, such as \`container!~"batch-.*"\`, or with a silence. No rule can report that Prometheus
itself is down: monitor it from outside.

## Containers that should run

Nobody but you knows which containers should run, so \`IsolationContainerNotRunning\` is about those with a label only. With Docker and
Podman:

\`\`\`yaml
services:
  web:
    labels:
      isolation-exporter.should-run: 'true'
\`\`\`

It fires two minutes after such a container ended, or was created and could not be started, and seven after it was removed, unless
another with its name runs by then. For a label that you already have, list it in \`--container.labels\` and copy the second part of the rule, with
\`isolation_container_labels_info\` and a matcher for that label: it has a series for each running container.

In Kubernetes, kube-state-metrics knows which pods should run.

## While scrapes fail

A failed scrape ends all series of its target until the next one succeeds, and a host that fails scrapes is often one that is short
of memory. So the rules look back over gaps: at a scrape interval of up to two minutes one scrape in three may fail. The price is that
a container that is gone is seen for five minutes more.

The table has the percentage of an hour in which each alert fires while its condition holds, for four scrape intervals; the four
numbers are for no failing scrape, one in 9, one in 4, and one in 3. The hour begins at the end of the alert's \`for\`, counted from
the second scrape. Where the condition does not hold, none fires at all. The numbers are the lowest of
${measuredOn()}.
\`LAB=all npx vitest run --project rules test/rules/firing-shares.rules.test.ts -u\` measures again.

${renderShares()}

## How an OOM kill is reported

- **By its time.** \`isolation_container_last_oom_kill_timestamp_seconds\` outlives its container. A counter that is first scraped
  at 1 has no increase, and a series that is gone cannot be joined: rules on these miss the kills that matter most.
- **By the host's count.** It needs no clock, no container and no name. If both fire for one kill, Alertmanager only sends the
  first, which names the container; it waits 90 s with the other, longer than an evaluation interval.
- **By the difference.** A kill outside known containers has its own alert, which is never inhibited, so that it cannot hide
  behind the kill of a container.
- **After an outage.** The host's count is compared with its last known value, up to a day back, and a kill time that is new to
  Prometheus fires up to a day later.

| What happens | Which alert fires |
| --- | --- |
| the container is gone before the next scrape | IsolationContainerOOMKilled |
| a child is killed and the container survives | IsolationContainerOOMKilled |
| it is killed at each start | IsolationContainerOOMKilled once, then IsolationContainerOOMKillLoop |
| a process of the host is killed | IsolationOOMKillUnattributed |
| the exporter dies with the container | IsolationContainerOOMKilled if it was scraped once, else IsolationHostOOMKill once it is back; and IsolationExporterDown |
| Prometheus is down meanwhile, and back within 15 minutes of the kill | IsolationContainerOOMKilled |
| Prometheus is down meanwhile for longer | IsolationHostOOMKill, IsolationOOMKillFoundAfterGap |
| the host was rebooted in a longer outage, and the kill is before the first scrape | IsolationContainerOOMKilled or IsolationOOMKillUnattributed; IsolationHostOOMKill |
| the host's clock is wrong | IsolationContainerOOMKilled, by the difference between the clocks; IsolationExporterClockSkew |
| the host is rebooted before the next scrape | nothing |

Besides a reboot, there is one case in which a kill is not reported. Without \`/dev/kmsg\` and without a state file, a container that lost
a child while the exporter was down has a count but no time. Only IsolationHostOOMKill fires, and it is inhibited if another container of
the host is killed in the same ten minutes.
`;
