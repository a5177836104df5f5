import { readFileSync } from 'node:fs';
import { NODE_RELEASES } from './lab/node-releases.ts';
import { TESTED_RELEASES } from './lab/prometheus-releases.ts';

/** The table in docs/stability.md, from the versions that the suites name. */
export function supportTable(): string {
  const textOf = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const { engines } = JSON.parse(textOf('package.json')) as { readonly engines: { readonly node: string } };
  const major = (version: string) => version.split('.')[0];
  const releases = TESTED_RELEASES.map((name) => name.replace('Prometheus ', ''));
  const platforms = textOf('docs/platforms.md');
  // Guests have kernels of Debian.
  const kernels = [...platforms.matchAll(/^\| (\d+\.\d+)\.(\S+)/gm)].map(
    ([, kernel = '', rest = '']) => kernel + (rest.includes('+deb') ? ' in a guest' : ''),
  );
  const kubelets = [...platforms.matchAll(/ \| kubelet \| (\d+\.\d+)\./g)].map(
    ([, version]) => `a kubelet of ${version}`,
  );
  const oldest = /# Kubernetes ([\d.]+) or newer/.exec(textOf('deploy/kubernetes/base/kustomization.yaml'))?.[1] ?? '';
  const rows = [
    ['Node.js', engines.node.replace('>=', ''), NODE_RELEASES.map(major).join(', '), 'node-releases.e2e'],
    ['Prometheus', releases[0] ?? '', releases.slice(1).join(', '), 'the suites of `rules`'],
    ['Debian', '12', '13', 'package.live'],
    [
      'Kubernetes',
      oldest,
      [...new Set(kubelets), 'its schemas, not a cluster'].join(', '),
      'kubernetes, chart, kubelet.live',
    ],
    ['Linux', '6.1 in a guest', [...new Set(['6.12 in a guest', ...kernels])].join(', '), 'the live suites'],
  ];
  return [
    '| What | Oldest | Also tested | Tested by |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}
