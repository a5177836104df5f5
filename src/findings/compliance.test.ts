import { describe, expect, test } from 'vitest';
import { containerReport, unknownContainer } from '../../test/reports.ts';
import { CHECKED_STANDARDS, checksOf, complianceOf } from './compliance.ts';
import { findings } from './index.ts';

describe.each(CHECKED_STANDARDS)('%s', (standard) => {
  const checks = checksOf(standard);

  test('checks each control, or says why not', () => {
    for (const { id, control, findings: found } of checks) {
      expect(found.length > 0 || control.note !== undefined, id).toBe(true);
    }
    expect(checks.filter(({ findings: found }) => found.length > 0).length).toBeGreaterThan(5);
  });

  test('is satisfied by a container without findings, and unknown without facts', () => {
    expect(complianceOf(containerReport('web').findings, checks).violates).toBe('no');
    expect(complianceOf(unknownContainer('dark').findings, checks).violates).toBe('unknown');
    expect(complianceOf([], checks).violates).toBe('unknown');
  });
});

const violatedBy = (standard: (typeof CHECKED_STANDARDS)[number], ...ids: readonly string[]): readonly string[] => {
  const answers = Object.fromEntries(ids.map((id) => [id, 'yes'] as const));
  const { controls } = complianceOf(containerReport('web', {}, answers).findings, checksOf(standard));
  return controls.flatMap(({ id, violates }) => (violates === 'yes' ? id : []));
};

test('a container with the defaults of Docker satisfies the baseline, but not the restricted standard', () => {
  const defaults = ['net_raw', 'capabilities_kept', 'new_privileges_allowed', 'runs_as_root', 'host_user_namespace'];
  expect(violatedBy('pss-baseline', ...defaults)).toEqual([]);
  expect(violatedBy('pss-restricted', ...defaults)).toEqual([
    'Capabilities',
    'Privilege Escalation',
    'Running as Non-root',
    'Running as Non-root user',
  ]);
});

test('the restricted standard includes the baseline', () => {
  for (const { id } of findings) {
    expect(violatedBy('pss-restricted', id)).toEqual(expect.arrayContaining([...violatedBy('pss-baseline', id)]));
  }
  // The baseline cannot tell a profile that is not set, which passes, from one that was switched off.
  expect(violatedBy('pss-baseline', 'seccomp_disabled')).toEqual([]);
  expect(violatedBy('pss-restricted', 'seccomp_disabled')).toEqual(['Seccomp']);
});

test('one unknown finding leaves a control unknown, unless another violates it', () => {
  const report = containerReport('web', {}, { host_pid_namespace: 'unknown', host_network_namespace: 'yes' });
  const { violates, controls } = complianceOf(report.findings, checksOf('cis-docker'));
  expect(violates).toBe('yes');
  expect(controls.filter((each) => each.violates !== 'no').map(({ id, violates: answer }) => [id, answer])).toEqual([
    ['5.10', 'yes'],
    ['5.16', 'unknown'],
  ]);
});
