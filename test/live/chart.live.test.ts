import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHART, RENDERINGS, chartDigest, renderedFile } from '../chart.ts';
import { type KubernetesObject, schemaErrors } from '../kubernetes-schema.ts';
import { HELM, describeWithHelm } from '../lab/helm.ts';
import { host } from '../lab/host.ts';
import { quote, succeed } from '../lab/machine.ts';
import { kustomizeBuild, objectsIn } from './kustomize.ts';

const NAME = 'isolation-exporter';
/** Helm says on each run that it follows the links to rules and boards. */
const LINKS = /^level=INFO msg="found symbolic link in path\. .*\n/gm;

describeWithHelm('the chart', ['newer-debian'], () => {
  let work = '';
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const render = (flags = '', chart = CHART) =>
    host.run(`${HELM} template ${NAME} ${quote(chart)} --namespace ${NAME} ${flags}`);
  const rendered = async (flags?: string, chart?: string): Promise<readonly KubernetesObject[]> => {
    const { code, stdout, stderr } = await render(flags, chart);
    expect([code, stderr.replaceAll(LINKS, '')]).toEqual([0, '']);
    return objectsIn(stdout);
  };
  let byDefault: readonly KubernetesObject[];
  beforeAll(async () => {
    // The body of a suite also runs if it is skipped.
    work = mkdtempSync(join(tmpdir(), 'isolation-exporter-chart-'));
    byDefault = await rendered();
  });

  test('has nothing that helm lint warns of', async () => {
    const report = await succeed(host, `${HELM} lint --strict --quiet ${quote(CHART)} 2>/dev/null`);
    expect(report).toBe('');
  });

  test('gives by default what the kustomization does, but for the namespace', async () => {
    const kustomized = (await kustomizeBuild('base')).filter(({ kind }) => kind !== 'Namespace');
    expect(sorted(byDefault)).toEqual(sorted(kustomized));
    expect(schemaErrors(byDefault)).toEqual([]);
  });

  test.each(Object.entries(RENDERINGS))('gives the kept rendering: %s', async (name, flags) => {
    const output = (await render(flags)).stdout;
    expect(schemaErrors(objectsIn(output))).toEqual([]);
    await expect(`# Chart ${chartDigest()}\n${output}`).toMatchFileSnapshot(renderedFile(name));
  });

  test.each([
    ['a flag that does not exist', String.raw`--set 'options.log\.levle=debug'`, 'log.levle'],
    ['a wrong word of a flag', String.raw`--set 'options.log\.level=loud'`, 'log.level'],
    ['a value that does not exist', '--set toleration=1', 'toleration'],
    ['a digest that is none', '--set image.digest=latest', 'digest'],
  ])('refuses %s', async (_, flags, named) => {
    const { code, stderr } = await render(flags);
    expect(code).toBe(1);
    expect(stderr).toContain("values don't meet the specifications of the schema");
    expect(stderr).toContain(named);
  });

  test('can be packed: the package has the files and not the links', async () => {
    await succeed(host, `${HELM} package ${quote(CHART)} --destination ${quote(work)}`);
    const [file = ''] = (await succeed(host, `ls ${quote(work)}/*.tgz`)).split('\n');
    const listed = await succeed(host, `tar -tvzf ${quote(file)} | cut -c1`);
    expect(new Set(listed.split('\n'))).toEqual(new Set(['-']));
    expect(sorted(await rendered('', file))).toEqual(sorted(byDefault));
  });
});

/** By kind and name. */
function sorted(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const key = (object: KubernetesObject) =>
    `${object.kind} ${(object as unknown as { metadata: { name: string } }).metadata.name}`;
  return objects.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
