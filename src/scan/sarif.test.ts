import { describe, expect, test } from 'vitest';
import { ACCEPTANCE, accepting, containerReport, hostReport, unknownContainer } from '../../test/reports.ts';
import { sarifErrors } from '../../test/sarif-schema.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { renderSarif } from './sarif.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };

interface Log {
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: {
          readonly rules: readonly {
            readonly id: string;
            readonly helpUri?: string;
            readonly help: { readonly text: string };
            readonly properties: { readonly tags: readonly string[]; readonly 'security-severity'?: string };
          }[];
        };
      };
      readonly invocations: readonly [{ readonly toolExecutionNotifications: readonly unknown[] }];
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly kind: string;
        readonly level: string;
        readonly locations: readonly {
          readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
        }[];
        readonly partialFingerprints: Readonly<Record<string, string>>;
        readonly suppressions?: unknown;
      }[];
    },
  ];
}

const logOf = (...containers: readonly ContainerReport[]): Log =>
  JSON.parse(renderSarif(hostReport(...containers), version));

describe('SARIF', () => {
  test('is valid by the schema', () => {
    const hostile = containerReport('a"b\n\u001b[31m\u202e<script>', {}, { privileged: 'yes' });
    expect(sarifErrors(logOf())).toEqual([]);
    expect(sarifErrors(logOf(containerReport('web'), hostile, unknownContainer('dark')))).toEqual([]);
    // The schema check can fail: this log is invalid.
    expect(sarifErrors({ ...logOf(), made: 'up' })).toEqual([
      ' must NOT have additional properties {"additionalProperty":"made"}',
    ]);
  });

  test('has all findings as rules, with how to fix them', () => {
    const [{ tool }] = logOf().runs;
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(findings.map(({ id }) => id));
    for (const [index, { why, fix }] of findings.entries()) {
      const text = tool.driver.rules[index]?.help.text;
      for (const part of [why, fix.docker, fix.compose, fix.kubernetes]) expect(text).toContain(part);
    }
  });

  test('suppresses what somebody has accepted, with the reason', () => {
    const web = containerReport('web', {}, { privileged: 'yes', net_raw: 'unknown', engine_socket: 'yes' });
    const log = logOf(accepting(web, { privileged: ACCEPTANCE, net_raw: ACCEPTANCE, all_devices: ACCEPTANCE }));
    expect(sarifErrors(log)).toEqual([]);
    const justification = 'It reads /proc. (platform, until 2027-06-30)';
    const suppressions = [{ kind: 'external', status: 'accepted', justification }];
    expect(log.runs[0].results.map(({ ruleId, kind, suppressions: found }) => [ruleId, kind, found])).toEqual([
      ['privileged', 'fail', suppressions],
      ['net_raw', 'open', suppressions],
      ['engine_socket', 'fail', undefined],
    ]);
  });

  test('has a result for each finding, and an open result for each unknown one', () => {
    const [{ results }] = logOf(
      containerReport('web', {}, { privileged: 'yes', net_raw: 'yes', ulimits_raised: 'unknown' }),
    ).runs;
    expect(results.map(({ ruleId, kind, level }) => [ruleId, kind, level])).toEqual([
      ['privileged', 'fail', 'error'],
      ['net_raw', 'fail', 'note'],
      ['ulimits_raised', 'open', 'none'],
    ]);
    for (const { ruleId, ruleIndex } of results) expect(findings[ruleIndex]?.id).toBe(ruleId);
    expect(results[0]?.locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'docker/web', uriBaseId: 'CONTAINERS' },
          region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 },
        },
        logicalLocations: [{ name: 'web', fullyQualifiedName: 'docker/web', kind: 'container' }],
        properties: { containerId: '0123456789abcdef'.repeat(4) },
      },
    ]);
  });

  test('keeps the fingerprint of a result when the container is restarted, and only then', () => {
    const prints = (name: string, id: string) => {
      const [{ results }] = logOf(containerReport(name, { id }, { privileged: 'yes', net_raw: 'yes' })).runs;
      return results.map(({ partialFingerprints }) => partialFingerprints['container/v1']);
    };
    expect(prints('web', 'a'.repeat(64))).toEqual(prints('web', 'b'.repeat(64)));
    expect(new Set([...prints('web', 'a'), ...prints('db', 'a')]).size).toBe(4);
  });

  test('has what code scanning on GitHub requires', () => {
    const labels = { engine: 'containerd', namespace: 'shop', pod: 'cart-7d9c5bdf44-x2x4z', container: 'a p/p|..' };
    const [{ tool, results }] = logOf(containerReport('app', { labels }, { privileged: 'yes' })).runs;
    for (const rule of tool.driver.rules) {
      expect(rule).toMatchObject({
        shortDescription: { text: expect.stringMatching(/^.{1,1024}$/) },
        fullDescription: { text: expect.stringMatching(/^.{1,1024}$/) },
        help: { text: expect.stringMatching(/./), markdown: expect.stringMatching(/^`\w+`: [^]*\n- docker run: /) },
        properties: { precision: 'very-high', tags: expect.arrayContaining(['security']) },
      });
      const { properties, helpUri } = rule;
      // More than 0, or none.
      expect(properties['security-severity'] ?? '1.0').toMatch(/^[1-9]\.\d$/);
      expect(properties.tags.length).toBeLessThanOrEqual(20);
      expect(helpUri ?? 'https:').toMatch(/^https:/);
    }
    expect(results[0]?.partialFingerprints['primaryLocationLineHash']).toMatch(/^[0-9a-f]{16}:1$/);
    expect(results[0]?.locations).toMatchObject([
      { physicalLocation: { artifactLocation: { uri: 'containerd/shop/cart-*/a%20p%2Fp%7C..' } } },
    ]);
  });

  test('has relative locations that stay below their base', () => {
    for (const name of ['.', '..', '/etc/passwd', '../../x', 'https://a', '\ud800', '#a?b%2e']) {
      const [{ results }] = logOf(containerReport(name, {}, { privileged: 'yes' })).runs;
      const [location] = results[0]?.locations ?? [];
      const uri = location?.physicalLocation.artifactLocation.uri ?? '';
      expect(new URL(uri, 'https://x/base/').href).toMatch(/^https:\/\/x\/base\/docker\/[^/?#]+$/);
    }
  });

  test('reports why some facts could not be read', () => {
    const [{ invocations }] = logOf(containerReport('web'), unknownContainer('dark')).runs;
    expect(invocations[0].toolExecutionNotifications).toEqual([
      {
        level: 'warning',
        message: {
          text: `Some facts of container "dark" could not be read: EACCES: permission denied, readlink '/proc/7/ns/net'`,
        },
      },
    ]);
  });
});
