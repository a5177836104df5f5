import { CHECKED_STANDARDS, type Check, type CheckedStandard, checksOf } from './compliance.ts';
import { controlText, STANDARDS, type StandardId } from './standards/references.ts';
import type { Standard } from './standards/standard.ts';

/** Renders `docs/standards.md` from the standards and the findings that refer to them. */
export function renderStandardsDoc(): string {
  return [INTRODUCTION, ...CHECKED_STANDARDS.map(section)].join('\n');
}

function section(id: CheckedStandard): string {
  const { title, version, url, outside }: Standard = STANDARDS[id satisfies StandardId];
  return [
    `## ${id}`,
    '',
    `[${title}](${url}), version ${version}.${outside === undefined ? '' : ` Not part of the check: ${outside}.`}`,
    '',
    '| Control | Violated by | Note |',
    '| --- | --- | --- |',
    ...checksOf(id).map(row),
    '',
  ].join('\n');
}

function row({ id, control, findings }: Check): string {
  const links = findings.map((finding) => `[\`${finding.id}\`](findings.md#${finding.id})`).join(', ');
  return `| ${controlText(id, control)} | ${links || 'not checked'} | ${control.note ?? ''} |`;
}

const INTRODUCTION = `# Standards

Generated from \`src/findings/standards\`. \`isolation-exporter scan --standard ${CHECKED_STANDARDS[0]}\` shows for each container which findings
keep it from satisfying a standard, what is unknown, and what of the standard cannot be checked from the kernel. A container that
violates nothing here has passed these checks, not an audit.

The findings also refer to techniques of MITRE ATT&CK, which is a catalogue of attacks and nothing that a container can satisfy.

\`isolation_finding_pod_security_info{finding,profile,control}\` has the Pod Security Standards for queries and the posture board: a series
for each finding that violates a profile, the same on all hosts. What keeps containers from passing \`restricted\`, and with
\`profile="baseline"\` from passing either:

\`\`\`promql
(isolation_container_finding == 1)
  * on (job, instance, finding) group_left (profile, control) isolation_finding_pod_security_info
\`\`\`

The containers that certainly pass \`restricted\`:

\`\`\`promql
isolation_container_isolation_level
  unless on (job, instance, engine, namespace, pod, container)
    ((isolation_container_finding == 1) and on (job, instance, finding) isolation_finding_pod_security_info)
  unless on (job, instance, engine, namespace, pod, container)
    (isolation_container_finding_unknown and on (job, instance, finding) isolation_finding_pod_security_info)
\`\`\`
`;
