import { isOpen } from '../findings/acceptance.ts';
import type { Assessed } from '../findings/assess.ts';
import type { ContainerReport } from '../report/container-report.ts';
import type { HostReport } from '../report/host-report.ts';
import { nameOf } from '../report/wording.ts';
import type { Baseline } from './baseline.ts';
import type { ScanStandard } from './standard.ts';
import { identityOf, keyOf, type Labels } from './identity.ts';

/** What a scan shows: a report, how it differs from a baseline, and the standard that the containers are checked by. */
export interface ScanReport extends HostReport {
  readonly comparison?: Comparison;
  readonly standard?: ScanStandard;
}

/** How containers differ from a baseline. Their findings are marked `new` or `known`. */
export interface Comparison {
  /** The baseline, as the user named it. */
  readonly file: string;
  /** How many findings are new, and how many are known. Accepted ones do not count. */
  readonly added: number;
  readonly known: number;
  /** Findings of the baseline that no container with that identity has any more. */
  readonly fixed: readonly Change[];
  /** Containers of the baseline that no longer exist. */
  readonly gone: readonly Labels[];
}

export interface Change {
  readonly labels: Labels;
  readonly finding: string;
}

/**
 * Compares containers with a baseline, and marks their findings. A finding that was unknown and is certain now is new.
 *
 * @param scope `selected`: containers may exist that are not among these.
 */
export function compareWith(
  baseline: Baseline,
  containers: readonly ContainerReport[],
  { file, scope }: { readonly file: string; readonly scope: 'all' | 'selected' },
): { readonly containers: readonly ContainerReport[]; readonly comparison: Comparison } {
  const marked = containers.map((container) => ({
    ...container,
    findings: container.findings.map((assessed) => mark(assessed, container, baseline)),
  }));
  const found = marked.flatMap(({ findings }) => findings.filter((each) => isOpen(each)));
  const present = new Map<string, ContainerReport[]>();
  for (const container of marked) {
    const key = keyOf(identityOf(container.labels));
    present.set(key, [...(present.get(key) ?? []), container]);
  }
  return {
    containers: marked,
    comparison: {
      file,
      added: found.filter(({ since }) => since === 'new').length,
      known: found.filter(({ since }) => since === 'known').length,
      fixed: [...baseline].flatMap(([key, { labels, findings }]) =>
        [...findings].filter((id) => isFixed(id, present.get(key) ?? [])).map((finding) => ({ labels, finding })),
      ),
      gone: scope === 'all' ? [...baseline].flatMap(([key, { labels }]) => (present.has(key) ? [] : labels)) : [],
    },
  };
}

function mark(assessed: Assessed, { labels }: ContainerReport, baseline: Baseline): Assessed {
  if (assessed.answer === 'no' || assessed.accepted !== undefined) return assessed;
  const known = baseline.get(keyOf(identityOf(labels)));
  const { id } = assessed.finding;
  const isKnown =
    known?.findings.has(id) === true || (assessed.answer === 'unknown' && known?.unknown.has(id) === true);
  return { ...assessed, since: isKnown ? 'known' : 'new' };
}

/** Whether none of the replicas has the finding. Where it could not be checked, nothing is said. */
function isFixed(id: string, replicas: readonly ContainerReport[]): boolean {
  return (
    replicas.length > 0 &&
    replicas.every(({ findings }) => findings.some(({ finding, answer }) => finding.id === id && answer === 'no'))
  );
}

/** One line on what is new and what is not. */
export function comparisonText({ file, added, known, fixed, gone }: Comparison): string {
  const parts = [`${added} new`, `${known} known`, `${fixed.length} fixed`];
  if (gone.length > 0) parts.push(`${gone.length} container${gone.length === 1 ? '' : 's'} gone`);
  return `Compared with ${file}: ${parts.join(', ')}.`;
}

/** A change as text, such as `web: net_raw`. */
export function changeText({ labels, finding }: Change): string {
  return `${nameOf(labels)}: ${finding}`;
}
