import { type Finding, SEVERITIES } from './finding.ts';

/** Renders `docs/findings.md` from the findings themselves. */
export function renderFindingsDoc(findings: readonly Finding[]): string {
  const overview = [
    '| Finding | Severity | What is so |',
    '| --- | --- | --- |',
    ...findings.map(({ id, severity, title }) => `| [\`${id}\`](#${id}) | ${severity} | ${title} |`),
  ];
  return `${INTRODUCTION}\n${overview.join('\n')}\n\n${findings.map(section).join('\n')}`;
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
    ...(references.length === 0 ? [] : [`- See ${references.join('; ')}`]),
    ...(ofSandboxes === true ? ['- Also said of containers in a sandbox.'] : []),
    '',
  ].join('\n');
}

const INTRODUCTION = `# Findings

Generated from \`src/findings\`. \`isolation_container_finding{finding,severity}\` is 1 where something is so, 0 where it is
not, and absent where it could not be told. Severities, from the worst: ${SEVERITIES.join(', ')}. A finding says what the
kernel shows of the running container; whether that is meant to be so, it cannot know. References are to the CIS Docker
Benchmark (numbers of docker-bench-security) and to the Pod Security Standards, of which only the part is tested that the
kernel shows. How findings and the isolation level belong together: [isolation-level.md](isolation-level.md).
`;
