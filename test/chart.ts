import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The directory of the Helm chart. */
export const CHART = fileURLToPath(new URL('../deploy/helm/isolation-exporter', import.meta.url));

/** Where a chart rendered by Helm is kept, so that the tests of a change need no Helm. */
export const RENDERED = fileURLToPath(new URL('rendered-chart', import.meta.url));

/** The tag in {@link RENDERED}, whatever the version is. */
const TAG = '--set image.tag=TAG';
/** Large, and copied from files that have tests of their own. */
const WITHOUT_COPIES = `${TAG} --set dashboards.enabled=false --set prometheusRule.enabled=false`;

/** For each kept rendering the flags of `helm template`. The first have the name of what they equal in deploy/kubernetes. */
export const RENDERINGS: Readonly<Record<string, string>> = {
  base: WITHOUT_COPIES,
  'overlays/cri': `${WITHOUT_COPIES} --set cri.enabled=true`,
  'overlays/kmsg': `${WITHOUT_COPIES} --set kmsg.enabled=true`,
  'overlays/without-operator': `${TAG} --set dashboards.enabled=false --set prometheusRule.enabled=false --set podMonitor.enabled=false`,
  everything: `${WITHOUT_COPIES} --values ${fileURLToPath(new URL('rendered-chart/everything.values.yaml', import.meta.url))}`,
};

/** The file of a rendering. */
export function renderedFile(name: string): string {
  return `${RENDERED}/${name.replace('overlays/', '')}.yaml`;
}

/** A digest of all files that a rendering depends on. It stands in the first line of each. */
export function chartDigest(): string {
  const hash = createHash('sha256');
  const files = readdirSync(`${CHART}/templates`).map((name) => `templates/${name}`);
  for (const file of ['values.yaml', ...files.toSorted()]) hash.update(file).update(readFileSync(`${CHART}/${file}`));
  return hash.digest('hex').slice(0, 16);
}
