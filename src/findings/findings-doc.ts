import { type Finding, SEVERITIES } from './finding.ts';

/** Renders `docs/findings.md` from the findings themselves. */
export function renderFindingsDoc(findings: readonly Finding[]): string {
  const overview = [
    '| Finding | Severity | Problem |',
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
    ...(ofSandboxes === true ? ['- Also applies to containers in a sandbox.'] : []),
    '',
  ].join('\n');
}

const INTRODUCTION = `# Findings

Generated from \`src/findings\`. \`isolation_container_finding{finding,severity}\` is 1 if the container has the problem, 0 if it
does not, and absent if unknown. Severities, from the worst: ${SEVERITIES.join(', ')}. A finding reports what the kernel shows
about the running container; it cannot know whether that is intended. References are to the CIS Docker Benchmark (numbers of
docker-bench-security) and to the Pod Security Standards, of which only the parts that the kernel shows are tested.
[isolation-level.md](isolation-level.md) explains how findings relate to the isolation level.
`;
