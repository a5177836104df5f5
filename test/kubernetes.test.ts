import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderPrometheusRule } from '../tools/prometheus-rule.ts';
import { type KubernetesObject, schemaErrors } from './kubernetes-schema.ts';

const ROOT = new URL('../', import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const base = (name: string) => parse(textOf(`deploy/kubernetes/base/${name}.yaml`)) as KubernetesObject;
const { resources, images } = parse(textOf('deploy/kubernetes/base/kustomization.yaml')) as {
  readonly resources: readonly string[];
  readonly images: readonly { readonly newTag: string }[];
};

describe('deploy/kubernetes', () => {
  it('is valid for the API', () => {
    const names = resources.filter((path) => !path.includes('/')).map((path) => path.replace('.yaml', ''));
    expect(names).toContain('daemonset');
    expect(schemaErrors(names.map(base))).toEqual([]);
  });

  it('is checked: the schema rejects wrong fields', () => {
    const [unknown, wrong] = [0, 1].map(() => structuredClone(base('daemonset')) as unknown as Broken) as [
      Broken,
      Broken,
    ];
    unknown.spec.template.spec.hostPid = true;
    wrong.spec.template.spec.containers[0].image = 3;
    expect(schemaErrors([unknown]).join('\n')).toMatch(/hostPid.* does not exist/);
    expect(schemaErrors([wrong]).join('\n')).toContain('image must be string');
  });

  it('lists all files in the kustomization', () => {
    const files = readdirSync(new URL('deploy/kubernetes/base/', ROOT)).filter((file) => file !== 'kustomization.yaml');
    expect(resources.filter((path) => !path.includes('/')).toSorted()).toEqual(files.toSorted());
  });

  it('cannot write to cgroups, also on cgroup v1', () => {
    const [{ volumeMounts }] = (base('daemonset') as unknown as Broken).spec.template.spec.containers;
    expect(volumeMounts).toContainEqual({
      name: 'cgroup',
      mountPath: '/host/sys/fs/cgroup',
      readOnly: true,
      recursiveReadOnly: 'IfPossible',
    });
  });

  it('sees the names of log files, and no log', () => {
    const { containers, volumes } = (base('daemonset') as unknown as Broken).spec.template.spec;
    expect(containers[0].volumeMounts).toContainEqual({
      name: 'container-logs',
      mountPath: '/var/log/containers',
      readOnly: true,
    });
    // Links only: the logs are in /var/log/pods, or where the runtime keeps them.
    expect(volumes.map(({ hostPath }) => hostPath.path).filter((path) => path.startsWith('/var/log'))).toEqual([
      '/var/log/containers',
    ]);
  });

  it('has a quota for the priority of its pods', () => {
    const daemonSet = base('daemonset') as unknown as Broken;
    expect(base('resourcequota')).toMatchObject({
      spec: {
        scopeSelector: {
          matchExpressions: [
            { scopeName: 'PriorityClass', operator: 'In', values: [daemonSet.spec.template.spec.priorityClassName] },
          ],
        },
      },
    });
  });

  it('has the current rules', async () => {
    const rules = renderPrometheusRule(textOf('deploy/prometheus/alerts.yml'));
    expect(parse(rules)).toMatchObject({ spec: parse(textOf('deploy/prometheus/alerts.yml')) });
    await expect(rules).toMatchFileSnapshot('../deploy/kubernetes/base/prometheusrule.yaml');
  });

  it('has all dashboards', () => {
    const { configMapGenerator } = parse(textOf('grafana/kustomization.yaml')) as {
      readonly configMapGenerator: readonly { readonly files: readonly string[] }[];
    };
    const boards = readdirSync(new URL('grafana/dashboards/', ROOT)).filter((file) => file.endsWith('.json'));
    expect(boards).not.toEqual([]);
    expect(configMapGenerator.flatMap(({ files }) => files).toSorted()).toEqual(
      boards.map((file) => `dashboards/${file}`).toSorted(),
    );
  });

  it('runs the image of this version', () => {
    expect(images.map(({ newTag }) => newTag)).toEqual([
      (JSON.parse(textOf('package.json')) as { version: string }).version,
    ]);
  });
});

interface Broken extends KubernetesObject {
  spec: {
    template: {
      spec: {
        hostPid: boolean;
        priorityClassName: string;
        volumes: readonly { readonly hostPath: { readonly path: string } }[];
        containers: [{ image: unknown; readonly volumeMounts: readonly unknown[] }];
      };
    };
  };
}
