import { type Finding, SEVERITIES } from '../findings/finding.ts';
import { findings } from '../findings/index.ts';
import { referenceText } from '../findings/standards/references.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { severityChip } from './finding-chips.ts';
import { type Markup, markup } from './markup.ts';
import { DEFAULT_VIEW, linkTo } from './view.ts';

/** Renders why each finding matters and how to fix it, once for all containers that have it, worst first. */
export function* explanations(containers: readonly ContainerReport[]): Generator<Markup> {
  const counts = countFindings(containers);
  const found = SEVERITIES.flatMap((severity) =>
    findings.filter((finding) => finding.severity === severity && counts.has(finding.id)),
  );
  if (found.length === 0) return;
  yield markup`<section id="explanations" aria-labelledby="fixes"><h2 id="fixes">How to fix the findings</h2>`;
  for (const finding of found) yield explanation(finding, counts.get(finding.id) ?? 0);
  yield markup`</section>`;
}

function explanation({ id, severity, title, why, fix, references }: Finding, count: number): Markup {
  const containers = count === 1 ? 'the one container that has it' : `the ${count} containers that have it`;
  return markup`<article id="fix-${id}" tabindex="-1">
    <h3>${severityChip(severity)} ${title} <code>${id}</code></h3>
    <p>${why} <a href="./${linkTo({ ...DEFAULT_VIEW, finding: id })}">Show ${containers}</a></p>
    <dl>
      <div>
        <dt>docker run</dt>
        <dd>${fix.docker}</dd>
      </div>
      <div>
        <dt>compose</dt>
        <dd>${fix.compose}</dd>
      </div>
      <div>
        <dt>Kubernetes</dt>
        <dd>${fix.kubernetes}</dd>
      </div>
      ${
        references.length === 0
          ? undefined
          : markup`<div>
              <dt>References</dt>
              <dd>${references.map(referenceText).join('; ')}</dd>
            </div>`
      }
    </dl>
  </article>`;
}

function countFindings(containers: readonly ContainerReport[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { findings: assessed } of containers) {
    for (const { finding, answer } of assessed) {
      if (answer === 'yes') counts.set(finding.id, (counts.get(finding.id) ?? 0) + 1);
    }
  }
  return counts;
}
