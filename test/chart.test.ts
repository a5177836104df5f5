import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { OPTIONS } from '../src/config/options.ts';
import { SET_BY_CHART, chartSchema } from '../tools/chart-schema.ts';
import { CHART, RENDERINGS, chartDigest, renderedFile } from './chart.ts';
import { type KubernetesObject, schemaErrors } from './kubernetes-schema.ts';

const textOf = (path: string) => readFileSync(`${CHART}/${path}`, 'utf8');
const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const values = parse(textOf('values.yaml')) as Record<string, unknown>;

describe('the values of the chart', () => {
  // The formats and rules of draft 7, as in Helm.
  const validate = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(chartSchema()) as object);
  const problems = (changed: Record<string, unknown>) => {
    validate({ ...values, ...changed });
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('\n');
  };

  it('have a schema with all flags of the exporter', async () => {
    await expect(chartSchema()).toMatchFileSnapshot(`${CHART}/values.schema.json`);
    const flags = Object.values(OPTIONS).map(({ flag }) => flag);
    for (const flag of SET_BY_CHART) expect(flags).toContain(flag);
  });

  it('are valid by default, and complete', () => {
    expect(problems({})).toBe('');
    const { properties } = JSON.parse(chartSchema()) as { readonly properties: object };
    expect(Object.keys(values).toSorted()).toEqual(
      Object.keys(properties)
        .filter((name) => name !== 'global')
        .toSorted(),
    );
  });

  it.each([
    [{ collectors: { zswap: 'yes' } }, '/collectors/zswap must be boolean'],
    [{ collectors: { swap: true } }, '/collectors must NOT have additional properties'],
    [{ options: { 'log.level': 'loud' } }, '/options/log.level must be equal to one of the allowed values'],
    [{ options: { 'web.listen-address': ':80' } }, '/options must NOT have additional properties'],
    [{ cri: { enabled: true, socket: 'containerd.sock' } }, '/cri/socket must match pattern'],
    [{ kmsg: true }, '/kmsg must be object'],
    [{ podMonitor: { interval: '15' } }, '/podMonitor/interval must match pattern'],
    [{ podMonitor: { endpoint: { relabelings: [] } } }, '/podMonitor/endpoint/relabelings boolean schema is false'],
    [
      { podMonitor: { labels: { 'app.kubernetes.io/name': 'x' } } },
      '/podMonitor/labels/app.kubernetes.io~1name boolean schema is false',
    ],
    [{ podLabels: { 'app.kubernetes.io/name': 'x' } }, '/podLabels/app.kubernetes.io~1name boolean schema is false'],
    [{ toleration: [] }, ' must NOT have additional properties'],
  ])('%j are refused', (changed, problem) => {
    expect(problems(changed)).toContain(problem);
  });
});

describe('the chart', () => {
  it('has the version of the exporter', () => {
    const { version } = JSON.parse(readFileSync(root('package.json'), 'utf8')) as { readonly version: string };
    const chart = parse(textOf('Chart.yaml')) as { readonly version: string; readonly appVersion: string };
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
  });

  it('has the shipped rules and boards', () => {
    for (const link of ['files/alerts.yml', 'files/dashboards'])
      expect(readlinkSync(`${CHART}/${link}`)).toMatch(/^\.\./);
    expect(realpathSync(`${CHART}/files/alerts.yml`)).toBe(root('deploy/prometheus/alerts.yml'));
    expect(realpathSync(`${CHART}/files/dashboards`)).toBe(root('grafana/dashboards'));
    expect(textOf('templates/prometheusrule.yaml')).toContain('"files/alerts.yml"');
    // The templates replace what the rules have.
    expect(textOf('files/alerts.yml')).toContain(
      /replace "(.*?)"/.exec(textOf('templates/prometheusrule.yaml'))?.[1] ?? 'no replacement',
    );
  });

  it('refuses all keys of an endpoint that it sets itself', () => {
    const endpoint = /podMetricsEndpoints:\n([^]*?)\n {6}\{\{- with \.endpoint \}\}/.exec(
      textOf('templates/podmonitor.yaml'),
    );
    const set = [...(endpoint?.[1] ?? '').matchAll(/^ {4}(?:- | {2})(\w+):/gm)].map(([, key]) => key);
    const { properties } = JSON.parse(chartSchema()) as {
      readonly properties: { podMonitor: { properties: { endpoint: { properties: Record<string, false> } } } };
    };
    expect(Object.keys(properties.podMonitor.properties.endpoint.properties).toSorted()).toEqual(set.toSorted());
  });

  // Real Helm renders them, which takes minutes to build: LAB=all npx vitest run --project live test/live/chart.live.test.ts -u
  it.each(Object.keys(RENDERINGS))('was rendered again after the last change: %s', (name) => {
    const text = readFileSync(renderedFile(name), 'utf8');
    expect(text.split('\n')[0]).toBe(`# Chart ${chartDigest()}`);
    const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
    expect(schemaErrors(objects)).toEqual([]);
  });
});
