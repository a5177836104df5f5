import { describe, expect, test } from 'vitest';
import {
  ACCEPTANCE,
  accepting,
  containerReport,
  hostReport,
  unknownContainer,
  quota,
  use,
} from '../../test/reports.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { LEVELS } from '../findings/level.ts';
import { NAMESPACE_KINDS } from '../kernel/host-namespaces.ts';
import { nameOfLevel } from './level-badge.ts';
import { renderPage } from './page.ts';
import { parseView } from './view.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: 'abcdef' };

function pageOf(containers: readonly ContainerReport[], query = '', telemetryPath = '/metrics'): string {
  const report = hostReport(...containers);
  return [...renderPage({ report, view: parseView(query), version, telemetryPath })].join('');
}

/** The text in the cells of the only container, as a browser would show it. */
function cellsOf(page: string): readonly string[] {
  const row = /<tbody id[^>]*>\s*<tr>(.*?)<\/tr>/s.exec(page)?.[1] ?? '';
  return row
    .split(/<\/t[hd]>/)
    .map((cell) => textOf(cell))
    .slice(0, -1);
}

function textOf(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

describe('a container', () => {
  test('is a row of figures', () => {
    expect(
      cellsOf(pageOf([containerReport('web', {}, { privileged: 'yes', net_raw: 'yes', runs_as_root: 'yes' })])),
    ).toEqual([
      'web docker, lab:1',
      '2 standard',
      '1 critical 2 low',
      'host: user',
      '16 MiB / 64 MiB',
      '2 last 4 minutes ago',
      '0.5 cores throttled 25 %',
      '3 / 100',
    ]);
  });

  test('says what its engine says about its life', () => {
    const life = {
      health: 'unhealthy',
      restarts: 2,
      exit: { code: 137, at: Date.UTC(2026, 0, 2, 3, 0, 5) / 1000 },
    } as const;
    const page = pageOf([containerReport('web', { life })]);
    expect(cellsOf(page)[0]).toBe('web docker, lab:1 unhealthy');
    expect(textOf(page)).toContain('health check: unhealthy');
    expect(textOf(page)).toContain('restarted 2 times by its engine');
    expect(textOf(page)).toContain('last ended 4 minutes ago: exit code 137 (SIGKILL)');
    expect(textOf(pageOf([containerReport('web', { life: { health: 'healthy', restarts: 0 } })]))).not.toMatch(
      /restarted|ended/,
    );
  });

  test('that has ended is listed, if its engine keeps it', () => {
    const labels = { engine: 'docker', namespace: '', pod: '', container: 'job' };
    const exit = { code: 137, at: Date.UTC(2026, 0, 2, 3, 0, 5) / 1000, oomKilled: true };
    const report = { ...hostReport(), ended: [{ labels, exit, restarts: 1, shouldRun: true, hasEnded: true }] };
    const page = [...renderPage({ report, view: parseView(''), version, telemetryPath: '/metrics' })].join('');
    const text = 'job docker 4 minutes ago: exit code 137 (SIGKILL), OOM-killed, restarted 1 time, should run';
    expect(textOf(page)).toContain(`1 container that has ended ${text}`);
    const unknown = { ...report, ended: [{ labels, shouldRun: false, hasEnded: true }] };
    const other = [...renderPage({ report: unknown, view: parseView(''), version, telemetryPath: '/metrics' })].join(
      '',
    );
    expect(textOf(other)).toContain('job docker exit code unknown');
    expect(pageOf([containerReport('web')])).not.toContain('id="ended"');
  });

  test('without known facts says so', () => {
    const page = pageOf([unknownContainer('dark')]);
    expect(cellsOf(page).toSpliced(2, 1).slice(1)).toEqual(Array(6).fill('unknown'));
    expect(cellsOf(page)[2]).toMatch(/^\d\d unknown$/);
    expect(page).toMatch(/<summary>\d\d findings could not be checked<\/summary>/);
    expect(textOf(pageOf([containerReport('x', {}, { net_raw: 'unknown' })]))).toContain(
      '1 finding could not be checked',
    );
    expect(page).toContain('Facts of 1 of 1 containers could not be read');
    expect(page).toContain(
      'Some facts could not be read: EACCES: permission denied, readlink &#39;/proc/7/ns/net&#39;',
    );
    expect(page).not.toContain('<rect width');
  });

  test('without limits has no bars', () => {
    const page = pageOf([
      containerReport('free', {
        memory: use(Infinity, 1024),
        cpu: quota(Infinity, 0, 0, 0),
        pids: use(Infinity, 1),
        oom: { events: 0, kills: 0, lastKill: undefined },
        isolationLevel: { level: 1, levelName: 'weakened', certain: false },
        namespaces: [
          { kind: 'net', peers: 3 },
          { kind: 'ipc', peers: undefined },
          { kind: 'pid', peers: 0 },
        ],
      }),
    ]);
    expect(cellsOf(page).slice(1)).toEqual([
      '≥ 1 weakened',
      'none',
      'with others: net (3) unknown: ipc',
      '1 KiB / no limit',
      '0',
      'no limit',
      '1 / no limit',
    ]);
    expect(page).not.toContain('<rect width');
  });

  test('whose namespaces another one may share is not shown as sharing none', () => {
    const cell = (peers: 0 | 'not host') =>
      cellsOf(pageOf([containerReport('x', { namespaces: [{ kind: 'net', peers }] })]))[3];
    expect([cell(0), cell('not host')]).toEqual(['none', 'with others: unknown']);
  });

  test('shows how near the limit of its pod is, and a shared limit only when it is near', () => {
    const limiter = { path: '/kubepods/pod1', limit: 100, used: 95 };
    const cellsOf = (memory: Partial<ContainerReport['memory']>) =>
      textOf(pageOf([containerReport('x', { memory: { ...use(100, 40), ...memory } })]));
    expect(cellsOf({ limiters: [{ ...limiter, scope: 'pod' }] })).toContain('40 B / 100 B pod: 95 B / 100 B');
    const shared = cellsOf({ limited: false, limiters: [{ ...limiter, scope: 'shared', used: 80 }] });
    expect(shared).toContain('40 B / no limit');
    expect(shared).not.toContain('shared: 80 B');
    expect(cellsOf({ limited: false, limiters: [{ ...limiter, scope: 'shared' }] })).toContain('shared: 95 B / 100 B');
  });

  test('lists the limits of other cgroups in its details', () => {
    const place = { scope: 'task', path: '/ecs/1' } as const;
    const cpu = {
      ...quota(0.2, 0, 0, 0),
      limiters: [{ ...place, limit: 0.2, periods: 10, throttledPeriods: 9, throttledSeconds: 1 }],
    };
    const text = textOf(
      pageOf([containerReport('x', { cpu, pids: { ...use(6, 1), limiters: [{ ...place, limit: 6, used: 5 }] } })]),
    );
    expect(text).toContain('limit of ECS task /ecs/1 : 0.2 cores, throttled in 9 of 10 periods');
    expect(text).toContain('limit of ECS task /ecs/1 : 5 of 6 processes');
    expect(text).toContain('throttled 90 %');
  });

  test('has a bar of another colour only near its limit', () => {
    const barsOf = (used: number) =>
      [
        ...pageOf([containerReport('x', { memory: use(100, used) })]).matchAll(
          /class="bar (\w+)".*\s+<rect width="(\d+)"/g,
        ),
      ].map(([, kind, width]) => `${kind} ${width}`)[0];
    expect([0, 0.1, 50, 89, 90, 100, 150].map(barsOf)).toEqual([
      'usual 0',
      'usual 1',
      'usual 50',
      'usual 89',
      'full 90',
      'full 100',
      'full 100',
    ]);
  });

  test('shows its sandbox and its pod', () => {
    const sandboxed = containerReport('x', { sandbox: 'gvisor', namespaces: undefined });
    expect(cellsOf(pageOf([sandboxed]))[3]).toBe('in gvisor');
    const labels = { engine: 'cri-o', namespace: 'shop', pod: 'cart-1', container: 'app' };
    expect(cellsOf(pageOf([containerReport('x', { labels })]))[0]).toBe('shop/cart-1 / app cri-o, lab:1');
  });

  test('shows its findings with why they matter and how to fix them', () => {
    const page = pageOf([
      containerReport('web', {}, { engine_socket: 'yes', net_raw: 'yes', ulimits_raised: 'unknown' }),
      containerReport('db', {}, { net_raw: 'yes' }),
    ]);
    for (const id of ['engine_socket', 'net_raw']) {
      expect(page).toContain(`<a href="#fix-${id}">How to fix it</a>`);
      expect(page.match(new RegExp(`<article id="fix-${id}"`, 'g'))).toHaveLength(1);
      expect(page).toContain(`<a href="./?finding=${id}">`);
    }
    expect(page).not.toContain('fix-ulimits_raised');
    expect(page).toContain('Could not be checked:\nHigher ulimits than the engine&#39;s.');
    expect(page).toContain('Show the 2 containers that have it');
    expect(page).toMatch(/<dt>docker run<\/dt>\s*<dd>--cap-drop NET_RAW<\/dd>/);
  });

  test('shows accepted findings with who accepted them, why and until when', () => {
    const agent = containerReport(
      'agent',
      {},
      { host_pid_namespace: 'yes', net_raw: 'yes', seccomp_disabled: 'unknown', engine_socket: 'unknown' },
    );
    const forEver = { reason: '<b>fine</b>', owner: undefined, expires: undefined };
    const page = pageOf([accepting(agent, { host_pid_namespace: ACCEPTANCE, seccomp_disabled: forEver })]);
    expect(cellsOf(page)[2]).toBe('1 low 1 unknown 2 accepted');
    const text = textOf(page);
    expect(text).toContain(
      'accepted high No seccomp filter (could not be checked). Reason: &#60;b&#62;fine&#60;/b&#62; , without an end.',
    );
    expect(text).toContain(
      'accepted high The host&#39;s pid namespace. Reason: It reads /proc. , owner platform , until the end of 2027-06-30 UTC.',
    );
    expect(page).not.toContain('href="#fix-seccomp_disabled"');
    expect(page).toContain('href="#fix-host_pid_namespace"');
    expect(page).toContain('id="fix-host_pid_namespace"');
    // The folded summary does not read as if there was nothing.
    const only = containerReport('only', {}, { host_pid_namespace: 'yes' });
    const allAccepted = pageOf([accepting(only, { host_pid_namespace: ACCEPTANCE })]);
    expect(allAccepted).toContain('<summary>1 finding accepted</summary>');
    expect(cellsOf(allAccepted)[2]).toBe('1 accepted');
    expect(textOf(allAccepted)).toContain('With findings none');
  });

  test('keeps its element id across pages and renames', () => {
    const idOf = (changes: Partial<ContainerReport>) =>
      /<tbody id="(c[0-9a-f]{12})"/.exec(pageOf([containerReport('a', changes)]))?.[1];
    expect(idOf({ isolationLevel: undefined })).toBe(idOf({}));
    expect(idOf({ id: 'another' })).not.toBe(idOf({}));
    expect(idOf({ path: '/another' })).not.toBe(idOf({}));
  });

  test('shows its cgroup if another container has the same name', () => {
    const page = pageOf([
      containerReport('web', { path: '/a/web' }),
      containerReport('web', { path: '/b/web' }),
      containerReport('db'),
    ]);
    expect([...page.matchAll(/<small>cgroup (.*?)</g)].map(([, path]) => path)).toEqual(['/a/web', '/b/web']);
  });

  test('shows the digest of its image in the details only', () => {
    const image = `shop/cart:2@sha256:${'ab'.repeat(32)}`;
    const page = pageOf([containerReport('web', { image })]);
    expect(cellsOf(page)[0]).toBe('web docker, shop/cart:2');
    expect(page).toContain(`image <code>${image}</code>`);
    expect(page).toContain('last OOM kill at 2026-01-02 03:00:05 UTC');
  });
});

describe('the page', () => {
  const three = ['a', 'b', 'c'].map((name) =>
    containerReport(name, name === 'b' ? { id: 'b', isolationLevel: undefined } : { id: name }),
  );

  test('shows the sort column visibly and to screen readers', () => {
    const page = pageOf(three, 'sort=name&order=descending');
    expect([...page.matchAll(/class="name">(\w)</g)].map(([, name]) => name)).toEqual(['c', 'b', 'a']);
    expect(page.match(/aria-sort=/g)).toHaveLength(1);
    expect(page).toMatch(
      /<th scope="col" aria-sort="descending">\s*<a id="sort-name" href="\.\/\?sort=name">Container<span aria-hidden="true">▼/,
    );
    expect(page).toContain('<caption>3 containers, by container, descending</caption>');
    expect(pageOf(three, 'sort=oom')).toContain('<caption>3 containers, by OOM kills, descending</caption>');
    // The form keeps the order.
    expect(page).toContain('<input type="hidden" name="sort" value="name">');
    expect(page).toContain('<input type="hidden" name="order" value="descending">');
  });

  test('says that a filter is active, and links to all containers', () => {
    const page = pageOf(three, 'level=unknown&sort=name');
    expect(page).toContain('<caption>1 of 3 containers, by container, ascending</caption>');
    expect(page).toContain('<option value="unknown" selected>');
    expect(page).toContain('<a href="./?sort=name">Show all</a>');
    expect(pageOf(three, 'search=nobody')).toContain('No container matches the filter.');
    expect(pageOf([])).toContain('There is no container on this host.');
    expect(pageOf(three)).not.toContain('Show all');
  });

  test('does not say that there is none where it could not look', () => {
    const empty = { ...hostReport(), sources: new Map([['cgroup_walk', false]]) };
    const page = [...renderPage({ report: empty, view: parseView(''), version, telemetryPath: '/metrics' })].join('');
    expect(page).toContain('No container was found, and some cgroups could not be looked at.');
    expect(page).not.toContain('There is no container');
    const summary = (...containers: readonly ContainerReport[]) =>
      textOf(/<dl id="summary".*?<\/dl>/s.exec(pageOf(containers))?.[0] ?? '').replace(/^.*?With/, 'With');
    const idle = { oom: { events: 0, kills: 0, lastKill: undefined }, cpu: quota(Infinity, 0, 0, 0) };
    expect(summary(containerReport('web', idle))).toBe('With findings none Limits reached none');
    expect(summary(unknownContainer('dark'))).toBe('With findings none known Limits reached none known');
  });

  test('counts levels and findings, with links', () => {
    const page = pageOf([...three, containerReport('d', {}, { privileged: 'yes' })]);
    expect(page).toContain('<a href="./?level=standard">standard <strong>3</strong></a>');
    expect(page).toContain('<a href="./?level=unknown">unknown <strong>1</strong></a>');
    expect(page).toContain('<a href="./?severity=critical">critical <strong>1</strong></a>');
    expect(page).not.toContain('./?level=weakened');
    expect(pageOf(three, 'sort=memory&level=unknown')).toContain('<a href="./?sort=memory&#38;level=standard">');
  });

  test('counts containers that hit a limit, with links to views that list them first', () => {
    const calm = {
      cpu: quota(1, 100, 24, 1),
      oom: { events: 0, kills: 0, lastKill: undefined },
    };
    const page = pageOf([
      containerReport('calm', { id: 'a', ...calm }),
      containerReport('unlimited', { id: 'b', ...calm, memory: use(Infinity, 1e12) }),
      containerReport('full', { id: 'c', ...calm, memory: use(10, 9), pids: use(10, 9) }),
      containerReport('killed and throttled', { id: 'd' }),
    ]);
    expect(page).toContain('<a href="./?sort=oom">OOM kills <strong>1</strong></a>');
    expect(page).toContain('<a href="./?sort=memory">memory nearly full <strong>1</strong></a>');
    expect(page).toContain('<a href="./?sort=cpu">often throttled <strong>1</strong></a>');
    expect(page).toContain('<a href="./?sort=pids">processes nearly full <strong>1</strong></a>');
    expect(textOf(pageOf([containerReport('calm', calm)]))).toContain('Limits reached none');
  });

  test('highlights an OOM kill for an hour', () => {
    const { at } = hostReport();
    const isColoured = (secondsAgo: number): boolean =>
      pageOf([containerReport('x', { oom: { events: 1, kills: 1, lastKill: at / 1000 - secondsAgo } })]).includes(
        '<small class="full">last',
      );
    expect([0, 3599, 3600, 1e6].map(isColoured)).toEqual([true, true, false, false]);
  });

  test('shows failing sources, and folds working ones', () => {
    const pageWithout = (name: string): string => {
      const report = { ...hostReport(), sources: new Map([...hostReport().sources, [name, false]]) };
      return [...renderPage({ report, view: parseView(''), version, telemetryPath: '/m' })].join('');
    };
    const page = pageWithout('docker');
    expect(page).toMatch(
      /<details id="sources" class="sources" open>\s*<summary class="warning">Failing sources: docker</,
    );
    expect(page).toContain('<code>isolation-exporter diagnose</code> shows why');
    // Many hosts lack these sources on purpose.
    expect(pageWithout('kmsg')).toMatch(/<details id="sources" class="sources">\s*<summary>Failing sources: kmsg</);
    expect(pageOf([])).toMatch(/<details id="sources" class="sources">\s*<summary>All sources work</);
    expect(pageOf([])).not.toContain('shows why');
  });

  test('explains each level and each kind of namespace', () => {
    const page = textOf(pageOf([]));
    for (const [level, name] of LEVELS.entries()) expect(page).toContain(`${level} ${nameOfLevel(name)} (`);
    for (const kind of NAMESPACE_KINDS) expect(page).toMatch(new RegExp(`[:,] ${kind} \\(\\w`));
  });

  test('links to the metrics, shows the version, and escapes everything', () => {
    const page = pageOf([], 'search="><script>x', '/"><script>&\'');
    expect(page).toContain('href="./&#34;&#62;&#60;script&#62;&#38;&#39;"');
    expect(page).toContain('value="&#34;&#62;&#60;script&#62;x"');
    expect(page).toContain('<footer>isolation-exporter 1.2.3, abcdef</footer>');
    expect(page.match(/<script/g)).toHaveLength(1);
  });

  test('shows hostile names as text', () => {
    const name = '"><script>alert(1)</script>\u202e\u001b[31m\u0000';
    const hostile = containerReport(name, {
      labels: { engine: name, namespace: name, pod: name, container: name },
      image: name,
      runtime: name,
      id: name,
      failure: new Error(name),
    });
    const page = pageOf([hostile]);
    expect(page.match(/<script/g)).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex
    expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    // The page itself must not violate a policy that forbids these.
    expect(page).not.toMatch(/ (style|on\w+)=/);
  });
});
