import { describe, expect, test } from 'vitest';
import type { Config } from '../config/config.ts';
import type { Check, CheckResult } from './check.ts';
import { defineCheck } from './check.ts';
import { checks } from './checks.ts';
import { type CheckReport, diagnose, allPassed } from './diagnosis.ts';
import { deploymentOf } from './deployment.ts';
import { createCheckContext } from './check-context.ts';
import { renderCheckTable } from './check-table.ts';

const CONFIG: Pick<Config, 'path' | 'docker' | 'podman' | 'cri' | 'kubeletLogs' | 'acceptFile' | 'unknownVariables'> = {
  path: { procfs: '/proc', cgroupfs: '/nowhere', kmsg: undefined },
  docker: undefined,
  podman: undefined,
  cri: undefined,
  kubeletLogs: undefined,
  acceptFile: undefined,
  unknownVariables: [],
};

const report = (status: CheckResult['status'], more: Partial<CheckReport> = {}): CheckReport => ({
  name: 'one',
  status,
  message: 'fine',
  facts: {},
  ...more,
});

describe('a diagnosis', () => {
  test('continues after a check that throws', async () => {
    const failing = defineCheck<never>({
      name: 'broken',
      read: () => {
        throw new Error('EIO: cannot');
      },
      judge: () => ({ status: 'ok', message: '' }),
    });
    const fine = defineCheck({
      name: 'fine',
      read: () => 1,
      judge: (facts) => ({ status: 'ok', message: `${facts}` }),
    });
    const list: readonly Check[] = [failing, fine];
    expect(await diagnose(list, createCheckContext(CONFIG))).toEqual([
      { name: 'broken', status: 'unknown', message: 'the check failed: EIO: cannot', facts: undefined },
      { name: 'fine', status: 'ok', message: '1', facts: 1 },
    ]);
  });

  test.each([
    ['ok', true],
    ['note', true],
    ['failed', false],
    ['unknown', false],
  ] as const)('with a check that is %s passes: %s', (status, passed) => {
    expect(allPassed([report('ok'), report(status)])).toBe(passed);
  });
});

test('every check has a name of its own', () => {
  expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
});

describe('the deployment', () => {
  const POD_HOSTS =
    '60 52 254:0 /var/lib/kubelet/pods/6cf2e0c5-0b7a-4c2e-9a55-2d4b6a1f0c11/etc-hosts /etc/hosts rw - ext4 /dev/vda rw\n';
  const RESOLV_CONF = `61 52 254:0 /var/lib/x/sandboxes/${'a'.repeat(64)}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw\n`;
  const signs = {
    environment: {},
    cgroups: '0::/user.slice/user-0.slice/session-1.scope\n',
    marked: false,
    mountinfo: '',
  };
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
    // In a cgroup namespace of its own, without an API server, and without a marker.
    ['kubernetes', { ...signs, cgroups: '0::/\n', mountinfo: `${POD_HOSTS}${RESOLV_CONF}` }],
    ['docker', { ...signs, cgroups: '0::/\n', mountinfo: RESOLV_CONF }],
    ['shell', { ...signs, cgroups: '0::/\n', mountinfo: '60 52 254:0 /srv/hosts /etc/hosts ro - ext4 /dev/vda rw\n' }],
    ['docker', { ...signs, marked: true }],
    ['docker', { ...signs, environment: { container: 'podman' } }],
    ['docker', { ...signs, cgroups: `4:memory:/docker/${'a'.repeat(64)}\n` }],
    ['kubernetes', { ...signs, marked: true, environment: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }],
    ['kubernetes', { ...signs, cgroups: '0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope\n' }],
  ] as const)('is %s by %j', (deployment, given) => {
    expect(deploymentOf(given)).toBe(deployment);
  });
});

describe('the table', () => {
  const remedies = { shell: 'do this', systemd: 'A=b', docker: '--that', kubernetes: 'x: y' };
  const long = report('failed', {
    name: 'another',
    message: 'word '.repeat(60).trim(),
    missing: 'something',
    remedies,
  });

  test('shows what is missing and the remedy, in at most 100 columns', () => {
    const text = renderCheckTable([report('ok'), long], { deployments: ['docker'], colour: 'off' });
    const lines = text.split('\n');
    expect(lines[0]).toBe('ok       one      fine');
    expect(lines[1]).toMatch(/^FAILED   another  word word/);
    expect(lines.slice(-3)).toEqual([
      '                  missing: something',
      '                  docker run: --that',
      '',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).not.toMatch(/ $/m);
  });

  test('shows the remedies for all requested deployments', () => {
    const text = renderCheckTable([long], { deployments: ['shell', 'systemd', 'docker', 'kubernetes'], colour: 'off' });
    for (const line of ['by hand: do this', '[Service]: A=b', 'docker run: --that', 'pod spec: x: y']) {
      expect(text).toContain(line);
    }
  });

  test('is coloured for a terminal only, and the same without the colours', () => {
    const [plain, coloured] = (['off', 'on'] as const).map((colour) =>
      renderCheckTable([long], { deployments: [], colour }),
    );
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[1;31mFAILED\u001b[0m');
    // oxlint-disable-next-line no-control-regex
    expect(coloured?.replaceAll(/\u001b\[[\d;]+m/g, '')).toBe(plain);
  });

  test('replaces terminal control characters', () => {
    const text = renderCheckTable([report('note', { message: 'a\u001b[2Jb\u009bc\u202ed' })], {
      deployments: [],
      colour: 'off',
    });
    expect(text).toBe('note     one  a\ufffd[2Jb\ufffdc\ufffdd\n');
  });
});
