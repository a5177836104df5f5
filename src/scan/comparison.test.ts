import { describe, expect, test } from 'vitest';
import { ACCEPTANCE, accepting, type Answers, containerReport, hostReport } from '../../test/reports.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { createPaint } from '../terminal/paint.ts';
import { baselineOf } from './baseline.ts';
import { compareWith } from './comparison.ts';
import { checkCriteria } from './fail-on.ts';
import { renderJson } from './json.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { renderSarif } from './sarif.ts';
import { renderScanTable } from './scan-table.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };
const web = (answers: Answers, id = 'a'.repeat(64)): ContainerReport => containerReport('web', { id }, answers);
const db = containerReport('db', {}, { memory_unlimited: 'yes' });

const before = baselineOf([web({ net_raw: 'yes', cpu_unlimited: 'yes', seccomp_disabled: 'unknown' }), db]);
const compare = (...containers: readonly ContainerReport[]) =>
  compareWith(before, containers, { file: 'base.json', scope: 'all' });

function marksOf(containers: readonly ContainerReport[]): readonly string[] {
  return containers.flatMap(({ findings }) =>
    findings.flatMap(({ finding, answer, since }) => (answer === 'no' ? [] : `${finding.id} ${answer} ${since}`)),
  );
}

describe('a comparison', () => {
  test('marks what is new, and lists what is fixed and gone', () => {
    const now = web({ net_raw: 'yes', privileged: 'yes', seccomp_disabled: 'unknown', ssh_server: 'unknown' }, 'b');
    const { containers, comparison } = compare(now);
    expect(marksOf(containers).toSorted()).toEqual([
      'net_raw yes known',
      'privileged yes new',
      'seccomp_disabled unknown known',
      'ssh_server unknown new',
    ]);
    expect(comparison).toEqual({
      file: 'base.json',
      added: 1,
      known: 1,
      fixed: [{ labels: now.labels, finding: 'cpu_unlimited' }],
      gone: [db.labels],
    });
  });

  test('calls an unknown finding new once it is certain, and no finding fixed that became unknown', () => {
    const { containers, comparison } = compare(web({ net_raw: 'unknown', seccomp_disabled: 'yes' }), db);
    expect(marksOf(containers)).toEqual([
      'net_raw unknown known',
      'seccomp_disabled yes new',
      'memory_unlimited yes known',
    ]);
    expect(comparison.fixed.map(({ finding }) => finding)).toEqual(['cpu_unlimited']);
  });

  test('does not count what somebody has accepted, and it is new when that ends', () => {
    const plain = web({ net_raw: 'yes', privileged: 'yes', ssh_server: 'unknown' });
    const accepted = accepting(plain, { privileged: ACCEPTANCE, net_raw: ACCEPTANCE, ssh_server: ACCEPTANCE });
    expect(compare(accepted).comparison).toMatchObject({ added: 0, known: 0, fixed: [{ finding: 'cpu_unlimited' }] });
    expect(checkCriteria(compare(accepted).containers, [{ severity: 'info' }, 'unknown']).fails).toBe(false);
    const written = baselineOf([accepted]);
    expect(written.size).toBe(0);
    const { containers } = compareWith(written, [plain], { file: 'base.json', scope: 'all' });
    expect(checkCriteria(containers, [{ severity: 'info' }]).met).toEqual(['web: privileged', 'web: net_raw']);
  });

  test('calls a finding fixed only if no replica has it', () => {
    const { comparison } = compare(web({ net_raw: 'yes' }), web({ cpu_unlimited: 'yes' }, 'b'), db);
    expect(comparison.fixed).toEqual([]);
  });

  test('of selected containers says nothing of the others', () => {
    const { comparison } = compareWith(before, [db], { file: 'base.json', scope: 'selected' });
    expect(comparison).toMatchObject({ added: 0, known: 1, fixed: [], gone: [] });
  });

  test('lets only what is new meet a criterion', () => {
    const { containers } = compare(
      web({ net_raw: 'yes', privileged: 'yes', seccomp_disabled: 'unknown', ssh_server: 'unknown' }),
    );
    expect(checkCriteria(containers, [{ severity: 'info' }]).met).toEqual(['web: privileged']);
    expect(checkCriteria(containers, [{ finding: 'net_raw' }])).toMatchObject({ met: [], fails: false });
    expect(checkCriteria(containers, ['unknown']).open).toEqual(['web: ssh_server']);
  });
});

describe('the outputs show the comparison', () => {
  const now = web({ net_raw: 'yes', privileged: 'yes', ssh_server: 'yes', seccomp_disabled: 'unknown' });
  const report = { ...hostReport(), ...compare(now) };

  test('in the table', () => {
    const text = renderScanTable(report, createPaint('off'));
    expect(text).toContain('\n  critical  privileged (new)\n');
    expect(text).toContain('\n  low       net_raw, ssh_server (new)\n');
    expect(text).toContain(
      '\nCompared with base.json: 2 new, 1 known, 1 fixed, 1 container gone.\nFixed since: web: cpu_unlimited\nGone since: db\n',
    );
  });

  test('in JSON', () => {
    const json: unknown = JSON.parse(renderJson(report, version));
    expect(json).toMatchObject({
      baseline: {
        file: 'base.json',
        new: 2,
        known: 1,
        fixed: [{ engine: 'docker', container: 'web', finding: 'cpu_unlimited' }],
        gone: [{ engine: 'docker', container: 'db' }],
      },
      containers: [
        { findings: expect.arrayContaining([{ id: 'privileged', severity: 'critical', answer: 'yes', since: 'new' }]) },
      ],
    });
  });

  test('in SARIF', () => {
    const text = renderSarif(report, version);
    expect(
      [...text.matchAll(/"ruleId": "(\w+)"[^}]*"baselineState": "(\w+)"/g)].map(([, id, state]) => [id, state]),
    ).toEqual([
      ['privileged', 'new'],
      ['net_raw', 'unchanged'],
      ['seccomp_disabled', 'unchanged'],
      ['ssh_server', 'new'],
    ]);
  });

  test('in JUnit XML, where only what is new fails', () => {
    const xml = renderJunit(report, version);
    expect(xml).toContain('failures="2" errors="0" skipped="2"');
    expect(xml).toContain('<failure message="new: critical: Privileged container"');
    expect(xml).toContain('<skipped message="In the baseline: low: NET_RAW"/>');
    expect(xml).toMatch(/name="cpu_unlimited" [^>]*>\n *<system-out>Fixed since the baseline<\/system-out>/);
  });

  test('in Markdown, where what is new is visible however mild', () => {
    const [head] = renderMarkdown(report, version).split('<details>');
    expect(head).toContain(
      'Compared with `base.json`: **2 new**, 1 known, 1 fixed. Fixed: `web` `cpu_unlimited`. Containers that are gone: `db`.',
    );
    expect(head).toContain(
      '| `web` | `docker` | 2 standard | **critical** `privileged` (**new**)<br>**low** `ssh_server` (**new**) |',
    );
  });
});
