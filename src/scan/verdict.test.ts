import { describe, expect, test } from 'vitest';
import { containerReport, unknownContainer } from '../../test/reports.ts';
import { SEVERITIES } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { type Criterion, judge, parseCriterion } from './verdict.ts';

const criteria = (...texts: readonly string[]): readonly Criterion[] => texts.map((text) => parseCriterion(text)!);

describe('a criterion', () => {
  test('is a severity, a finding or unknown', () => {
    for (const severity of SEVERITIES) expect(parseCriterion(severity)).toEqual({ severity });
    for (const { id } of findings) expect(parseCriterion(id)).toEqual({ finding: id });
    expect(parseCriterion('unknown')).toBe('unknown');
    expect(['', 'Critical', 'privilege', 'yes'].map(parseCriterion)).toEqual(Array(4).fill(undefined));
  });
});

describe('the verdict', () => {
  // high, medium and low, and a critical one that could not be told.
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
    // What could not be told fails a scan only if it is to.
    [['privileged'], []],
    [['unknown'], []],
  ])('for %j is %j', (texts, met) => {
    const verdict = judge([containerReport('well'), web], criteria(...texts));
    expect(verdict.met.toSorted()).toEqual(met.toSorted());
    if (!texts.includes('unknown')) expect(verdict.fails).toBe(met.length > 0);
  });

  test('fails on what could not be told if it is to', () => {
    const fails = (...texts: readonly string[]) => judge([web], criteria(...texts)).fails;
    expect(fails('privileged')).toBe(false);
    expect(fails('privileged', 'unknown')).toBe(true);
    expect(fails('critical', 'unknown')).toBe(true);
    expect(fails('pids_unlimited', 'unknown')).toBe(false);
    expect(fails('unknown')).toBe(true);
    expect(judge([containerReport('well')], criteria('unknown')).fails).toBe(false);
  });

  test('names what could not be told of what was asked for', () => {
    expect(judge([web], criteria('critical')).open).toEqual(['web: privileged']);
    expect(judge([web], criteria('memory_unlimited')).open).toEqual([]);
    expect(judge([web], criteria()).open).toEqual([]);
    expect(judge([unknownContainer('dark')], criteria('info')).open).toHaveLength(findings.length);
  });
});
