import { describe, expect, test } from 'vitest';
import type { Config } from '../config/config.ts';
import type { Check, Verdict } from './check.ts';
import { defineCheck } from './check.ts';
import { checks } from './checks.ts';
import { type Finding, diagnose, isWell } from './diagnosis.ts';
import { placeOf } from './place.ts';
import { createSubject } from './subject.ts';
import { renderTable } from './table.ts';

const CONFIG: Pick<Config, 'path' | 'docker' | 'podman' | 'cri' | 'unknownVariables'> = {
  path: { procfs: '/proc', cgroupfs: '/nowhere', kmsg: undefined },
  docker: undefined,
  podman: undefined,
  cri: undefined,
  unknownVariables: [],
};

const finding = (status: Verdict['status'], more: Partial<Finding> = {}): Finding => ({
  name: 'one',
  status,
  says: 'so',
  facts: {},
  ...more,
});

describe('a diagnosis', () => {
  test('survives a check that fails', async () => {
    const failing = defineCheck<never>({
      name: 'broken',
      read: () => {
        throw new Error('EIO: cannot');
      },
      judge: () => ({ status: 'ok', says: '' }),
    });
    const fine = defineCheck({ name: 'fine', read: () => 1, judge: (facts) => ({ status: 'ok', says: `${facts}` }) });
    const list: readonly Check[] = [failing, fine];
    expect(await diagnose(list, createSubject(CONFIG))).toEqual([
      { name: 'broken', status: 'unknown', says: 'could not be found out: EIO: cannot', facts: undefined },
      { name: 'fine', status: 'ok', says: '1', facts: 1 },
    ]);
  });

  test.each([
    ['ok', true],
    ['note', true],
    ['lost', false],
    ['unknown', false],
  ] as const)('with something that is %s is well: %s', (status, well) => {
    expect(isWell([finding('ok'), finding(status)])).toBe(well);
  });
});

test('every check has a name of its own', () => {
  expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
});

describe('the place', () => {
  const signs = { environment: {}, cgroups: '0::/user.slice/user-0.slice/session-1.scope\n', marked: false };
  const service = '0::/system.slice/isolation-exporter.service\n';
  test.each([
    ['shell', signs],
    ['shell', { ...signs, environment: { INVOCATION_ID: '1' } }],
    ['shell', { ...signs, cgroups: service }],
    ['systemd', { ...signs, cgroups: service, environment: { INVOCATION_ID: '1' } }],
    [
      'systemd',
      { ...signs, cgroups: `12:pids:/x\n1:name=systemd:${service.slice(3)}`, environment: { INVOCATION_ID: '1' } },
    ],
    ['docker', { ...signs, marked: true }],
    ['docker', { ...signs, environment: { container: 'podman' } }],
    ['docker', { ...signs, cgroups: `4:memory:/docker/${'a'.repeat(64)}\n` }],
    ['kubernetes', { ...signs, marked: true, environment: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }],
    ['kubernetes', { ...signs, cgroups: '0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope\n' }],
  ] as const)('is %s by %j', (place, given) => {
    expect(placeOf(given)).toBe(place);
  });
});

describe('the table', () => {
  const remedies = { shell: 'do this', systemd: 'A=b', docker: '--that', kubernetes: 'x: y' };
  const long = finding('lost', { name: 'another', says: 'word '.repeat(60).trim(), loses: 'something', remedies });

  test('says what is lost and what helps, in at most 100 columns', () => {
    const text = renderTable([finding('ok'), long], { places: ['docker'], colour: 'off' });
    const lines = text.split('\n');
    expect(lines[0]).toBe('ok       one      so');
    expect(lines[1]).toMatch(/^LOST     another  word word/);
    expect(lines.slice(-3)).toEqual([
      '                  not seen: something',
      '                  docker run: --that',
      '',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).not.toMatch(/ $/m);
  });

  test('has every remedy that is asked for', () => {
    const text = renderTable([long], { places: ['shell', 'systemd', 'docker', 'kubernetes'], colour: 'off' });
    for (const line of ['by hand: do this', '[Service]: A=b', 'docker run: --that', 'pod spec: x: y']) {
      expect(text).toContain(line);
    }
  });

  test('is coloured for a terminal only, and the same without the colours', () => {
    const [plain, coloured] = (['off', 'on'] as const).map((colour) => renderTable([long], { places: [], colour }));
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[1;31mLOST\u001b[0m');
    // oxlint-disable-next-line no-control-regex
    expect(coloured?.replaceAll(/\u001b\[[\d;]+m/g, '')).toBe(plain);
  });

  test('passes nothing on that a terminal would obey', () => {
    const text = renderTable([finding('note', { says: 'a\u001b[2Jb\u009bc\u202ed' })], { places: [], colour: 'off' });
    expect(text).toBe('note     one  a\ufffd[2Jb\ufffdc\ufffdd\n');
  });
});
