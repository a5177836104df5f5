import { describe, expect, test } from 'vitest';
import { ACCEPTANCE, accepting, containerReport, hostReport, unknownContainer } from '../../test/reports.ts';
import { SEVERITIES } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { type Criterion, checkCriteria, parseCriterion, unseenIn } from './fail-on.ts';

const criteria = (...texts: readonly string[]): readonly Criterion[] => texts.map((text) => parseCriterion(text)!);

describe('a criterion', () => {
  test('is a severity, a finding or unknown', () => {
    for (const severity of SEVERITIES) expect(parseCriterion(severity)).toEqual({ severity });
    for (const { id } of findings) expect(parseCriterion(id)).toEqual({ finding: id });
    expect(parseCriterion('unknown')).toBe('unknown');
    expect(['', 'Critical', 'privilege', 'yes'].map(parseCriterion)).toEqual(Array(4).fill(undefined));
  });
});

describe('the result', () => {
  // Findings of severity high, medium and low, and an unknown critical one.
  const web = containerReport(
    'web',
    {},
    { host_network_namespace: 'yes', memory_unlimited: 'yes', net_raw: 'yes', privileged: 'unknown' },
  );

  test.each([
    [[], []],
    [['critical'], []],
    [['high'], ['web: host_network_namespace']],
    [['medium'], ['web: host_network_namespace', 'web: memory_unlimited']],
    [['info'], ['web: net_raw', 'web: host_network_namespace', 'web: memory_unlimited']],
    [['memory_unlimited'], ['web: memory_unlimited']],
    [
      ['memory_unlimited', 'high'],
      ['web: host_network_namespace', 'web: memory_unlimited'],
    ],
    [['pids_unlimited'], []],
    // Unknown findings fail a scan only with the criterion unknown.
    [['privileged'], []],
    [['unknown'], []],
  ])('for %j is %j', (texts, met) => {
    const result = checkCriteria([containerReport('well'), web], criteria(...texts));
    expect(result.met.toSorted()).toEqual(met.toSorted());
    if (!texts.includes('unknown')) expect(result.fails).toBe(met.length > 0);
  });

  test('fails on unknown findings with the criterion unknown', () => {
    const fails = (...texts: readonly string[]) => checkCriteria([web], criteria(...texts)).fails;
    expect(fails('privileged')).toBe(false);
    expect(fails('privileged', 'unknown')).toBe(true);
    expect(fails('critical', 'unknown')).toBe(true);
    expect(fails('pids_unlimited', 'unknown')).toBe(false);
    expect(fails('unknown')).toBe(true);
    expect(checkCriteria([containerReport('well')], criteria('unknown')).fails).toBe(false);
  });

  test('leaves out what somebody has accepted, of that container only', () => {
    const accepted = accepting(web, { host_network_namespace: ACCEPTANCE, privileged: ACCEPTANCE });
    expect(checkCriteria([accepted], criteria('high', 'unknown'))).toEqual({ met: [], open: [], fails: false });
    expect(checkCriteria([accepted], criteria('unknown')).fails).toBe(false);
    expect(checkCriteria([accepted], criteria('host_network_namespace')).fails).toBe(false);
    expect(checkCriteria([accepted], criteria('medium')).met).toEqual(['web: memory_unlimited']);
    const other = { ...web, labels: { ...web.labels, container: 'other' } };
    expect(checkCriteria([accepted, other], criteria('high')).met).toEqual(['other: host_network_namespace']);
  });

  test('names unknown findings that the criteria cover', () => {
    expect(checkCriteria([web], criteria('critical')).open).toEqual(['web: privileged']);
    expect(checkCriteria([web], criteria('memory_unlimited')).open).toEqual([]);
    expect(checkCriteria([web], criteria()).open).toEqual([]);
    expect(checkCriteria([unknownContainer('dark')], criteria('info')).open).toHaveLength(findings.length);
  });

  test('fails with the criterion unknown on what was not seen at all', () => {
    const failed = containerReport('failed', { findings: [], failure: new Error('EIO') });
    const report = { ...hostReport(failed), sources: new Map([['cgroup_walk', false]]), overLimit: 3 };
    const unseen = unseenIn(report, 'all');
    expect(unseen).toEqual([
      'failed: all findings',
      'cgroups that could not be looked at',
      '3 cgroups that are too many',
    ]);
    expect(unseenIn(report, 'selected')).toEqual(['failed: all findings']);
    expect(unseenIn(hostReport(web), 'all')).toEqual([]);
    expect(checkCriteria([failed], criteria('high'), unseen)).toEqual({ met: [], open: unseen, fails: false });
    expect(checkCriteria([failed], criteria('high', 'unknown'), unseen).fails).toBe(true);
    expect(checkCriteria([failed], criteria(), unseen).open).toEqual([]);
  });
});
