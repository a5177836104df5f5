import { describe, expect, test } from 'vitest';
import {
  ACCEPTANCE,
  accepting,
  type Answers,
  containerReport,
  hostReport,
  unknownContainer,
} from '../../test/reports.ts';
import { CHECKED_STANDARDS } from '../findings/compliance.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { widthOf } from '../terminal/columns.ts';
import { createPaint } from '../terminal/paint.ts';
import { renderMarkdown } from './markdown.ts';
import { checkedBy } from './standard.ts';
import { renderStandardTable } from './standard-table.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };

function tableOf(standard: (typeof CHECKED_STANDARDS)[number], ...containers: readonly ContainerReport[]): string {
  const report = checkedBy(standard, hostReport(...containers));
  if (report.standard === undefined) throw new Error('no standard');
  return renderStandardTable(report, report.standard, createPaint('off'));
}

const web = (answers: Answers): ContainerReport => containerReport('web', {}, answers);

describe('the table of a standard', () => {
  test('shows for each container what violates which control, and what is unknown', () => {
    const text = tableOf(
      'pss-baseline',
      web({ host_pid_namespace: 'yes', engine_socket: 'yes', proc_unmasked: 'unknown', memory_unlimited: 'yes' }),
      containerReport('well', {}, { runs_as_root: 'yes' }),
      unknownContainer('dark'),
    );
    expect(text.split('\n').slice(0, 12)).toEqual([
      'docker/web   violates 2 of 7 controls, 1 unknown',
      '  violated  Host Namespaces: host_pid_namespace',
      '            HostPath Volumes: engine_socket',
      '  unknown   /proc Mount Type: proc_unmasked',
      '',
      'docker/well  violates nothing that is checked',
      '',
      'docker/dark  7 unknown',
      '',
      'Pod Security Standards, baseline 1.35: 1 of 3 containers violate it; 1 violate nothing that is',
      'checked. Unknown: 1.',
      'Not checked:',
    ]);
    expect(text).toContain('\n  Seccomp: a profile that is not set passes, and the kernel shows it as Unconfined\n');
    expect(text).not.toMatch(/memory_unlimited|runs_as_root/);
  });

  test.each(CHECKED_STANDARDS)('of %s is at most 100 columns wide, whatever the names', (standard) => {
    const all = Object.fromEntries(findings.map(({ id }) => [id, 'yes'] as const));
    const text = tableOf(standard, web(all), containerReport(`容\u001b[2J\n${'long'.repeat(40)}`, {}, all));
    expect(Math.max(...text.split('\n').map(widthOf))).toBeLessThanOrEqual(100);
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test('counts what somebody has accepted, and marks it', () => {
    const accepted = accepting(web({ engine_socket: 'yes' }), { engine_socket: ACCEPTANCE });
    expect(tableOf('cis-docker', accepted)).toContain(' violates 1 of ');
    expect(tableOf('cis-docker', accepted)).toContain('\n  violated  5.32 Docker socket: engine_socket (accepted)\n');
  });

  test('of no containers says so', () => {
    expect(tableOf('cis-docker')).toContain('0 of 0 containers violate it');
    expect(tableOf('cis-docker')).toContain('No containers found');
  });
});

test('Markdown shows the violated controls', () => {
  const text = renderMarkdown(checkedBy('cis-docker', hostReport(web({ engine_socket: 'yes' }))), version);
  expect(text).toContain(
    '[CIS Docker Benchmark 1.6.0](https://www.cisecurity.org/benchmark/docker): 1 of 1 containers violate it; 0 violate nothing that is checked.\n\n| Container |',
  );
  expect(text).toMatch(/\| `web` \| `docker` \| violates 1 of \d+ controls \| 5\.32 Docker socket \|/);
  expect(text).toContain('<summary>Not checked</summary>\n\n- 5.1 Swarm mode: ');
});
