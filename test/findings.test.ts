import { describe, expect, it } from 'vitest';
import { SCAN_STANDARDS } from '../src/config/commands.ts';
import { CHECKED_STANDARDS } from '../src/findings/compliance.ts';
import { findings } from '../src/findings/index.ts';
import { referenceText } from '../src/findings/standards/references.ts';
import { SEVERITIES } from '../src/findings/finding.ts';

it('scan offers all standards that a container can satisfy', () => {
  expect(SCAN_STANDARDS).toEqual(CHECKED_STANDARDS);
});

describe('every finding', () => {
  it('has a unique id', () => {
    const ids = findings.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(findings.map((finding) => [finding.id, finding] as const))('%s follows the rules', (id, finding) => {
    expect(id).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(SEVERITIES).toContain(finding.severity);
    expect(finding.title).toMatch(/^\S.*[^.]$/);
    // One sentence.
    expect(finding.why).toMatch(/^[A-Z].*\.$/);
    expect(finding.why).not.toMatch(/[.?!] [A-Z]/);
    for (const fix of Object.values(finding.fix)) expect(fix).toMatch(/^\S.*[^.]$/);
    const references = finding.references.map(referenceText);
    expect(new Set(references).size).toBe(references.length);
  });

  it.each(findings.map((finding) => [finding.id, finding] as const))('%s is unknown without facts', (id, { test }) => {
    const nothing = {
      posture: undefined,
      hostNamespaces: {},
      limited: { memory: undefined, cpu: undefined, pids: undefined },
      cgroup: { path: '/docker/0', engine: 'docker' },
    };
    expect(test(nothing)).toBe(id === 'unusual_cgroup_parent' ? 'no' : 'unknown');
  });
});
