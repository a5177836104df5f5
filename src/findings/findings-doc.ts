import { type Finding, SEVERITIES } from './finding.ts';
import { referenceText, referenceUrl } from './standards/references.ts';

/** Renders `docs/findings.md` from the findings themselves. */
export function renderFindingsDoc(findings: readonly Finding[]): string {
  const overview = [
    '| Finding | Severity | Problem |',
    '| --- | --- | --- |',
    ...findings.map(({ id, severity, title }) => `| [\`${id}\`](#${id}) | ${severity} | ${title} |`),
  ];
  return [INTRODUCTION, ...overview, '', ANSWERS, ...findings.map(section)].join('\n');
}

function section({ id, severity, title, why, fix, references, ofSandboxes }: Finding): string {
  return [
    `## ${id}`,
    '',
    `${title}: **${severity}**. ${why}`,
    '',
    `- docker run: ${fix.docker}`,
    `- Compose: ${fix.compose}`,
    `- Kubernetes: ${fix.kubernetes}`,
    ...references.map((reference) => `- [${referenceText(reference)}](${referenceUrl(reference)})`),
    ...(ofSandboxes === true ? ['- Also applies to containers in a sandbox.'] : []),
    '',
  ].join('\n');
}

const INTRODUCTION = `# Findings

Generated from \`src/findings\`. Severities, from the worst: ${SEVERITIES.join(', ')}. A finding reports what the kernel shows
about the running container; it cannot know whether that is intended. A reference names a control that the container does not satisfy, or
a technique that the finding makes easier. [standards.md](standards.md) shows what of each standard is checked.
[isolation-level.md](isolation-level.md) explains how findings relate to the isolation level, and
[accepted-findings.md](accepted-findings.md) how to live with some of them, for a reason and without alerts.
`;

const ANSWERS = `## Yes, no and unknown

Each finding has one of three answers for each container. \`scan\` and the page show them; as metrics they are:

| Answer | Metric |
| --- | --- |
| yes | \`isolation_container_finding{finding,severity}\` is 1 |
| unknown | \`isolation_container_finding_unknown{finding,severity}\` is 1 |
| no | neither, while the container has an \`isolation_container_isolation_level\` |
| yes, but accepted | as yes, and \`isolation_container_finding_accepted{finding,severity}\` is 1 |

A container that Docker starts with its defaults has 8 times yes and 37 times no, so a "no" is no series. Level and findings come from
one look at the container: where there is a level, the answers that are not there are "no". A container without a visible process
has no level, and nearly all of its answers are unknown. The containers that certainly do not have a problem:

\`\`\`promql
isolation_container_isolation_level
  unless on (job, instance, engine, namespace, pod, container) isolation_container_finding{finding="engine_socket"} == 1
  unless on (job, instance, engine, namespace, pod, container) isolation_container_finding_unknown{finding="engine_socket"}
\`\`\`

The series of a finding that is fixed ends with the next scrape, and an alert on it resolves. \`last_over_time()\`, which bridges failed
scrapes, also bridges the fix; the rule \`IsolationContainerCriticalFinding\` tells the two apart by the level.
\`--collector.findings.all\` exports each "no" too, as 0 of \`isolation_container_finding\`.
`;
