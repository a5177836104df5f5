import { SEVERITIES } from '../findings/finding.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { cutTo } from '../terminal/columns.ts';
import { printable } from '../terminal/printable.ts';

/** In columns. */
const WIDTH = 100;

/** Lines below the table: what was found in all, what is not known and why, and where to go from here. */
export function notesOn({ containers, sources }: HostReport): readonly string[] {
  // Pods have their names from one source, whichever runtime that asks; but Docker names its own.
  const named = containers.map(({ labels: { engine, pod } }) => (pod === '' || engine === 'docker' ? engine : 'cri'));
  const silent = [...new Set(named)].filter((source) => sources.get(source) === false);
  const isUncertain = containers.some(({ standing }) => standing?.certain === false);
  return [
    ...summaryOf(containers),
    ...(isUncertain ? ['≥: it is at least that; what is unknown could only make it better.'] : []),
    ...(silent.length > 0 ? [`${silent.join(', ')} gives no names: containers are called by their ids.`] : []),
    ...missing(containers, sources).map((text) => cutTo(WIDTH, printable(text))),
  ];
}

function summaryOf(containers: readonly ContainerReport[]): readonly string[] {
  if (containers.length === 0) {
    return ['No container was found; isolation-exporter diagnose tells what can be seen here.'];
  }
  const found = containers.flatMap(({ findings }) => findings).filter(({ answer }) => answer === 'yes');
  const counts = SEVERITIES.flatMap((severity) => {
    const count = found.filter(({ finding }) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const number = `${containers.length} container${containers.length === 1 ? '' : 's'}`;
  if (counts.length === 0) return [`${number}, and no finding.`];
  return [
    `${number}. Findings: ${counts.join(', ')}.`,
    'Why, and how to fix it: isolation-exporter scan --explain FINDING',
  ];
}

function missing(containers: readonly ContainerReport[], sources: HostReport['sources']): readonly string[] {
  const failed = containers.find(({ failure }) => failure !== undefined);
  if (failed === undefined && sources.get('host_namespaces') !== false) return [];
  const reason = failed?.failure?.message ?? 'the namespaces of the host could not be found out';
  return [`Not all could be seen, see isolation-exporter diagnose: ${reason}`];
}
