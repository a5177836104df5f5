import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { collectors } from '../src/collectors/index.ts';
import { findings } from '../src/findings/index.ts';
import { renderVictoriaMetricsRules } from '../tools/victoria-metrics-rules.ts';
import { blocksOf } from './code-blocks.ts';
import { sourceHealth } from '../src/page/source-health.ts';
import { groups, rules } from './rules/rule-files.ts';

const RUNBOOKS = new URL('../docs/runbooks/', import.meta.url);
const runbooks = readdirSync(RUNBOOKS).map((file) => [file, readFileSync(new URL(file, RUNBOOKS), 'utf8')] as const);

/** The labels of families, by name. */
const families: ReadonlyMap<string, readonly string[]> = new Map([
  ...collectors.flatMap((collector) =>
    collector.families.map((family) => {
      const own = 'labels' in family ? family.labels : [];
      const identity = collector.scope === 'host' ? [] : ['engine', 'namespace', 'pod', 'container'];
      return [family.name, [...identity, ...own]] as const;
    }),
  ),
  // Labels that the exporter itself sets.
  ['isolation_exporter_clock_timestamp_seconds', []],
  ['isolation_exporter_accept_entries', ['state']],
  ['isolation_container_runs_exporter', ['engine', 'namespace', 'pod', 'container']],
  ['isolation_scrape_collector_success', ['collector']],
  ['isolation_scrape_collector_duration_seconds', ['collector']],
]);

const namesOf = (text: string) => [...new Set(text.match(/\bisolation_[a-z_]+/g))];
const unknownIn = (text: string) =>
  namesOf(text).filter(
    (name) => !families.has(name) && ![...families.keys()].some((family) => family.startsWith(name)),
  );

describe('every alert', () => {
  it('has a unique name', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has a runbook URL with the same base', () => {
    const bases = rules.map(({ alert, annotations }) => annotations['runbook_url']?.replace(`/${alert}.md`, ''));
    const [base = ''] = bases;
    expect(base).toMatch(/^https:\/\/[^/]+\/docs\/runbooks$/);
    expect(new Set(bases)).toEqual(new Set([base]));
    // The head of the file explains how to change the base URL.
    const head = readFileSync(new URL('../deploy/prometheus/alerts.yml', import.meta.url), 'utf8').split('\n\n')[0];
    expect(head).toContain(`sed -i 's#${base}#`);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s follows the rules', (name, rule) => {
    expect(name).toMatch(/^Isolation[A-Z][A-Za-z]+$/);
    expect(Object.keys(rule.labels)).toEqual(['severity']);
    expect(rule.labels['severity']).toMatch(/^(?:critical|warning|info)$/);
    expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook_url']);
    const { summary = '', description = '' } = rule.annotations;
    // The heading of a group of alerts.
    expect(summary).toMatch(/^[A-Z][^{}\n]*\.$/);
    expect(description).toMatch(/^\S[^\n]*\.$/);
    expect(description.includes('$labels.instance')).toBe(!rule.expr.startsWith('absent('));
    expect(existsSync(new URL(`${name}.md`, RUNBOOKS))).toBe(true);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s queries existing metrics and labels',
    (_, { expr, annotations }) => {
      const selectors = [...expr.matchAll(/\b(\w+)\{([^}]*)\}/g)];
      const selected = selectors.map(([, metric = '']) => metric);
      expect(namesOf(expr).filter((metric) => !selected.includes(metric))).toEqual([]);
      expect(selectors.length).toBeGreaterThan(0);
      for (const [, metric = '', matchers = ''] of selectors) {
        const labels = metric === 'up' ? [] : families.get(metric);
        const asked = [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
        expect(asked[0]).toBe('job');
        expect(
          asked.slice(1).filter((label) => labels?.includes(label) !== true),
          metric,
        ).toEqual([]);
      }
      const told = [...(annotations['description'] ?? '').matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      const known = new Set([
        'cluster',
        'job',
        'instance',
        ...selected.flatMap((metric) => families.get(metric) ?? []),
      ]);
      expect(told.filter((label) => !known.has(label))).toEqual([]);
    },
  );

  it('queries existing findings', () => {
    const asked = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/finding(?:=|!~)"([^"]*)"/g)].flatMap(([, ids = '']) => ids.split('|')),
    );
    const known = findings.map(({ id }) => id);
    expect(asked.filter((id) => !known.includes(id))).toEqual([]);
    expect(asked).toContain('process_escaped');
  });

  // After a change: npx vitest run --project program -u
  it('is in the file for VictoriaMetrics, with another expression at most', async () => {
    const text = renderVictoriaMetricsRules(
      readFileSync(new URL('../deploy/prometheus/alerts.yml', import.meta.url), 'utf8'),
    );
    const others = (parse(text) as { groups: typeof groups }).groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({ ...rule, expr: expect.any(String) as string })),
    }));
    expect(groups).toEqual(others);
    await expect(text).toMatchFileSnapshot('../deploy/victoria-metrics/alerts.yml');
  });

  it('is in the right group', () => {
    for (const { name } of groups) expect(name).toMatch(/^isolation-exporter\.[a-z]+$/);
  });
});

describe('every runbook', () => {
  it.each(runbooks)('%s belongs to an alert and is complete', (file, text) => {
    const name = file.replace(/\.md$/, '');
    expect(rules.map(({ alert }) => alert)).toContain(name);
    // The first line says what has happened, to a reader who knows nothing of the product.
    expect(text).toMatch(new RegExp(`^# ${name}\n\n[A-Z][^\n]+\\.\n\n## Meaning\n`));
    const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    expect(sections).toEqual(['Meaning', 'Impact', 'Diagnosis', 'Mitigation', 'Silence']);
    for (const section of text.split(/^## .*$/m).slice(1)) expect(section.trim().length).toBeGreaterThan(40);
    const diagnosis = /^## Diagnosis$([^]*)^## Mitigation$/m.exec(text)?.[1];
    expect(diagnosis).toContain('```sh\n');
    expect(diagnosis).toContain('```promql\n');
  });

  it.each(runbooks)('%s silences its own alert by labels that it has', (file, text) => {
    const rule = rules.find(({ alert }) => `${alert}.md` === file);
    const [, alert, pairs = ''] =
      /^  alertname=(\w+)((?: \w+="\$\w+")*)\n```/m.exec(text.split('## Silence')[1] ?? '') ?? [];
    expect(alert).toBe(rule?.alert);
    const known = ['instance', ...namesOf(rule?.expr ?? '').flatMap((metric) => families.get(metric) ?? [])];
    for (const [, label = '', value] of pairs.matchAll(/ (\w+)="\$(\w+)"/g)) {
      expect(known).toContain(label);
      expect(value).toBe(label);
    }
  });

  it.each(runbooks)('%s has commands that bash can parse, with variables that it explains', (_, text) => {
    const commands = blocksOf(text, 'sh').join('\n');
    const { status, stderr } = spawnSync('bash', ['-n', '-c', commands], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const own = [...commands.matchAll(/\b(\w+)=\$\(|\bfor (\w+) in/g)].map(([, one, other]) => one ?? other);
    const used = [...commands.replaceAll(/'[^']*'/g, '').matchAll(/\$(\w+)/g)].map(([, name = '']) => name);
    // `$alertmanager` and `$USER` are those of the reader.
    const unknown = used.filter((name) => ![...own, 'alertmanager', 'USER'].includes(name));
    const prose = text.replaceAll(/^```[^]*?^```$/gm, '');
    expect([...new Set(unknown)].filter((name) => !prose.includes(`\`$${name}\``))).toEqual([]);
  });

  it.each(runbooks)('%s says for how long, as the rule does', (file, text) => {
    const rule = rules.find(({ alert }) => `${alert}.md` === file);
    const [, minutes] = /^For (\d+) minutes\b/m.exec(text) ?? [];
    if (minutes !== undefined) expect(`${minutes}m`).toBe(rule?.for);
  });

  it.each(runbooks)('%s names only labels that its alert has', (file, text) => {
    const rule = rules.find(({ alert }) => `${alert}.md` === file);
    const known = ['instance', ...namesOf(rule?.expr ?? '').flatMap((metric) => families.get(metric) ?? [])];
    const told = [...text.matchAll(/^In queries and commands, (.*?) (?:are labels|is that label) of the alert/gm)];
    const names = told.flatMap(([, list = '']) => [...list.matchAll(/`\$(\w+)`/g)].map(([, name = '']) => name));
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(runbooks)('%s finds the log of the exporter on that host, however it is deployed', (_, text) => {
    const commands = blocksOf(text, 'sh').flatMap((block) => block.split('\n'));
    const { namespace } = parse(
      readFileSync(new URL('../deploy/kubernetes/base/kustomization.yaml', import.meta.url), 'utf8'),
    ) as { readonly namespace: string };
    const namespaces = commands.flatMap((command) => [...command.matchAll(/kubectl (?:-n|--namespace) (\S+)/g)]);
    expect(
      namespaces.map(([, name]) => name).filter((name) => ![namespace, '"$namespace"'].includes(name ?? '')),
    ).toEqual([]);
    // `daemonset/…` is a pod of any node.
    expect(commands.filter((command) => /\b(?:ds|daemonset)\//.test(command))).toEqual([]);
    // Where the log is wanted, it is shown for systemd, Docker and Kubernetes.
    const engines = ['journalctl -u isolation-exporter', 'docker logs', `kubectl -n ${namespace} logs`];
    const logs = engines.map((engine) =>
      commands.some((command) => command.startsWith(engine) && command.includes('isolation-exporter')),
    );
    expect(new Set(logs).size, String(logs)).toBe(1);
  });

  it.each(runbooks)(
    '%s does not connect to the label instance, which has no port in most scrape configurations',
    (_, text) => {
      expect(blocksOf(text, 'sh').join('\n')).not.toMatch(/:\/\/\$instance/);
    },
  );

  it.each(runbooks)('%s has no dead links', (_, text) => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(new URL(target, RUNBOOKS)))).toEqual([]);
    expect(unknownIn(text)).toEqual([]);
  });
});

describe('the runbook of a source', () => {
  const named = (alert: string, pattern: RegExp) =>
    [...(runbooks.find(([file]) => file === `${alert}.md`)?.[1] ?? '').matchAll(pattern)].flatMap(([row]) =>
      [...row.matchAll(/`(?:source=")?(\w+)"?`/g)].map(([, source = '']) => source),
    );
  const sources = [
    ...named('IsolationSourceDown', /^\| (?:`\w+`,? )+/gm).filter((name) => name !== 'source'),
    ...named('IsolationDetailSourceDown', /`source="\w+"`/g),
  ];

  it('knows those that the program documents', () => {
    const help = collectors
      .flatMap(({ families }): readonly { readonly name: string; readonly help: string }[] => families)
      .find(({ name }) => name === 'isolation_source_up')?.help;
    // Engines are not listed there. The monitors of Podman's containers are never down.
    const engines = ['docker', 'podman', 'cri'];
    const told = [...(help ?? '').matchAll(/\b(?:[a-z]+_[a-z_]+|vmstat|psi|kmsg)\b/g)].map(([name]) => name);
    expect([...new Set(told), ...engines].toSorted()).toEqual(sources.toSorted());
  });

  it.each(sources)('knows %s, as the page does', (source) => {
    const report = { sources: new Map([[source, false]]) } as unknown as Parameters<typeof sourceHealth>[0];
    expect(sourceHealth(report).html).toMatch(/<small>[^<]/);
  });
});
