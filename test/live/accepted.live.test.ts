import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { type Outcome, quote, succeed } from '../lab/machine.ts';
import { PROMETHEUS_FOLDER } from '../rules/rule-files.ts';
import { untilComplete, within, words } from './docker-containers.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const DAY = 86_400_000;
const dayIn = (days: number): string => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);

/** The shipped rules, which need minutes; here they need seconds. */
const QUICK_RULES = readFileSync(join(PROMETHEUS_FOLDER, 'alerts.yml'), 'utf8')
  .replaceAll('[5m]', '[5s]')
  .replaceAll(/\bfor: \d+m$/gm, 'for: 2s');

const LIMITS = '--memory 64m --cpus 0.5 --pids-limit 100';

describeLive('a host with a node agent, a CI runner and a service', ['docker', 'prometheus'], () => {
  let directory: string;
  let file: string;
  let docker: Docker;
  let exporter: Exporter;
  let prometheus: Prometheus;
  const ids = new Map<string, string>();

  /** The agent may be in the pid namespace of the host until a day, and services may ask for what they need. */
  const accept = (lastDay: string) =>
    writeFileSync(
      file,
      `accept:
  - match: { engine: docker, container: node-agent, labels: { team: platform } }
    findings: [host_pid_namespace]
    reason: It watches all processes.
    owner: platform team
    expires: ${lastDay}
  - match: { container: 'service*' }
    from_label: isolation-exporter.accept
    findings: [net_raw, privileged]
    reason: Its team asks for it.
`,
    );

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-accepted-'));
    file = join(directory, 'accept.yml');
    docker = await startDocker(host);
    const start = async (name: string, options: string): Promise<void> => {
      ids.set(name, await docker.run('--name', name, ...words(`--network none ${LIMITS} ${options}`), LAB_IMAGE));
    };
    await start('node-agent', '--pid host --label team=platform');
    // It takes the name of the label, and has no entry.
    await start(
      'ci-runner',
      `--volume ${docker.socket}:/run/engine.sock --label isolation-exporter.accept=engine_socket`,
    );
    await start('service', '--label isolation-exporter.accept=net_raw,engine_socket');
    accept(dayIn(1));
    exporter = await startExporter(host, {
      flags: [`--docker.host=unix://${docker.socket}`, `--findings.accept-file=${file}`],
    });
    await untilComplete(host, exporter, [...ids.keys()]);
    prometheus = await startConfiguredPrometheus(host, {
      'prometheus.yml': JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: ['alerts.yml'],
        scrape_configs: [
          { job_name: 'isolation-exporter', honor_labels: true, static_configs: [{ targets: [exporter.address] }] },
        ],
      }),
      'alerts.yml': QUICK_RULES,
    });
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  /** The alerts of our containers that fire. */
  const alerts = async (): Promise<readonly string[]> => {
    const { alerts: all } = (await prometheus.ask('alerts')) as {
      alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
    };
    return all
      .filter(({ labels, state }) => state === 'firing' && ids.has(labels['container'] ?? ''))
      .map(({ labels: { alertname, container, finding, ns } }) =>
        [alertname, container, finding ?? ns].filter(Boolean).join(' '),
      )
      .toSorted();
  };
  const RUNNER = 'IsolationContainerCriticalFinding ci-runner engine_socket';
  const AGENT = 'IsolationContainerHostNamespace node-agent pid';

  const scan = (names: readonly string[], ...options: readonly string[]): Promise<Outcome> => {
    const flags = [`--docker.host=unix://${docker.socket}`, '--podman.host=', '--cri.endpoint=', ...options];
    const containers = names.flatMap((name) => ['--container', ids.get(name) ?? '']);
    return host.run(
      quote(process.execPath, PROGRAM, 'scan', `--findings.accept-file=${file}`, ...flags, ...containers),
    );
  };
  const ALL = ['node-agent', 'ci-runner', 'service'];

  test('has one alert, the right one', async () => {
    accept(dayIn(1));
    await within(host, 'the alert', async () => (await alerts()).length > 0);
    expect(await alerts()).toEqual([RUNNER]);
  });

  test('shows what is accepted in the metrics, with unchanged findings', async () => {
    accept(dayIn(1));
    const samples = await exporter.scrape();
    const accepted = samples.all
      .filter(
        ({ name, labels }) => name === 'isolation_container_finding_accepted' && ids.has(labels['container'] ?? ''),
      )
      .map(({ labels, value }) => `${labels['container']} ${labels['finding']} ${value}`);
    expect(accepted.toSorted()).toEqual(['node-agent host_pid_namespace 1', 'service net_raw 1']);
    const finding = (container: string, id: string) =>
      samples.value('isolation_container_finding', { container, finding: id });
    expect(finding('node-agent', 'host_pid_namespace')).toBe(1);
    expect(samples.value('isolation_container_isolation_level', { container: 'node-agent' })).toBe(1);
    expect(samples.value('isolation_exporter_accept_entries', { state: 'active' })).toBe(2);
    // The labels are read for the rules only.
    expect(samples.labels('isolation_container_labels_info', { container: 'node-agent' })).toBeUndefined();
  });

  test('shows it on the page', async () => {
    accept(dayIn(1));
    const page = await succeed(host, `curl -sS --fail -m 20 http://${exporter.address}/`);
    const row = page.split('<tbody').find((part) => part.includes('>node-agent<')) ?? '';
    expect(row).toContain('<span class="chip accepted">1 accepted</span>');
    expect(row).toContain('<q>It watches all processes.</q>, owner <bdi>platform team</bdi>');
    expect(row).not.toContain('1 high');
  });

  test('scan fails for the runner only, and for the agent again after the last day', async () => {
    accept(dayIn(0));
    const one = await scan(ALL, '--fail-on=high');
    expect({ code: one.code, stderr: one.stderr.trim() }).toEqual({
      code: 1,
      stderr: 'isolation-exporter: --fail-on: ci-runner: engine_socket',
    });
    expect(one.stdout).toMatch(
      /\n {2}accepted {2}host_pid_namespace: It watches all processes\. \(platform team, until /,
    );
    expect((await scan(['node-agent', 'service'], '--fail-on=high')).code).toBe(0);
    accept(dayIn(-1));
    const two = await scan(['node-agent', 'service'], '--fail-on=high');
    expect({ code: two.code, stderr: two.stderr.trim() }).toEqual({
      code: 1,
      stderr: 'isolation-exporter: --fail-on: node-agent: host_pid_namespace',
    });
  });

  test('is not accepted any more after the last day, and the log and a metric say so', async () => {
    accept(dayIn(-1));
    await within(host, 'the alert of the agent', async () => (await alerts()).includes(AGENT));
    expect(await alerts()).toEqual([RUNNER, AGENT].toSorted());
    const samples = await exporter.scrape();
    expect(samples.value('isolation_exporter_accept_entries', { state: 'expired' })).toBe(1);
    expect((await exporter.log()).filter(({ msg }) => msg === 'acceptance has expired')).toHaveLength(1);
  });

  test('keeps the entries while the file is broken', async () => {
    accept(dayIn(1));
    await within(host, 'the acceptance', async () => !(await alerts()).includes(AGENT));
    writeFileSync(file, 'accept: [{ match: { container: node-agent } }]\n');
    const up = async () => (await exporter.scrape()).value('isolation_source_up', { source: 'accept_file' });
    expect(await up()).toBe(0);
    expect(await alerts()).toEqual([RUNNER]);
    expect((await exporter.log()).at(-1)).toMatchObject({
      level: 'error',
      error: expect.stringContaining('entry 1: findings: missing'),
    });
    expect((await scan(ALL)).stderr).toMatch(
      /^isolation-exporter: \S+accept\.yml: line 1, entry 1: findings: missing: [^\n]*\n$/,
    );
    accept(dayIn(1));
    expect(await up()).toBe(1);
  });
});
